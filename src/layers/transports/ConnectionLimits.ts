/**
 * The limits and timeouts of connections on transports: queues, messages, `initialize`, slow clients. Limits in process are
 * options of `InProcess`.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type { BacklogLimits } from "../../services/routing/TieredQueue.ts"

/** How much one client may have under way. */
export interface ConnectionLimits {
  /** Messages that were received and not yet handled. */
  readonly ingressCapacity: number
  /** Bytes of them; a single longer message is taken all the same. */
  readonly ingressBytes: number
  /** Messages not yet written. */
  readonly outgoingCapacity: number
  /** Characters of what is not yet written; a single longer message is taken all the same. */
  readonly outgoingBytes: number
  /** How far beyond that an evictable client may fall behind other subscribers before it is disconnected. */
  readonly backlog: BacklogLimits
  /** Bytes of one message; longer ones are refused. */
  readonly maxMessageBytes: number
  /** The same for a client that is not initialized. What it sends along with `initialize` counts as sent after it. */
  readonly uninitializedBytes: number
  /** How long a server request may wait for room before it is failed back into the server. */
  readonly requestGrace: Duration.Input
  /** How long a client whose outgoing is full may read nothing, before a transport that can cut it off does. */
  readonly stallGrace: Duration.Input
  /** How long a client on a socket may take for its HTTP request, from the moment it connects. */
  readonly requestTimeout: Duration.Input
  /** How long a client on a socket may take from the upgrade to its `initialize`. Initialized clients may stay idle for ever. */
  readonly initializeTimeout: Duration.Input
  /** Connections of one listener that are not initialized. When there are more, the oldest is closed. */
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
