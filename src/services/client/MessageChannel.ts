/**
 * A connection as remote clients use it: text messages in both directions, and its end.
 *
 * Owns the two ways in which a connection fails: it cannot be opened (`ConnectError`), or it is lost later
 * (`ConnectionLost`). Adapters (layers/clients) transfer the messages.
 *
 * @module
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

/**
 * Why a connection ended unexpectedly. `PeerClosed`: the peer closed it. `EndOfStream`: it ended without a close.
 * `ProtocolViolation`: the peer violated the protocol, or the transport failed. `WriteFailed`: writing failed. `TimedOut`: the
 * peer did not respond to a ping.
 */
export const LossReason = Schema.TaggedUnion({
  PeerClosed: {},
  EndOfStream: {},
  ProtocolViolation: {},
  WriteFailed: {},
  TimedOut: {}
})
export type LossReason = typeof LossReason.Type

/** The connection ended unexpectedly. */
export class ConnectionLost extends Schema.TaggedError<ConnectionLost>()("ConnectionLost", {
  reason: LossReason,
  /** Appended to the server's name: `disconnected: going away`. */
  detail: Schema.String
}) {}

/**
 * Why a connection could not be opened. `Unreachable` and `TimedOut` can be retried. The others need a change first:
 * `InvalidOptions` of the options, `Unauthorized` of the credentials, `Rejected` of the handshake; with
 * `ProtocolViolation`, the peer is not an app-server.
 */
export const ConnectReason = Schema.TaggedUnion({
  InvalidOptions: {},
  Unauthorized: {},
  Rejected: {},
  ProtocolViolation: {},
  Unreachable: {},
  TimedOut: {}
})
export type ConnectReason = typeof ConnectReason.Type

/** The connection could not be opened. */
export class ConnectError extends Schema.TaggedError<ConnectError>()("ConnectError", {
  reason: ConnectReason,
  message: Schema.String
}) {
  /** Whether another attempt may succeed. */
  get isRetryable(): boolean {
    return this.reason._tag === "Unreachable" || this.reason._tag === "TimedOut"
  }
}

/** An open connection. It closes with its scope, with a close message if the transport has one. */
export interface MessageChannel {
  /** The next messages. Without a pull, nothing is read beyond the transport's own buffer. Fails at the end. */
  readonly pull: Effect.Effect<NonEmptyReadonlyArray<string>, ConnectionLost>
  /**
   * Sends a message synchronously, after earlier ones. The result is a wait until the transport has room, which fails when
   * it is gone; `undefined` when there is no need to wait.
   */
  readonly write: (text: string) => Effect.Effect<void, ConnectionLost> | undefined
  /** Sends a ping and waits for the response; absent when the transport has no pings. */
  readonly ping?: Effect.Effect<void>
}

/** Opens connections. */
export interface Endpoint {
  /** The server's name in messages: its address without secrets, or its command. */
  readonly label: string
  readonly open: Effect.Effect<MessageChannel, ConnectError, Scope.Scope>
}

/** Maximum number of characters of a transport's or peer's text in a message. */
const MaxChars = 200

export const bounded = (text: string): string => (text.length > MaxChars ? `${text.slice(0, MaxChars)}…` : text)

/** The connection was not opened in time. */
export const connectTimedOut = (label: string): ConnectError =>
  new ConnectError({
    reason: { _tag: "TimedOut" },
    message: `timed out connecting to remote app server at \`${label}\``
  })

export const connectFailed = (label: string, tag: ConnectReason["_tag"], reason: string): ConnectError =>
  new ConnectError({
    reason: { _tag: tag },
    message: `failed to connect to remote app server at \`${label}\`: ${bounded(reason)}`
  })
