/**
 * Requests about plugins, of which this server has none.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import * as Catalog from "./Catalog.ts"

/** By method name. */
export const pluginRequests = {
  "plugin/list": Method.clientRequest({ params: Catalog.PluginListParams, result: Catalog.PluginListResponse }),
  "plugin/installed": Method.clientRequest({
    params: Catalog.PluginInstalledParams,
    result: Catalog.PluginInstalledResponse
  }),
  "plugin/reconcile": Method.clientRequest({
    params: Catalog.PluginReconcileParams,
    result: Catalog.PluginReconcileResponse
  })
} as const
