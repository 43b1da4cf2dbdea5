/**
 * Requests about the server that this server does not serve.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import * as Diagnostics from "./Diagnostics.ts"
import * as Mock from "./Mock.ts"
import * as WindowsSandbox from "./WindowsSandbox.ts"

/** By method name. */
export const unservedServerRequests = {
  "server/diagnostics": Method.clientRequest({
    params: Diagnostics.ServerDiagnosticsParams,
    result: Diagnostics.ServerDiagnosticsResponse
  }),
  "windowsSandbox/setupStart": Method.clientRequest({
    params: WindowsSandbox.WindowsSandboxSetupStartParams,
    result: WindowsSandbox.WindowsSandboxSetupStartResponse
  }),
  "windowsSandbox/readiness": Method.clientRequest({
    params: undefined,
    result: WindowsSandbox.WindowsSandboxReadinessResponse
  }),
  "mock/experimentalMethod": Method.clientRequest({
    params: Mock.MockExperimentalMethodParams,
    result: Mock.MockExperimentalMethodResponse
  })
} as const
