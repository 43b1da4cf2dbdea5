/**
 * MCP servers of a thread: how starting them goes, and the events they stream.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { lazy, type Of } from "../../Lazy.ts"

/** A server starts once per thread and ends in one of the other three. */
export const McpServerStartupState = lazy(() => Schema.Literals(["starting", "ready", "failed", "cancelled"]))
export type McpServerStartupState = Of<typeof McpServerStartupState>

/** A failure the user can do something about. */
export const McpServerStartupFailureReason = lazy(() => Schema.Literal("reauthenticationRequired"))
export type McpServerStartupFailureReason = Of<typeof McpServerStartupFailureReason>

/** A notification of an MCP server, passed on as it came. */
export const McpServerEventNotification = lazy(() => Schema.Struct({ method: Schema.String, params: Schema.Json }))
export type McpServerEventNotification = Of<typeof McpServerEventNotification>
