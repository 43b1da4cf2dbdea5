/**
 * Bounds the operations of a thread store, which is the code of an embedder.
 *
 * Each operation succeeds or fails with `ThreadStoreError` within `StoreTimeout`. A defect counts as a failure. An operation
 * that exceeds the time is interrupted and not awaited, because it may not be interruptible. Each failure is logged here,
 * once. Does not decide what a failure means (`ThreadJournal`, the handlers).
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { ThreadStore, ThreadStoreError } from "./ThreadStore.ts"

/** Time limit of one operation of a thread store. */
export const StoreTimeout = Context.Reference("spindle/StoreTimeout", { defaultValue: () => Duration.seconds(10) })

type Operation = ThreadStoreError["operation"]

const errorOf = (operation: Operation, cause: Cause.Cause<ThreadStoreError>): ThreadStoreError =>
  Option.getOrElse(
    Cause.findErrorOption(cause),
    () => new ThreadStoreError({ operation, reason: "unavailable", cause: Cause.squash(cause) })
  )

type Bounded = <A>(
  operation: Operation,
  run: () => Effect.Effect<A, ThreadStoreError>
) => Effect.Effect<A, ThreadStoreError>

/** The operations that a store may lack. */
const optional = (
  { claim, pathOf, readItems, readTurns, sections, threadAt }: ThreadStore["Service"],
  bounded: Bounded
): Partial<ThreadStore["Service"]> => ({
  ...(claim === undefined ? {} : { claim: (...args) => bounded("claim", () => claim(...args)) }),
  ...(readTurns === undefined ? {} : { readTurns: (...args) => bounded("read", () => readTurns(...args)) }),
  ...(readItems === undefined ? {} : { readItems: (...args) => bounded("read", () => readItems(...args)) }),
  ...(pathOf === undefined ? {} : { pathOf }),
  ...(threadAt === undefined ? {} : { threadAt: (path) => bounded("read", () => threadAt(path)) }),
  ...(sections === undefined
    ? {}
    : {
        sections: {
          load: Effect.suspend(() => bounded("read", () => sections.load)),
          save: (all) => bounded("append", () => sections.save(all))
        }
      })
})

/** Bounds operations by `StoreTimeout`. The scope interrupts the abandoned ones that still run. */
const makeBounded = Effect.gen(function* () {
  const timeout = yield* StoreTimeout
  /** Operations that have not ended, including those that were abandoned after the timeout. */
  const pending = new Map<Fiber.Fiber<unknown, unknown>, Operation>()
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      for (const fiber of pending.keys()) fiber.interruptUnsafe()
      if (pending.size === 0) return Effect.void
      return Effect.logWarning(`thread store: operations without an answer: ${Array.from(pending.values()).join(", ")}`)
    })
  )

  const bounded: Bounded = (operation, run) =>
    Effect.contextWith((context: Context.Context<never>) => {
      const fiber = Effect.runForkWith(context)(Effect.suspend(run))
      const exit = fiber.pollUnsafe()
      return exit === undefined ? answered(operation, fiber) : settled(operation, exit)
    })

  const answered = <A>(operation: Operation, fiber: Fiber.Fiber<A, ThreadStoreError>) =>
    Effect.suspend(() => {
      pending.set(fiber, operation)
      fiber.addObserver(() => void pending.delete(fiber))
      const cause = new Error(`no answer within ${Duration.format(timeout)}`)
      return Effect.interruptible(Fiber.await(fiber)).pipe(
        Effect.timeoutOrElse({
          duration: timeout,
          orElse: () => Effect.succeed(Exit.fail(new ThreadStoreError({ operation, reason: "timeout", cause })))
        }),
        // This also applies when the caller is interrupted.
        Effect.ensuring(Effect.sync(() => fiber.interruptUnsafe())),
        Effect.flatMap((exit) => settled(operation, exit))
      )
    })

  const settled = <A>(
    operation: Operation,
    exit: Exit.Exit<A, ThreadStoreError>
  ): Effect.Effect<A, ThreadStoreError> => {
    if (Exit.isSuccess(exit)) return exit
    const error = errorOf(operation, exit.cause)
    // A thread that others use is no failure of the store.
    const logged =
      error.reason === "locked" || error.reason === "referenced"
        ? Effect.void
        : Effect.logError(error.message, error.cause)
    return Effect.andThen(logged, Effect.fail(error))
  }
  return bounded
})

/** The given store in these bounds. */
export const make = Effect.gen(function* () {
  const store = yield* ThreadStore
  const bounded = yield* makeBounded
  return ThreadStore.of({
    ...(store.volatile === undefined ? {} : { volatile: store.volatile }),
    append: (...args) => bounded("append", () => store.append(...args)),
    read: (...args) => bounded("read", () => store.read(...args)),
    summary: (...args) => bounded("read", () => store.summary(...args)),
    list: (...args) => bounded("list", () => store.list(...args)),
    search: (...args) => bounded("search", () => store.search(...args)),
    ...optional(store, bounded),
    fork: (...args) => bounded("fork", () => store.fork(...args)),
    delete: (...args) => bounded("delete", () => store.delete(...args))
  })
})

/** Wraps the given store in these bounds. */
export const layer: Layer.Layer<ThreadStore, never, ThreadStore> = Layer.effect(ThreadStore, make)
