/**
 * Requests about the account that this server does not serve.
 *
 * @module
 */
import { EmptyResult } from "../../Fields.ts"
import * as Method from "../../Method.ts"
import * as CloudSetup from "./CloudSetup.ts"
import * as Login from "./Login.ts"
import * as Session from "./Session.ts"

/** By method name. */
export const unservedAccountRequests = {
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
  "accountSession/switch": Method.clientRequest({
    params: Session.AccountSessionsSwitchParams,
    result: Session.AccountSessionsSwitchResponse
  })
} as const
