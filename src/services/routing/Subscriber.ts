/**
 * A connected client as the router sees it: its identity, its session and its outgoing queue.
 *
 * `Connection` implements it. The router and the threads see only this part of a connection.
 *
 * @module
 */
import type { ClientInfo } from "../../protocol/v2/server/Initialize.ts"
import type { ErrorObject } from "../../protocol/jsonrpc/Envelope.ts"
import type { Refusal, TieredQueue } from "./TieredQueue.ts"

/** What `initialize` sets. Written once, by the `initialize` handler. */
export interface Session {
  readonly client: ClientInfo
  readonly userAgent: string
  readonly experimental: boolean
  /** Exact names of the notification methods that the client opted out of. */
  readonly optedOut: ReadonlySet<string>
  /** Whether notifications of threads carry their sequence numbers (`ThreadLog`). */
  readonly sequenced: boolean
  /** Whether the client sends keys with its input. Default: false. */
  readonly idempotent?: boolean
  /** Whether the client may restore files with the history of a thread. Default: false. */
  readonly restoresFiles?: boolean
}

export interface Subscriber {
  /** Unique in this server. */
  readonly id: number
  /** Undefined until the client has initialized. */
  readonly session: Session | undefined
  readonly isClosed: boolean
  /** Undelivered messages to this client. */
  readonly outgoing: TieredQueue
  /** The error of a server request that this client cannot take: its queue is full or closed. */
  readonly refusals: Readonly<Record<Refusal, string>>
  /** Server requests that this client never answers, by method, with the error that is used as its answer. */
  readonly unsupported: Readonly<Record<string, ErrorObject>>
}
