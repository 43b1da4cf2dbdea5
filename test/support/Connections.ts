/**
 * Connections without a transport: tests read their messages from the outgoing queue.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { Connection, type ConnectionOptions } from "../../src/services/connection/Connection.ts"
import type { Origin } from "../../src/services/connection/Transport.ts"
import type { Session } from "../../src/services/routing/Subscriber.ts"
import type { OutboundMessage } from "../../src/services/routing/OutboundMessage.ts"
import * as TieredQueue from "../../src/services/routing/TieredQueue.ts"
import * as MemoryTransport from "./MemoryTransport.ts"
import { takeFrom } from "./Queues.ts"

export interface OpenOptions extends Partial<ConnectionOptions> {
  readonly origin?: Origin
  readonly id?: number
  /** Capacity of the outgoing queue. */
  readonly room?: number
  readonly requestGrace?: TieredQueue.TieredQueueOptions["requestGrace"]
  readonly emitLagMarkers?: boolean
  /** The limits of a connection that can be evicted. */
  readonly backlog?: TieredQueue.BacklogLimits
  /** The result of initialize; null for an uninitialized connection. */
  readonly session?: Partial<Session> | null
}

export const sessionOf = (session: Partial<Session> = {}): Session => ({
  client: { name: "test", title: null, version: "1" },
  userAgent: "test/0.169.0 (test)",
  experimental: false,
  optedOut: new Set(),
  sequenced: false,
  ...session
})

/** A connection that sends responses through its outgoing queue, like one over a transport. */
export const openConnection = Effect.fnUntraced(function* (options: OpenOptions = {}) {
  const outgoing = yield* TieredQueue.make({
    capacity: options.room ?? 64,
    requestGrace: options.requestGrace ?? null,
    emitLagMarkers: options.emitLagMarkers ?? true,
    ...(options.backlog === undefined ? {} : { backlog: options.backlog })
  })
  const { transport } = MemoryTransport.make({ origin: options.origin ?? "stdio" })
  const connection = new Connection(options.id ?? 0, transport, outgoing, {
    capacity: 64,
    overloadText: "Server overloaded; retry later.",
    refusals: { full: "no room", closed: "no reader" },
    ...options
  })
  if (options.session !== null) connection.initialize(sessionOf(options.session))
  return connection
})

/** The messages that were sent to the connection since the last call, without waiting for more. */
export const received = Effect.fnUntraced(function* (connection: Connection) {
  const messages: Array<OutboundMessage> = []
  while (connection.outgoing.stats.size > 0) messages.push(yield* takeFrom(connection.outgoing))
  return messages
})

/** The methods of the messages that were sent to the connection since the last call. */
export const receivedMethods = (connection: Connection) =>
  Effect.map(received(connection), (messages) =>
    messages.map((message) => ("method" in message ? message.method : message._tag))
  )
