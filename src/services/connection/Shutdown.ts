/**
 * How a server stops: once, in its own fiber, under one deadline (`Deadline`), whoever requested it.
 *
 * Owns the order of the stop, and its callers. Does not own the end of a connection (ServedConnection) nor of a thread (Threads);
 * each of them logs what still runs.
 *
 * ```
 *                                  ┌─► threads end ────────────────────────────┐ until `work`,  clients read   steps of
 *  pending server requests fail ───┤                                           ├─ what is left ─► the last, ──► `atEnd`
 *                                  └─► connections stop reading, handlers end ─┘ is logged      until `end`
 * ```
 *
 * Invariants:
 * - Every caller of `stop` waits for the same end. Interrupting a caller does not stop it.
 * - The wait ends at the deadline. Code that has not ended by then is named in the log, and can neither publish nor store anything.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type { ErrorObject } from "../../protocol/jsonrpc/Envelope.ts"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import { ServerRequests } from "../routing/ServerRequests.ts"
import { Threads } from "../thread/Threads.ts"
import { Deadline } from "./Deadline.ts"
import type { Fork } from "./Dispatcher.ts"
import { MessageProcessor } from "./MessageProcessor.ts"
import type { CloseReason } from "./Transport.ts"

/** The error of all pending requests. */
export const ShuttingDown: ErrorObject = {
  code: ErrorCode.Internal,
  message: "in-process app-server runtime is shutting down"
}

export type { Deadline } from "./Deadline.ts"

/** The stop of a server: once, in one order, and under one deadline. */
export class Shutdown extends Context.Service<
  Shutdown,
  {
    /**
     * Stops the server: its connections, its threads, and then the effects registered with `atEnd`. Waits for the end, at most
     * for `within`. A further call waits for the same end and may bring the deadline forward.
     */
    readonly stop: (within: Duration.Input) => Effect.Effect<void>
    /** Registers an effect that runs last, once. It must end by the deadline. */
    readonly atEnd: (work: (deadline: Deadline) => Effect.Effect<void>) => Effect.Effect<void>
  }
>()("spindle/Shutdown") {}

/** The share of the deadline for turns and handlers; in the rest clients read the last messages. */
const WorkShare = 0.8

/** How long connections that end at the deadline may take to log what still runs. */
const Moment = Duration.millis(100)

const stopping: CloseReason = { _tag: "Stopping", message: "the server is shutting down" }

/** Gives up the threads that have not ended, and names them in the log. */
const abandon = (threads: Threads["Service"]): Effect.Effect<void> =>
  Effect.suspend(() => {
    const left = threads.abandonNow()
    if (left.length === 0) return Effect.void
    return Effect.logWarning(`the server stops; still running: ${left.join(", ")}`)
  })

/** Waits for the end of the threads, and gives up those that have not ended by the mark. False when it came first. */
const awaitThreads = Effect.fnUntraced(function* (
  threads: Threads["Service"],
  ending: Fiber.Fiber<unknown, unknown>,
  mark: Effect.Effect<void>
) {
  // Without threads it has ended already.
  if (ending.pollUnsafe() !== undefined) return true
  const inTime = yield* Effect.raceFirst(Effect.as(Fiber.await(ending), true), Effect.as(mark, false))
  // Interrupted work gets a short time to end.
  yield* Effect.yieldNow
  if (!inTime) yield* abandon(threads)
  return inTime
})

type Step = (deadline: Deadline) => Effect.Effect<void>

/** Runs a step of the stop. A step that fails is logged, and the next one runs. */
const survive = (step: Step, deadline: Deadline): Effect.Effect<void> =>
  Effect.catchCause(
    Effect.suspend(() => step(deadline)),
    (cause) => Effect.logError("a step of the stop failed", cause)
  )

/** @internal */
export const make = Effect.gen(function* () {
  const processor = yield* MessageProcessor
  const serverRequests = yield* ServerRequests
  const threads = yield* Threads
  const fork: Fork = Effect.runForkWith(yield* Effect.context<never>())

  const work = Effect.fnUntraced(function* (deadline: Deadline) {
    yield* Effect.logDebug("the server stops")
    yield* serverRequests.cancelAll(ShuttingDown)
    const ending = fork(threads.stop)
    const tooLate = Effect.andThen(deadline.end, Effect.sleep(Moment))
    const closing = processor
      .connections()
      .map(({ close }) => close(stopping, { deadline, after: Effect.asVoid(Fiber.await(ending)) }))
      .map((closing) => Effect.raceFirst(closing, tooLate))
    const closed = Effect.all(closing, { concurrency: "unbounded", discard: true })
    const [inTime] = yield* Effect.all([awaitThreads(threads, ending, deadline.work), closed], {
      concurrency: "unbounded"
    })
    // Requests that were still running may have opened others meanwhile.
    if (inTime && (yield* awaitThreads(threads, fork(threads.stop), deadline.end))) yield* abandon(threads)
  })

  const last: Array<Step> = []
  const whole = (deadline: Deadline) =>
    Effect.andThen(
      survive(work, deadline),
      Effect.forEach(last, (step) => survive(step, deadline), { discard: true })
    )

  const done = Deferred.makeUnsafe<void>()
  const deadline = new Deadline(fork)
  let isStopping = false
  const finish = Effect.sync(() => {
    deadline.clear()
    Deferred.doneUnsafe(done, Exit.void)
  })
  const readsFromStreams = () => processor.connections().some(({ connection }) => connection.origin !== "inProcess")

  const stop = (within: Duration.Input) =>
    Effect.suspend(() => {
      if (!Deferred.isDoneUnsafe(done)) deadline.within(within, readsFromStreams() ? WorkShare : 1)
      if (!isStopping) {
        isStopping = true
        fork(Effect.ensuring(whole(deadline), finish))
      }
      return Deferred.await(done)
    })

  return Shutdown.of({ stop, atEnd: (work) => Effect.sync(() => void last.push(work)) })
})

/** @internal */
export const layer = Layer.effect(Shutdown, make)
