/**
 * Requests about the user's account.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, nullable, EmptyResult } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { Account, WorkspaceRouting } from "./Account.ts"
import * as Login from "./Login.ts"
import * as Notices from "./Notices.ts"
import * as Session from "./Session.ts"
import * as Usage from "./Usage.ts"

/** `refreshToken` refreshes the token at the login server before answering. */
export const GetAccountParams = lazy(() =>
  Schema.Struct({ refreshToken: absent(Schema.Boolean) }).annotate({ identifier: "GetAccountParams" })
)
export type GetAccountParams = Of<typeof GetAccountParams>

/** `account` is also null when the provider in use needs no OpenAI account. */
export const GetAccountResponse = lazy(() =>
  Schema.Struct({
    account: nullable(Account()),
    userId: nullable(Schema.String),
    requiresOpenaiAuth: Schema.Boolean,
    workspaceRouting: nullable(WorkspaceRouting())
  })
)
export type GetAccountResponse = Of<typeof GetAccountResponse>

/** By method name. */
export const accountRequests = {
  /** The account that is logged in. */
  "account/read": Method.clientRequest({
    params: GetAccountParams,
    result: GetAccountResponse,
    schedule: Method.global("account", { shared: true })
  }),

  /** Logs in with a credential of the client, or begins a login. */
  "account/login/start": Method.clientRequest({
    params: Login.LoginAccountParams,
    result: Login.LoginAccountResponse,
    schedule: Method.global("account", { shared: false })
  }),

  /** Ends a login that has begun. */
  "account/login/cancel": Method.clientRequest({
    params: Login.CancelLoginAccountParams,
    result: Login.CancelLoginAccountResponse
  }),

  /** Forgets the stored credential. */
  "account/logout": Method.clientRequest({
    params: undefined,
    result: EmptyResult,
    schedule: Method.global("account", { shared: false })
  }),

  /** The accounts of the vendor's cloud that this server can switch between: none. */
  "accountSession/list": Method.clientRequest({
    params: Session.AccountSessionsListParams,
    result: Session.AccountSessionsResponse
  }),

  /** A notice about the security of an account of the vendor's cloud: none. */
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
