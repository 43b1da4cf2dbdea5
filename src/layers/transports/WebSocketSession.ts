/**
 * One client over a WebSocket, from its upgrade until the last of its handlers has finished.
 *
 * Owns the order of the end: a client that is gone is told nothing more and asked nothing more at once, its waiting
 * requests are skipped, its running ones finish, and nobody else waits for that. Threads and turns run on.
 *
 * @module
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { Connection } from "../../services/connection/Connection.ts"
import type { Served } from "../../services/connection/MessageProcessor.ts"
import type { OutboundRouter } from "../../services/routing/OutboundRouter.ts"
import type { OutboundMessage } from "../../services/routing/OutboundMessage.ts"
import { ReadBuffer } from "./ReadBuffer.ts"
import type { ReadBudget } from "./ReadBudget.ts"
import { CloseCode, type WebSocketPeer, type Refusal } from "./WebSocketPeer.ts"
import type { ConnectionLimits } from "./StreamTransport.ts"

/** How long a client has to answer a close frame. */
const CloseGrace = "1 second"

/** Says why, and does not wait long for the client to agree. */
const dismiss = (peer: WebSocketPeer, { code, reason }: Refusal): Effect.Effect<void> =>
  Effect.suspend(() => {
    peer.close(code, reason)
    return Effect.ensuring(
      Effect.timeoutOption(peer.gone, CloseGrace),
      Effect.sync(() => peer.terminate())
    )
  })

/** Why a client that is still there is dismissed. */
const stopped: Refusal = { code: CloseCode.policy, reason: "the client has stopped reading" }
const tooSlow: Refusal = { code: CloseCode.policy, reason: "the client reads too slowly" }
const readTooMuch: Refusal = { code: CloseCode.tryAgainLater, reason: "too much is being sent to the server at once" }

const evict = (peer: WebSocketPeer, connection: Connection, refusal: Refusal): Effect.Effect<void> =>
  Effect.logWarning(`closing connection ${connection.id}: ${refusal.reason}`).pipe(
    Effect.andThen(connection.outgoing.shutdown),
    Effect.andThen(dismiss(peer, refusal))
  )

/** Waits until more can be written, unless the client reads nothing for the whole grace, or falls too far behind others. */
const writable = (peer: WebSocketPeer, connection: Connection, limits: ConnectionLimits): Effect.Effect<void> =>
  Effect.raceAllFirst([
    peer.writable,
    Effect.andThen(connection.outgoing.stalled(limits.stallGrace), evict(peer, connection, stopped)),
    connection.outgoing.cutOff
  ])

/** What a session needs from the listener it belongs to. */
export interface SessionContext {
  readonly limits: ConnectionLimits
  /** What all clients have sent and nobody has looked at. */
  readonly reads: ReadBudget
  readonly router: OutboundRouter["Service"]
  /** Runs something short in the caller's turn. */
  readonly fork: (effect: Effect.Effect<void>) => void
  /** The reason of the close frame when the outgoing has ended before the client has gone. */
  readonly farewell: () => string
}

/** Writes these at the client's pace. */
const tell = Effect.fnUntraced(function* (
  peer: WebSocketPeer,
  connection: Connection,
  messages: ReadonlyArray<OutboundMessage>,
  limits: ConnectionLimits
) {
  let at = 0
  while (at < messages.length && !peer.isGone && !connection.outgoing.isCutOff) {
    at = peer.write(connection, messages, at)
    if (peer.isCongested) yield* writable(peer, connection, limits)
  }
})

/** Everything the client is told, until it is gone or the outgoing has ended. */
const telling = (peer: WebSocketPeer, connection: Connection, limits: ConnectionLimits): Effect.Effect<void> => {
  const { outgoing } = connection
  const tellMore = Effect.whileLoop({
    while: () => !peer.isGone,
    body: () => Effect.flatMap(outgoing.takeAll, (messages) => tell(peer, connection, messages, limits)),
    step: () => {}
  })
  return Effect.ignore(tellMore)
}

const finish = Effect.fnUntraced(function* (
  peer: WebSocketPeer,
  { connection, done }: Served,
  context: SessionContext
) {
  const { outgoing } = connection
  const refusal = peer.refusal ?? (outgoing.isCutOff ? tooSlow : undefined)
  yield* refusal === undefined
    ? dismiss(peer, { code: CloseCode.goingAway, reason: context.farewell() })
    : evict(peer, connection, refusal)
  connection.close()
  yield* context.router.disconnect(connection)
  yield* outgoing.shutdown
  yield* Queue.end(connection.ingress)
  yield* done
})

/** Ends when the client is gone and its handlers have finished. */
export const run = (peer: WebSocketPeer, served: Served, context: SessionContext): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { connection } = served
    const { fork, limits } = context
    // What the client had still been told when it went is nobody's any more, and nobody waits for it.
    const stop = () => fork(connection.outgoing.shutdown)
    const account = context.reads.open({
      isInitialized: () => connection.session !== undefined,
      evict: () => peer.refuse(readTooMuch)
    })
    const readBuffer = new ReadBuffer(connection, limits, account)
    peer.onGone(() => {
      readBuffer.close()
      stop()
    })
    peer.onRefused(stop)
    peer.attach(readBuffer)
    return Effect.andThen(telling(peer, connection, limits), () => finish(peer, served, context))
  })

/** A fault of this server ends the session, not without a word to the client. */
export const fail = (peer: WebSocketPeer, cause: Cause.Cause<never>): Effect.Effect<void> =>
  Effect.andThen(
    Effect.logError("connection failed", cause),
    dismiss(peer, { code: CloseCode.internal, reason: "internal error" })
  )
