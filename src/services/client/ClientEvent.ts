/**
 * What a client hears from a server, through whatever it is connected.
 *
 * @module
 */
import type { ServerNotification, ServerRequest } from "../../protocol/Methods.ts"
import type { OutboundMessage } from "../routing/OutboundMessage.ts"

/** A notification of the older `codex/event/*` family. */
export interface LegacyNotification {
  readonly method: string
  readonly params: unknown
}

/**
 * How a thread goes on after a lost connection came back. `complete`: what was missed comes next, and nothing is missing.
 * `resync`: what was missed is not known; read the thread anew. `lost`: the server cannot resume it.
 */
export type Continuity = "complete" | "resync" | "lost"

/**
 * `ServerRequest` wants an answer: respond to it or reject it by `request.id`. `Lagged` stands where `skipped` best-effort events
 * were dropped because the consumer was behind; nothing of a transcript is ever among them. `Disconnected` is the last event
 * of a connection that was lost; one that was closed on purpose just ends. `LegacyNotification` comes only when asked for.
 *
 * `Reconnected` comes only to clients that asked to be reconnected: once with `thread: null` when a lost connection is back,
 * and then once for each thread that was followed, in its place before the thread's further events. Requests of the server
 * that are still unanswered come again, with the ids they had.
 */
export type ClientEvent =
  | { readonly _tag: "ServerRequest"; readonly request: ServerRequest }
  | { readonly _tag: "ServerNotification"; readonly notification: ServerNotification }
  | { readonly _tag: "LegacyNotification"; readonly notification: LegacyNotification }
  | { readonly _tag: "Lagged"; readonly skipped: number }
  | { readonly _tag: "Reconnected"; readonly thread: { readonly id: string; readonly continuity: Continuity } | null }
  | { readonly _tag: "Disconnected"; readonly message: string }

const same = (params: unknown): unknown => params

/**
 * What a client makes of a message in its event buffer; undefined for an answer, which is no event. `own` makes parameters of the
 * client's own where the message is shared with others.
 */
export const toEvent = (
  message: OutboundMessage,
  own: (params: unknown) => unknown = same
): ClientEvent | undefined => {
  switch (message._tag) {
    case "Lagged":
      return { _tag: "Lagged", skipped: message.skipped }
    // Method and parameters were put together by the server, which knows the pair's types.
    case "Request": {
      const request = { id: message.id, method: message.method, params: own(message.params) } as ServerRequest
      return { _tag: "ServerRequest", request }
    }
    case "Notification": {
      const notification = { method: message.method, params: own(message.params) } as ServerNotification
      return { _tag: "ServerNotification", notification }
    }
    case "Answer":
      return undefined
  }
}
