/**
 * Requests about MCP servers.
 *
 * @module
 */
import { EmptyResult } from "../../Fields.ts"
import * as Method from "../../Method.ts"
import * as Calls from "./McpCalls.ts"

/** By method name. */
export const mcpRequests = {
  /** Reads the settings of the servers again, for every thread. */
  "config/mcpServer/reload": Method.clientRequest({ params: undefined, result: EmptyResult }),

  /** The configured servers with their tools, and with their resources unless `detail` leaves them out. */
  "mcpServerStatus/list": Method.clientRequest({
    params: Calls.ListMcpServerStatusParams,
    result: Calls.ListMcpServerStatusResponse
  }),

  /** Starts the login at a server. Its end is a notification. */
  "mcpServer/oauth/login": Method.clientRequest({
    params: Calls.McpServerOauthLoginParams,
    result: Calls.McpServerOauthLoginResponse
  }),

  /** Reads a resource of a server. */
  "mcpServer/resource/read": Method.clientRequest({
    params: Calls.McpResourceReadParams,
    result: Calls.McpResourceReadResponse
  }),

  /** Calls a tool of a server without the model. */
  "mcpServer/tool/call": Method.clientRequest({
    params: Calls.McpServerToolCallParams,
    result: Calls.McpServerToolCallResponse
  }),

  /** Only servers of the vendor's cloud have events. */
  "mcpServer/event/stream/start": Method.clientRequest({
    params: Calls.McpServerEventStreamStartParams,
    result: EmptyResult
  }),

  /** Ends a stream of events. */
  "mcpServer/event/stream/stop": Method.clientRequest({
    params: Calls.McpServerEventStreamStopParams,
    result: EmptyResult
  })
} as const
