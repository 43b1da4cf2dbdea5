/**
 * Requests about the configuration that this server does not serve.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import * as Write from "./ConfigWrite.ts"
import * as Features from "./Features.ts"

/** By method name. */
export const unservedConfigRequests = {
  "config/value/write": Method.clientRequest({
    params: Write.ConfigValueWriteParams,
    result: Write.ConfigWriteResponse
  }),
  "config/batchWrite": Method.clientRequest({
    params: Write.ConfigBatchWriteParams,
    result: Write.ConfigWriteResponse
  }),
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
