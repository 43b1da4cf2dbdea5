/**
 * Requests about the configuration that this server does not serve.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import * as Features from "./Features.ts"

/** By method name. */
export const unservedConfigRequests = {
  "experimentalFeature/list": Method.clientRequest({
    params: Features.ExperimentalFeatureListParams,
    result: Features.ExperimentalFeatureListResponse
  }),
  "experimentalFeature/enablement/set": Method.clientRequest({
    params: Features.ExperimentalFeatureEnablementSetParams,
    result: Features.ExperimentalFeatureEnablementSetResponse
  }),
  "permissionProfile/list": Method.clientRequest({
    params: Features.PermissionProfileListParams,
    result: Features.PermissionProfileListResponse
  })
} as const
