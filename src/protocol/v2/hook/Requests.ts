/**
 * Requests about hooks.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import * as HookList from "./HookList.ts"

/** By method name. */
export const hookRequests = {
  "hooks/list": Method.clientRequest({ params: HookList.HooksListParams, result: HookList.HooksListResponse })
} as const
