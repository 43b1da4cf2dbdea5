/**
 * Serves the client of a byte transport, within the limits of `ConnectionLimits`.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { Budget } from "../../services/routing/BacklogBudget.ts"
import { MessageProcessor, type ServeOptions } from "../../services/connection/MessageProcessor.ts"
import type { Transport } from "../../services/connection/Transport.ts"
import { encode, type OutboundMessage } from "../../services/routing/OutboundMessage.ts"
import type { ConnectionLimits } from "./ConnectionLimits.ts"

const overload = "Server overloaded; retry later."

const refusals = { full: overload, closed: "the client is gone" }

const lengthOf = (message: OutboundMessage): number => encode(message).length

/** Serves a client. The caller closes the connection; `onClosed` is called when it has ended. */
export const serve = Effect.fnUntraced(function* (
  transport: Transport,
  limits: ConnectionLimits,
  onClosed: () => void = () => {}
) {
  const processor = yield* MessageProcessor
  const options: ServeOptions = {
    capacity: limits.ingressCapacity,
    outgoing: {
      capacity: limits.outgoingCapacity,
      requestGrace: limits.requestGrace,
      emitLagMarkers: false,
      bytes: { max: limits.outgoingBytes, of: lengthOf },
      // Producers wait for a client that cannot be evicted.
      ...(transport.evictable ? { backlog: limits.backlog, budget: yield* Budget } : {})
    },
    stallGrace: limits.stallGrace,
    onClosed,
    overloadText: overload,
    refusals
  }
  return yield* processor.serve(transport, options)
})
