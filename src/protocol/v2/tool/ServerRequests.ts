/**
 * Requests of tools to a client: questions to the user, and calls of client tools.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import { ToolRequestUserInputParams, ToolRequestUserInputResponse } from "./Question.ts"
import { DynamicToolCallParams, DynamicToolCallResponse } from "./DynamicTool.ts"

/** By method name. */
export const toolRequests = {
  "item/tool/requestUserInput": Method.serverRequest({
    params: ToolRequestUserInputParams,
    result: ToolRequestUserInputResponse
  }),
  "item/tool/call": Method.serverRequest({
    params: DynamicToolCallParams,
    result: DynamicToolCallResponse
  })
} as const
