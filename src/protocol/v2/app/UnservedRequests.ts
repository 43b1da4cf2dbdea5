/**
 * Requests about apps that this server does not serve.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import * as Apps from "./AppRequests.ts"

/** By method name. */
export const unservedAppRequests = {
  "app/read": Method.clientRequest({ params: Apps.AppsReadParams, result: Apps.AppsReadResponse })
} as const
