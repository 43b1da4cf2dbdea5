/**
 * Requests about the user's account.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { Account, WorkspaceRouting } from "./Account.ts"

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
  })
} as const
