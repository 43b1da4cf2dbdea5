/**
 * What every byte transport has in common: an outbox in order, and a connection served from it.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Duration from "effect/Duration"
import { Budget } from "../../services/BacklogBudget.ts"
import { answersInOrder, type Connection, type Origin } from "../../services/Connection.ts"
import { MessageProcessor } from "../../services/MessageProcessor.ts"
import { encode, type Outbound } from "../../services/Outbound.ts"
import * as Outbox from "../../services/Outbox.ts"

/** How much one client may have under way. */
export interface WireLimits {
  /** Messages read and not yet looked at. */
  readonly ingressCapacity: number
  /** Bytes of them; a single longer message is taken all the same. */
  readonly ingressBytes: number
  /** Messages not yet written. */
  readonly outboxCapacity: number
  /** Characters of what is not yet written; a single longer message is taken all the same. */
  readonly outboxBytes: number
  /** How far beyond that a client that can be cut off may fall behind others who listen to the same, before it is. */
  readonly backlog: Outbox.Backlog
  /** Bytes of one message; longer ones are refused. */
  readonly maxMessageBytes: number
  /** The same for a client that is not initialised. What it sends along with `initialize` counts as sent after it. */
  readonly uninitializedBytes: number
  /** How long a server request may wait for room before it is failed back into the server. */
  readonly requestGrace: Duration.Input
  /** How long a client whose outbox is full may read nothing, before a transport that can cut it off does. */
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

export const defaultLimits: WireLimits = {
  ingressCapacity: 1024,
  ingressBytes: 16 * 1024 * 1024,
  outboxCapacity: 4096,
  outboxBytes: 8 * 1024 * 1024,
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
export const Limits = Context.Reference<WireLimits>("spindle/WireLimits", { defaultValue: () => defaultLimits })

const overload = "Server overloaded; retry later."

const refusals = { full: overload, closed: "the client is gone" }

const lengthOf = (message: Outbound): number => encode(message).length

/** Serves a client until the scope closes. The transport offers to `served.connection.ingress` and writes from `outbox`. */
export const serve = Effect.fnUntraced(function* (origin: Origin, limits: WireLimits) {
  const processor = yield* MessageProcessor
  const outbox = yield* Outbox.make({
    capacity: limits.outboxCapacity,
    requestGrace: limits.requestGrace,
    marksLag: false,
    bytes: { max: limits.outboxBytes, of: lengthOf },
    // Who is on the other end of stdio is all there is, and is waited for.
    ...(origin === "stdio" ? {} : { backlog: limits.backlog, budget: yield* Budget })
  })
  const served = yield* processor.serve({
    origin,
    capacity: limits.ingressCapacity,
    outbox,
    answers: answersInOrder(outbox),
    overloadText: overload,
    refusals
  })
  return { served, outbox }
})

/** The text of a message for this client. */
export const toText = (connection: Connection, message: Outbound): string =>
  encode(message, connection.session?.sequenced === true)

/** The messages as lines. */
export const toLines = (connection: Connection, messages: ReadonlyArray<Outbound>): string => {
  const sequenced = connection.session?.sequenced === true
  let text = ""
  for (const message of messages) text += `${encode(message, sequenced)}\n`
  return text
}
