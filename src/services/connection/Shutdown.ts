/**
 * How a server stops: once, in a fiber of its own, under one deadline, whoever asked for it.
 *
 * Owns the order of the stop and what becomes of everybody who waits for it. Does not own the end of a connection
 * (ServedConnection) nor of a thread (Threads).
 *
 * ```
 *  pending server requests fail ─► connections stop reading ─► threads end    ┐ at once,      what is left   clients read
 *                                                              handlers finish ┘ until `work` ─► is named ───► the last, until `end`
 * ```
 *
 * Invariants:
 * - Whoever calls `stop`, however often and from wherever, waits for the same end. Giving up the wait stops nothing.
 * - The wait ends at the deadline. What has not ended then is named in the log, and can neither publish nor store anything.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type { ErrorObject } from "../../protocol/jsonrpc/Envelope.ts"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import { ServerRequests } from "../routing/ServerRequests.ts"
import { Threads } from "../thread/Threads.ts"
import { Deadline, DefaultDeadline } from "./Deadline.ts"
import type { Fork } from "./Dispatcher.ts"
import { MessageProcessor } from "./MessageProcessor.ts"
import type { CloseReason } from "./Transport.ts"

/** The error of everything that still waits for an answer. */
export const ShuttingDown: ErrorObject = {
  code: ErrorCode.Internal,
  message: "in-process app-server runtime is shutting down"
}

/** How long a stop may take: a time from now, or the deadline of a larger stop. */
export type StopOptions = { readonly within: Duration.Input } | { readonly deadline: Deadline }

/** A stop that runs once. */
export class Stop {
  readonly #fork: Fork
  readonly #work: (deadline: Deadline) => Effect.Effect<void>
  readonly #share: () => number
  readonly #done = Deferred.makeUnsafe<void>()
  #deadline: Deadline | undefined

  /**
   * `work` is run once, in a fiber of its own, and must end by the deadline that it gets. `share` is the part of the deadline that
   * running turns and handlers get.
   */
  constructor(fork: Fork, work: (deadline: Deadline) => Effect.Effect<void>, share: () => number = () => 1) {
    this.#fork = fork
    this.#work = work
    this.#share = share
  }

  /** Begins the stop, or brings its deadline forward. Waits for its end. */
  run(options: StopOptions): Effect.Effect<void> {
    return Effect.suspend(() => {
      const isFirst = this.#deadline === undefined
      const deadline = (this.#deadline ??= new Deadline(this.#fork))
      if (!Deferred.isDoneUnsafe(this.#done)) {
        if ("deadline" in options) deadline.follow(options.deadline)
        else deadline.within(options.within, this.#share())
      }
      if (isFirst) this.#fork(Effect.ensuring(this.#work(deadline), this.#finish(deadline)))
      return Deferred.await(this.#done)
    })
  }

  #finish(deadline: Deadline): Effect.Effect<void> {
    return Effect.sync(() => {
      deadline.clear()
      Deferred.doneUnsafe(this.#done, Exit.void)
    })
  }
}

export class Shutdown extends Context.Service<
  Shutdown,
  {
    /** Stops the threads and closes the connections. Waits until that has happened, at most until the deadline. */
    readonly stop: (options: StopOptions) => Effect.Effect<void>
  }
>()("spindle/Shutdown") {}

/** The part of the deadline for turns and handlers where clients read the last messages from a stream. */
const WorkShare = 0.8

const stopping: CloseReason = { _tag: "Stopping", message: "the server is shutting down" }

export const make = Effect.gen(function* () {
  const processor = yield* MessageProcessor
  const serverRequests = yield* ServerRequests
  const threads = yield* Threads
  const fork: Fork = Effect.runForkWith(yield* Effect.context<never>())

  const stopThreads = Effect.fnUntraced(function* (stopping: Fiber.Fiber<unknown, unknown>, deadline: Deadline) {
    yield* Effect.raceFirst(Fiber.await(stopping), deadline.work)
    // What has just been interrupted gets a moment to end.
    yield* Effect.yieldNow
    const left = threads.abandonNow()
    if (left.length > 0) yield* Effect.logWarning(`the server stops and leaves behind: ${left.join(", ")}`)
  })

  const work = Effect.fnUntraced(function* (deadline: Deadline) {
    yield* Effect.logDebug("the server stops")
    yield* serverRequests.cancelAll(ShuttingDown)
    const ending = fork(threads.stop)
    const closing = processor
      .connections()
      .map(({ close }) => close(stopping, { deadline, after: Effect.asVoid(Fiber.await(ending)) }))
    yield* Effect.all([stopThreads(ending, deadline), ...closing], { concurrency: "unbounded", discard: true })
  })

  const readsFromStreams = () => processor.connections().some(({ connection }) => connection.origin !== "inProcess")
  const stop = new Stop(fork, work, () => (readsFromStreams() ? WorkShare : 1))
  yield* Effect.addFinalizer(() => stop.run({ within: DefaultDeadline }))
  return Shutdown.of({ stop: (options) => stop.run(options) })
})

export const layer = Layer.effect(Shutdown, make)
