/**
 * What every byte transport has in common: an outgoing in order, and a connection served from it.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Duration from "effect/Duration"
import { Budget } from "../../services/routing/BacklogBudget.ts"
import { answersInOrder, type Connection, type Origin } from "../../services/connection/Connection.ts"
import { MessageProcessor } from "../../services/connection/MessageProcessor.ts"
import { encode, type OutboundMessage } from "../../services/routing/OutboundMessage.ts"
import * as TieredQueue from "../../services/routing/TieredQueue.ts"

/** How much one client may have under way. */
export interface ConnectionLimits {
  /** Messages read and not yet looked at. */
  readonly ingressCapacity: number
  /** Bytes of them; a single longer message is taken all the same. */
  readonly ingressBytes: number
  /** Messages not yet written. */
  readonly outgoingCapacity: number
  /** Characters of what is not yet written; a single longer message is taken all the same. */
  readonly outgoingBytes: number
  /** How far beyond that a client that can be cut off may fall behind others who listen to the same, before it is. */
  readonly backlog: TieredQueue.BacklogLimits
  /** Bytes of one message; longer ones are refused. */
  readonly maxMessageBytes: number
  /** The same for a client that is not initialised. What it sends along with `initialize` counts as sent after it. */
  readonly uninitializedBytes: number
  /** How long a server request may wait for room before it is failed back into the server. */
  readonly requestGrace: Duration.Input
  /** How long a client whose outgoing is full may read nothing, before a transport that can cut it off does. */
  readonly stallGrace: Duration.Input
  /** How long a client on a socket may take for its HTTP request, from the moment it connects. */
  readonly requestTimeout: Duration.Input
  /** How long a client on a socket may take from the upgrade to its `initialize`. Initialised clients may stay idle for ever. */
  readonly initializeTimeout: Duration.Input
  /** Connections of one listener that are not initialised. Of more the oldest is closed. */
  readonly maxUninitialized: number
  /** Connections of one listener. More are closed at once. */
  readonly maxConnections: number
}

export const defaultLimits: ConnectionLimits = {
  ingressCapacity: 1024,
  ingressBytes: 16 * 1024 * 1024,
  outgoingCapacity: 4096,
  outgoingBytes: 8 * 1024 * 1024,
  backlog: { messages: 131_072, bytes: 32 * 1024 * 1024 },
  maxMessageBytes: 128 * 1024 * 1024,
  uninitializedBytes: 1024 * 1024,
  requestGrace: "5 seconds",
  stallGrace: "10 seconds",
  requestTimeout: "10 seconds",
  initializeTimeout: "60 seconds",
  maxUninitialized: 1024,
  maxConnections: 10_000
}

/** The limits of transports that are not given any. */
export const Limits = Context.Reference<ConnectionLimits>("spindle/WireLimits", { defaultValue: () => defaultLimits })

const overload = "Server overloaded; retry later."

const refusals = { full: overload, closed: "the client is gone" }

const lengthOf = (message: OutboundMessage): number => encode(message).length

/** Serves a client until the scope closes. The transport offers to `served.connection.ingress` and writes from `outgoing`. */
export const serve = Effect.fnUntraced(function* (origin: Origin, limits: ConnectionLimits) {
  const processor = yield* MessageProcessor
  const outgoing = yield* TieredQueue.make({
    capacity: limits.outgoingCapacity,
    requestGrace: limits.requestGrace,
    emitLagMarkers: false,
    bytes: { max: limits.outgoingBytes, of: lengthOf },
    // Who is on the other end of stdio is all there is, and is waited for.
    ...(origin === "stdio" ? {} : { backlog: limits.backlog, budget: yield* Budget })
  })
  const served = yield* processor.serve({
    origin,
    capacity: limits.ingressCapacity,
    outgoing,
    answers: answersInOrder(outgoing),
    overloadText: overload,
    refusals
  })
  return { served, outgoing }
})

/** The text of a message for this client. */
export const toText = (connection: Connection, message: OutboundMessage): string =>
  encode(message, connection.session?.sequenced === true)

/** The messages as lines. */
export const toLines = (connection: Connection, messages: ReadonlyArray<OutboundMessage>): string => {
  const sequenced = connection.session?.sequenced === true
  let text = ""
  for (const message of messages) text += `${encode(message, sequenced)}\n`
  return text
}
