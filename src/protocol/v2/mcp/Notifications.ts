/**
 * What is told about MCP servers.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, nullable, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { McpServerEventNotification, McpServerStartupFailureReason, McpServerStartupState } from "./Mcp.ts"
import * as Method from "../../Method.ts"

/** `loginId` tells attempts apart. */
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

/** How starting one MCP server goes. */
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

/** One event of a stream that the client opened under this id. */
export const McpServerEventStreamNotification = lazy(() =>
  Schema.Struct({ subscriptionId: Schema.String, notification: McpServerEventNotification() })
)
export type McpServerEventStreamNotification = Of<typeof McpServerEventStreamNotification>

/** The notifications of this subject, by method name. */
export const mcpNotifications = {
  // Ends what a client asked for; any window may be showing the dialog.
  "mcpServer/oauthLogin/completed": Method.serverNotification({
    params: McpServerOauthLoginCompletedNotification,
    tier: "lossless",
    reach: "everyone"
  }),
  // A state per server and thread.
  "mcpServer/startupStatus/updated": Method.serverNotification({
    params: McpServerStatusUpdatedNotification,
    tier: "latest",
    reach: "subscribers",
    key: (params) => `${params.threadId ?? ""}/${params.name}`
  }),
  // A stream that one client opened and reads as a whole.
  "mcpServer/event/stream/notification": Method.serverNotification({
    params: McpServerEventStreamNotification,
    stability: "experimental",
    tier: "lossless",
    reach: "connection"
  })
} as const
