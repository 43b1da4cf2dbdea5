/**
 * Requests about hooks that this server does not serve.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import * as HookList from "./HookList.ts"

/** By method name. */
export const unservedHookRequests = {
  "hooks/list": Method.clientRequest({ params: HookList.HooksListParams, result: HookList.HooksListResponse })
} as const
