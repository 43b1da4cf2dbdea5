/**
 * The limits and timeouts of connections on transports: queues, messages, `initialize`, slow clients. Limits in process are
 * options of `InProcess`.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type { BacklogLimits } from "../../services/routing/TieredQueue.ts"

export type { BacklogLimits } from "../../services/routing/TieredQueue.ts"

/** Limits of one client. */
export interface ConnectionLimits {
  /** Maximum number of received and unhandled messages. */
  readonly ingressCapacity: number
  /** Their maximum size in bytes. A single longer message is still accepted. */
  readonly ingressBytes: number
  /** Maximum number of unwritten messages. */
  readonly outgoingCapacity: number
  /** Their maximum size in characters. A single longer message is still accepted. */
  readonly outgoingBytes: number
  /** Additional backlog of an evictable client before it is disconnected. */
  readonly backlog: BacklogLimits
  /** Maximum size of one message in bytes. */
  readonly maxMessageBytes: number
  /** The same for an uninitialized client. Messages received together with `initialize` count as sent after it. */
  readonly uninitializedBytes: number
  /** How long a server request waits for room before it fails in the server. */
  readonly requestGrace: Duration.Input
  /** How long an evictable client with a full queue may read nothing before it is disconnected. */
  readonly stallGrace: Duration.Input
  /** Time limit of a socket client's HTTP request, from the connect. */
  readonly requestTimeout: Duration.Input
  /** Time limit of a socket client's `initialize`, from the upgrade. Initialized clients may stay idle. */
  readonly initializeTimeout: Duration.Input
  /** Maximum number of uninitialized connections per listener. When it is exceeded, the oldest is closed. */
  readonly maxUninitialized: number
  /** Maximum number of connections per listener. Further ones are closed at once. */
  readonly maxConnections: number
}

/** The limits of a server that sets none. */
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

/** The default limits. */
export const Limits = Context.Reference<ConnectionLimits>("spindle/ConnectionLimits", {
  defaultValue: () => defaultLimits
})
