/**
 * A connection as the engine of remote clients sees it: text messages both ways, and how it ends.
 *
 * Owns the two ways in which a connection fails: it does not come to be (`ConnectError`), or it was there and is lost
 * (`ConnectionLost`). What carries the messages is an adapter's business (layers/clients).
 *
 * @module
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

/**
 * The connection is gone though nobody wanted that. `ConnectionAborted`: the peer said goodbye. `UnexpectedEof`: it went
 * without. `InvalidData`: what came is not the protocol, or the transport failed. `BrokenPipe`: nothing can be written.
 * `TimedOut`: the peer gave no sign of life.
 */
export class ConnectionLost extends Schema.TaggedError<ConnectionLost>()("ConnectionLost", {
  kind: Schema.Literals(["BrokenPipe", "InvalidData", "ConnectionAborted", "UnexpectedEof", "TimedOut"]),
  /** Goes behind the name of the server: `disconnected: going away`. */
  detail: Schema.String
}) {}

/**
 * There is no connection. `Unreachable` and `TimedOut` may go better another time; the others will not, as long as nobody
 * changes what is asked for: `InvalidInput` the options, `Unauthorized` the credentials, `Rejected` the handshake, and with
 * `InvalidData` the peer is no app-server.
 */
export class ConnectError extends Schema.TaggedError<ConnectError>()("ConnectError", {
  kind: Schema.Literals(["InvalidInput", "Unauthorized", "Rejected", "InvalidData", "Unreachable", "TimedOut"]),
  message: Schema.String
}) {
  get isRetryable(): boolean {
    return this.kind === "Unreachable" || this.kind === "TimedOut"
  }
}

/** One open connection. It closes with the scope it was opened in, politely where the transport has a word for that. */
export interface MessageChannel {
  /** The next messages. Nothing is read from the transport beyond its own buffer while nobody pulls. Fails at the end. */
  readonly pull: Effect.Effect<NonEmptyReadonlyArray<string>, ConnectionLost>
  /**
   * Sends a message in the caller's turn, after those before it. The result is what the sender has to wait for, because the
   * transport is congested or gone; `undefined` when nothing.
   */
  readonly write: (text: string) => Effect.Effect<void, ConnectionLost> | undefined
  /** Asks for a sign of life and waits for it; absent where the transport has no such thing. */
  readonly ping?: Effect.Effect<void>
}

/** Where connections come from. */
export interface Endpoint {
  /** How messages call the server: its address without secrets, or its command. */
  readonly label: string
  readonly open: Effect.Effect<MessageChannel, ConnectError, Scope.Scope>
}

/** What the transport, or the peer, has to say goes into messages for people: this much of it. */
const MaxWords = 200

export const bounded = (words: string): string => (words.length > MaxWords ? `${words.slice(0, MaxWords)}…` : words)

/** The time to connect is over. */
export const connectTimedOut = (label: string): ConnectError =>
  new ConnectError({ kind: "TimedOut", message: `timed out connecting to remote app server at \`${label}\`` })

export const connectFailed = (label: string, kind: ConnectError["kind"], reason: string): ConnectError =>
  new ConnectError({ kind, message: `failed to connect to remote app server at \`${label}\`: ${bounded(reason)}` })
