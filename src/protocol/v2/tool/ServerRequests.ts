/**
 * What tools request from a client: answers of the user, and calls of tools that the client runs.
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
