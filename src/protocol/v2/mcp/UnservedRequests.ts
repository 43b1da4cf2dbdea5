/**
 * Requests about MCP servers that this server does not serve.
 *
 * @module
 */
import { EmptyResult } from "../../Fields.ts"
import * as Method from "../../Method.ts"
import * as Calls from "./McpCalls.ts"

/** By method name. */
export const unservedMcpRequests = {
  "config/mcpServer/reload": Method.clientRequest({ params: undefined, result: EmptyResult }),
  "mcpServerStatus/list": Method.clientRequest({
    params: Calls.ListMcpServerStatusParams,
    result: Calls.ListMcpServerStatusResponse
  }),
  "mcpServer/oauth/login": Method.clientRequest({
    params: Calls.McpServerOauthLoginParams,
    result: Calls.McpServerOauthLoginResponse
  }),
  "mcpServer/resource/read": Method.clientRequest({
    params: Calls.McpResourceReadParams,
    result: Calls.McpResourceReadResponse
  }),
  "mcpServer/tool/call": Method.clientRequest({
    params: Calls.McpServerToolCallParams,
    result: Calls.McpServerToolCallResponse
  }),
  "mcpServer/event/stream/start": Method.clientRequest({
    params: Calls.McpServerEventStreamStartParams,
    result: EmptyResult
  }),
  "mcpServer/event/stream/stop": Method.clientRequest({
    params: Calls.McpServerEventStreamStopParams,
    result: EmptyResult
  })
} as const
