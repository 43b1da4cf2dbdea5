/**
 * A connected client as the router sees it: who it is, what it wants to receive, and its outgoing queue.
 *
 * `Connection` implements it. The router and the threads know no more of a connection than this.
 *
 * @module
 */
import type { ClientInfo } from "../../protocol/v2/server/Initialize.ts"
import type { ErrorObject } from "../../protocol/jsonrpc/Envelope.ts"
import type { Refusal, TieredQueue } from "./TieredQueue.ts"

/** What `initialize` settles. Written once, by the `initialize` handler. */
export interface Session {
  readonly client: ClientInfo
  readonly userAgent: string
  readonly experimental: boolean
  /** Notification methods that this client does not want; exact names. */
  readonly optedOut: ReadonlySet<string>
  /** Whether notifications of threads carry their sequence numbers (`ThreadLog`). */
  readonly sequenced: boolean
}

export interface Subscriber {
  /** Unique in this server. */
  readonly id: number
  /** Undefined until the client has initialised. */
  readonly session: Session | undefined
  readonly isClosed: boolean
  /** Messages for this client that are not delivered yet. */
  readonly outgoing: TieredQueue
  /** The error that a server request fails with when this client cannot take it: no room, or no reader any more. */
  readonly refusals: Readonly<Record<Refusal, string>>
  /** Server requests that this client never answers, by method, with the error that stands for its answer. */
  readonly unsupported: Readonly<Record<string, ErrorObject>>
}
