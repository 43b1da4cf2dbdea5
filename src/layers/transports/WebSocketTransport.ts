/**
 * One client over a WebSocket, as a transport.
 *
 * Owns the contents of close frames and the time that a client has to answer one. Does not own the socket (WebSocketPeer).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { CloseReason, Origin, Transport } from "../../services/connection/Transport.ts"
import { ReadBuffer } from "./ReadBuffer.ts"
import type { ReadBudget } from "./ReadBudget.ts"
import type { ConnectionLimits } from "./ConnectionLimits.ts"
import { CloseCode, type Refusal, type WebSocketPeer } from "./WebSocketPeer.ts"

/** Time limit for the client's close frame. */
const CloseGrace = "1 second"

const refusalOf = (reason: CloseReason): Refusal => {
  switch (reason._tag) {
    case "Evicted":
      return { code: CloseCode.policy, reason: reason.message }
    case "Fault":
      return { code: CloseCode.internal, reason: "internal error" }
    case "Stopping":
      return { code: CloseCode.goingAway, reason: reason.message }
    default:
      return { code: CloseCode.goingAway, reason: "" }
  }
}

/** Sends a close frame and waits briefly for the client's. */
const close = (peer: WebSocketPeer, { code, reason }: Refusal): Effect.Effect<void> =>
  Effect.suspend(() => {
    peer.close(code, reason)
    return Effect.ensuring(
      Effect.timeoutOption(peer.gone, CloseGrace),
      Effect.sync(() => peer.terminate())
    )
  })

/** Starts to receive. The transport ends with its socket. */
export const make = (peer: WebSocketPeer, origin: Origin, limits: ConnectionLimits, reads: ReadBudget): Transport => {
  const buffer = new ReadBuffer(limits, reads.open(peer))
  peer.attach(buffer)
  return {
    origin,
    evictable: true,
    read: buffer.read,
    write: (messages, sequenced) => peer.write(messages, sequenced),
    // The peer's reason is more precise than the failure of the transport.
    close: (reason) => close(peer, peer.refusal ?? refusalOf(reason)),
    onInitialized: () => buffer.initialized(),
    unread: () => buffer.unread
  }
}
