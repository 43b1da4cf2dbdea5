/**
 * Requests about imports from other agents that this server does not serve.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import * as Import from "./Import.ts"

/** By method name. */
export const unservedExternalAgentRequests = {
  "externalAgentConfig/detect": Method.clientRequest({
    params: Import.ExternalAgentConfigDetectParams,
    result: Import.ExternalAgentConfigDetectResponse
  }),
  "externalAgentConfig/import": Method.clientRequest({
    params: Import.ExternalAgentConfigImportParams,
    result: Import.ExternalAgentConfigImportResponse
  }),
  "externalAgentConfig/import/recordHistory": Method.clientRequest({
    params: Import.ExternalAgentConfigImportHistoryRecordParams,
    result: Import.ExternalAgentConfigImportHistoryRecordResponse
  }),
  "externalAgentConfig/import/readHistories": Method.clientRequest({
    params: undefined,
    result: Import.ExternalAgentConfigImportHistoriesReadResponse
  })
} as const
