/**
 * How a server stops: in one order, under one deadline, whoever asked for it.
 *
 * ```
 *  pending server requests fail ─► `then` ─► turns are interrupted  ┐ at once, until the deadline;
 *                                            handlers finish        ┘ what is left is interrupted with its scope
 * ```
 *
 * @module
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ErrorObject } from "../../protocol/jsonrpc/Envelope.ts"
import type { Served } from "./MessageProcessor.ts"
import { ServerRequests } from "../routing/ServerRequests.ts"
import { Threads } from "../thread/Threads.ts"

/** From the wish to stop to the end, however much is going on. */
export const DefaultDeadline: Duration.Duration = Duration.seconds(5)

/** What everybody is told who still waits for something. */
export const ShuttingDown: ErrorObject = {
  code: ErrorCode.Internal,
  message: "in-process app-server runtime is shutting down"
}

/**
 * Stops threads and lets the handlers of all these connections finish. `then` runs once nothing waits for a client any more.
 * Nothing more is read; what was said is in the outgoingQueues.
 */
export const stopAll = Effect.fnUntraced(function* (
  served: ReadonlyArray<Served>,
  then: Effect.Effect<void>,
  deadline: Duration.Input
): Effect.fn.Return<void, never, ServerRequests | Threads> {
  const serverRequests = yield* ServerRequests
  const threads = yield* Threads
  yield* serverRequests.cancelAll(ShuttingDown)
  yield* then
  for (const { connection } of served) {
    // A client that has stopped reading must not hold up the end: what is still said is kept for it, nobody waits.
    yield* connection.outgoing.drain
    yield* Queue.end(connection.ingress)
  }
  yield* Effect.all([threads.stop, ...served.map(({ done }) => done)], {
    concurrency: "unbounded",
    discard: true
  }).pipe(Effect.timeoutOption(deadline))
})

/** The same for a server with one client. */
export const stop = (
  served: Served,
  then: Effect.Effect<void>,
  deadline: Duration.Input
): Effect.Effect<void, never, ServerRequests | Threads> => stopAll([served], then, deadline)

/** One client goes, the server stays: its handlers finish, threads and turns run on, and what is asked may be answered by others. */
export const leave = (served: Served, then: Effect.Effect<void>, deadline: Duration.Input): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { connection } = served
    connection.close()
    yield* then
    yield* connection.outgoing.drain
    yield* Queue.end(connection.ingress)
    yield* Effect.timeoutOption(served.done, deadline)
  })
