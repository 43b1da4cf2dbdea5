/**
 * The events that a client receives from a server, independent of the connection.
 *
 * @module
 */
import type { ServerNotification, ServerRequest } from "../../protocol/Methods.ts"
import type { OutboundMessage } from "../routing/OutboundMessage.ts"

/** A notification of the legacy `codex/event/*` family. */
export interface LegacyNotification {
  readonly method: string
  readonly params: unknown
}

/**
 * How a thread continues after a reconnect. `complete`: the missed notifications follow, and none is lost. `resync`: the
 * missed notifications are unknown, so read the thread again. `lost`: the server cannot resume it.
 */
export type Continuity = "complete" | "resync" | "lost"

/**
 * `ServerRequest` needs a response: answer or reject it by `request.id`. `Lagged` means that `skipped` best-effort events
 * were dropped at this place because the consumer was too slow; these are never part of a transcript. `Disconnected` is the
 * last event of a lost connection; one that was closed on purpose ends without it. `LegacyNotification` is sent only on
 * request.
 *
 * `Reconnected` is sent only to clients with reconnection enabled: once with `thread: null` when the connection is restored,
 * then once per subscribed thread, before the thread's further events. The server sends its unanswered requests again, with
 * the same ids.
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
 * Converts a buffered message to an event; undefined for a response, which is not an event. `own` copies the parameters of a
 * message that other clients share.
 */
export const toEvent = (
  message: OutboundMessage,
  own: (params: unknown) => unknown = same
): ClientEvent | undefined => {
  switch (message._tag) {
    case "Lagged":
      return { _tag: "Lagged", skipped: message.skipped }
    // The server built the pair of method and parameters, so their types match.
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
