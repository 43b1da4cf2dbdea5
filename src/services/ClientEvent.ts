/**
 * What a client hears from a server, through whatever it is connected.
 *
 * @module
 */
import type { ServerNotification } from "../protocol/methods/ServerNotifications.ts"
import type { ServerRequest } from "../protocol/methods/ServerRequests.ts"

/** A notification of the older `codex/event/*` family. */
export interface LegacyNotification {
  readonly method: string
  readonly params: unknown
}

/**
 * `ServerRequest` wants an answer: respond to it or reject it by `request.id`. `Lagged` stands where `skipped` best-effort events
 * were dropped because the consumer was behind; nothing of a transcript is ever among them. `Disconnected` is the last event
 * of a connection that was lost; one that was closed on purpose just ends. `LegacyNotification` comes only when asked for.
 */
export type ClientEvent =
  | { readonly _tag: "ServerRequest"; readonly request: ServerRequest }
  | { readonly _tag: "ServerNotification"; readonly notification: ServerNotification }
  | { readonly _tag: "LegacyNotification"; readonly notification: LegacyNotification }
  | { readonly _tag: "Lagged"; readonly skipped: number }
  | { readonly _tag: "Disconnected"; readonly message: string }
