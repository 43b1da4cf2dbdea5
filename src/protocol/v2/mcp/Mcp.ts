/**
 * MCP servers of a thread: their startup state and the events that they stream.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { lazy, type Of } from "../../Lazy.ts"

/** A server starts once per thread and ends in one of the other three states. */
export const McpServerStartupState = lazy(() => Schema.Literals(["starting", "ready", "failed", "cancelled"]))
export type McpServerStartupState = Of<typeof McpServerStartupState>

/** A failure that the user can resolve. */
export const McpServerStartupFailureReason = lazy(() => Schema.Literal("reauthenticationRequired"))
export type McpServerStartupFailureReason = Of<typeof McpServerStartupFailureReason>

/** A notification of an MCP server, passed on unchanged. */
export const McpServerEventNotification = lazy(() => Schema.Struct({ method: Schema.String, params: Schema.Json }))
export type McpServerEventNotification = Of<typeof McpServerEventNotification>
