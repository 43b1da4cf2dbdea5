/**
 * Requests about the account that this server does not serve.
 *
 * @module
 */
import { EmptyResult } from "../../Fields.ts"
import * as Method from "../../Method.ts"
import * as CloudSetup from "./CloudSetup.ts"
import * as Login from "./Login.ts"
import * as Notices from "./Notices.ts"
import * as Session from "./Session.ts"
import * as Usage from "./Usage.ts"

/** By method name. */
export const unservedAccountRequests = {
  "account/login/start": Method.clientRequest({ params: Login.LoginAccountParams, result: Login.LoginAccountResponse }),
  "account/login/cancel": Method.clientRequest({
    params: Login.CancelLoginAccountParams,
    result: Login.CancelLoginAccountResponse
  }),
  "account/logout": Method.clientRequest({ params: undefined, result: EmptyResult }),
  "account/gatewayOAuth/read": Method.clientRequest({
    params: Login.GatewayOAuthReadParams,
    result: Login.GatewayOAuthReadResponse
  }),
  "account/gatewayOAuth/login": Method.clientRequest({
    params: Login.GatewayOAuthLoginParams,
    result: Login.GatewayOAuthLoginResponse
  }),
  "account/gatewayOAuth/cancel": Method.clientRequest({ params: undefined, result: EmptyResult }),
  "account/bedrock/discover": Method.clientRequest({
    params: CloudSetup.BedrockDiscoverParams,
    result: CloudSetup.BedrockDiscoverResponse
  }),
  "account/bedrock/setup": Method.clientRequest({ params: CloudSetup.BedrockSetupParams, result: EmptyResult }),
  "account/bedrock/checkGovCloudRequirements": Method.clientRequest({
    params: CloudSetup.BedrockCheckGovCloudRequirementsParams,
    result: CloudSetup.BedrockCheckGovCloudRequirementsResponse
  }),
  "account/gcp/setup": Method.clientRequest({ params: CloudSetup.GcpSetupParams, result: EmptyResult }),
  "accountSession/list": Method.clientRequest({
    params: Session.AccountSessionsListParams,
    result: Session.AccountSessionsResponse
  }),
  "accountSession/switch": Method.clientRequest({
    params: Session.AccountSessionsSwitchParams,
    result: Session.AccountSessionsSwitchResponse
  }),
  "account/securitySetup/read": Method.clientRequest({
    params: undefined,
    result: Notices.GetAccountSecuritySetupResponse
  }),
  "account/workspaceMessages/read": Method.clientRequest({
    params: undefined,
    result: Notices.GetWorkspaceMessagesResponse
  }),
  "account/rateLimits/read": Method.clientRequest({
    params: Usage.GetAccountRateLimitsParams,
    result: Usage.GetAccountRateLimitsResponse
  }),
  "account/rateLimitResetCredit/consume": Method.clientRequest({
    params: Usage.ConsumeAccountRateLimitResetCreditParams,
    result: Usage.ConsumeAccountRateLimitResetCreditResponse
  }),
  "account/usage/read": Method.clientRequest({
    params: Usage.GetAccountTokenUsageParams,
    result: Usage.GetAccountTokenUsageResponse
  }),
  "account/sendAddCreditsNudgeEmail": Method.clientRequest({
    params: Usage.SendAddCreditsNudgeEmailParams,
    result: Usage.SendAddCreditsNudgeEmailResponse
  })
} as const
