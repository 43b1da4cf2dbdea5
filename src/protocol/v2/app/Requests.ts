/**
 * Requests about apps: services of the vendor's cloud, of which this server has none.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import * as Apps from "./AppRequests.ts"

/** By method name. */
export const appRequests = {
  "app/list": Method.clientRequest({ params: Apps.AppsListParams, result: Apps.AppsListResponse }),
  "app/installed": Method.clientRequest({ params: Apps.AppsInstalledParams, result: Apps.AppsInstalledResponse })
} as const
