/**
 * Notifications about MCP servers.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, nullable, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { McpServerEventNotification, McpServerStartupFailureReason, McpServerStartupState } from "./Mcp.ts"
import * as Method from "../../Method.ts"

/** `loginId` distinguishes login attempts. */
export const McpServerOauthLoginCompletedNotification = lazy(() =>
  Schema.Struct({
    name: Schema.String,
    threadId: nullable(Schema.String),
    loginId: optional(Schema.String),
    success: Schema.Boolean,
    error: absent(Schema.String)
  })
)
export type McpServerOauthLoginCompletedNotification = Of<typeof McpServerOauthLoginCompletedNotification>

/** Startup state of one MCP server. */
export const McpServerStatusUpdatedNotification = lazy(() =>
  Schema.Struct({
    threadId: nullable(Schema.String),
    name: Schema.String,
    status: McpServerStartupState(),
    error: nullable(Schema.String),
    failureReason: nullable(McpServerStartupFailureReason())
  })
)
export type McpServerStatusUpdatedNotification = Of<typeof McpServerStatusUpdatedNotification>

/** One event of a stream that the client opened with this id. */
export const McpServerEventStreamNotification = lazy(() =>
  Schema.Struct({ subscriptionId: Schema.String, notification: McpServerEventNotification() })
)
export type McpServerEventStreamNotification = Of<typeof McpServerEventStreamNotification>

/** The notifications of this resource, by method name. */
export const mcpNotifications = {
  // Completes a client's request. Any connection may be showing the dialog.
  "mcpServer/oauthLogin/completed": Method.serverNotification({
    params: McpServerOauthLoginCompletedNotification,
    tier: "lossless",
    reach: "everyone"
  }),
  // The state per server and thread.
  "mcpServer/startupStatus/updated": Method.serverNotification({
    params: McpServerStatusUpdatedNotification,
    tier: "latest",
    reach: "subscribers",
    key: (params) => `${params.threadId ?? ""}/${params.name}`
  }),
  // A stream that one client opened and must receive completely.
  "mcpServer/event/stream/notification": Method.serverNotification({
    params: McpServerEventStreamNotification,
    stability: "experimental",
    tier: "lossless",
    reach: "chosen"
  })
} as const
