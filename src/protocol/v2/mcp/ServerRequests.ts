/**
 * Requests from MCP servers to a client.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import { McpServerElicitationRequestParams, McpServerElicitationRequestResponse } from "./Elicitation.ts"

/** By method name. */
export const mcpServerRequests = {
  "mcpServer/elicitation/request": Method.serverRequest({
    params: McpServerElicitationRequestParams,
    result: McpServerElicitationRequestResponse
  })
} as const
