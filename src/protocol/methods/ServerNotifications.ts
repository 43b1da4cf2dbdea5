/**
 * Everything the server tells without being asked: the 86 notifications of the release, with who hears each and what
 * gives way when a connection is slow.
 *
 * As in the release, the experimental ones are withheld from connections that did not ask for them in initialize.
 *
 * Emitting one that is not here does not compile, and neither does one without a tier.
 *
 * @module
 */
import type { Of } from "../Lazy.ts"
import { accountNotifications } from "../v2/account/Notifications.ts"
import { itemNotifications } from "../v2/item/Notifications.ts"
import { mcpNotifications } from "../v2/mcp/Notifications.ts"
import { modelNotifications } from "../v2/model/Notifications.ts"
import { processNotifications } from "../v2/process/Notifications.ts"
import { realtimeNotifications } from "../v2/realtime/Notifications.ts"
import { serverNotifications } from "../v2/server/Notifications.ts"
import { threadNotifications } from "../v2/thread/Notifications.ts"
import { turnNotifications } from "../v2/turn/Notifications.ts"

/** By method name. */
export const serverNotificationTable = {
  ...threadNotifications,
  ...turnNotifications,
  ...itemNotifications,
  ...processNotifications,
  ...accountNotifications,
  ...mcpNotifications,
  ...modelNotifications,
  ...realtimeNotifications,
  ...serverNotifications
} as const

/** The name of a server notification. */
export type ServerNotificationMethod = keyof typeof serverNotificationTable

/** What it carries. */
export type NotificationParams<M extends ServerNotificationMethod> = Of<(typeof serverNotificationTable)[M]["params"]>

/** A notification as a client takes it off its connection; narrow it by `method`. */
export type ServerNotification = {
  readonly [M in ServerNotificationMethod]: { readonly method: M; readonly params: NotificationParams<M> }
}[ServerNotificationMethod]
