/**
 * A thread store that always answers: the store an embedder brings is another's code.
 *
 * Each operation succeeds or fails with `ThreadStoreError` within `StoreTimeout`. An operation that dies has failed. One that
 * does not answer in time is interrupted and left behind; it is not waited for, because it may not be interruptible. Failures
 * are logged here, once each. Does not decide what a failure means (`ThreadJournal`, the handlers).
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

/** How long one operation of a thread store may take. */
export const StoreTimeout = Context.Reference("spindle/StoreTimeout", { defaultValue: () => Duration.seconds(10) })

type Operation = ThreadStoreError["operation"]

const errorOf = (operation: Operation, cause: Cause.Cause<ThreadStoreError>): ThreadStoreError =>
  Option.getOrElse(
    Cause.findErrorOption(cause),
    () => new ThreadStoreError({ operation, reason: "unavailable", cause: Cause.squash(cause) })
  )

export const make = Effect.gen(function* () {
  const store = yield* ThreadStore
  const timeout = yield* StoreTimeout
  /** Operations that have not answered yet, and those that were given up and run on. */
  const pending = new Map<Fiber.Fiber<unknown, unknown>, Operation>()
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      for (const fiber of pending.keys()) fiber.interruptUnsafe()
      if (pending.size === 0) return Effect.void
      return Effect.logWarning(
        `thread store: left behind without an answer: ${Array.from(pending.values()).join(", ")}`
      )
    })
  )

  const bounded = <A>(operation: Operation, run: () => Effect.Effect<A, ThreadStoreError>) =>
    Effect.flatMap(
      Effect.forkDetach(Effect.interruptible(Effect.suspend(run)), { startImmediately: true }),
      (fiber): Effect.Effect<A, ThreadStoreError> => {
        const exit = fiber.pollUnsafe()
        return exit === undefined ? answered(operation, fiber) : settled(operation, exit)
      }
    )

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
        // Also where the caller is interrupted.
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
    return Effect.andThen(Effect.logError(error.message, error.cause), Effect.fail(error))
  }

  return ThreadStore.of({
    append: (...args) => bounded("append", () => store.append(...args)),
    read: (...args) => bounded("read", () => store.read(...args)),
    summary: (...args) => bounded("read", () => store.summary(...args)),
    list: (...args) => bounded("list", () => store.list(...args)),
    search: (...args) => bounded("search", () => store.search(...args)),
    fork: (...args) => bounded("fork", () => store.fork(...args)),
    delete: (...args) => bounded("delete", () => store.delete(...args))
  })
})

/** Puts the bounds around the store that it is given. */
export const layer: Layer.Layer<ThreadStore, never, ThreadStore> = Layer.effect(ThreadStore, make)
