/**
 * Data that only the embedding program can provide: fresh ChatGPT tokens, a device attestation, the time.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { EmptyResult, optional, orNull, UnixSeconds } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** Why new tokens are needed. */
export const ChatgptAuthTokensRefreshReason = lazy(() => Schema.Literal("unauthorized"))
export type ChatgptAuthTokensRefreshReason = Of<typeof ChatgptAuthTokensRefreshReason>

/** The tokens were rejected; `previousAccountId` is the account they belonged to. */
export const ChatgptAuthTokensRefreshParams = lazy(() =>
  Schema.Struct({ reason: ChatgptAuthTokensRefreshReason(), previousAccountId: optional(Schema.String) })
)
export type ChatgptAuthTokensRefreshParams = Of<typeof ChatgptAuthTokensRefreshParams>

/** New tokens. The access token is a secret: it is never logged. */
export const ChatgptAuthTokensRefreshResponse = lazy(() =>
  Schema.Struct({
    accessToken: Schema.String,
    chatgptAccountId: Schema.String,
    chatgptPlanType: orNull(Schema.String)
  })
)
export type ChatgptAuthTokensRefreshResponse = Of<typeof ChatgptAuthTokensRefreshResponse>

/** Requests an attestation. Sent only to clients with `requestAttestation` in initialize. */
export const AttestationGenerateParams = EmptyResult
export type AttestationGenerateParams = Of<typeof AttestationGenerateParams>

/** The attestation, as sent in a header. */
export const AttestationGenerateResponse = lazy(() => Schema.Struct({ token: Schema.String }))
export type AttestationGenerateResponse = Of<typeof AttestationGenerateResponse>

/** Requests the client's time, for threads whose time differs from the machine's. */
export const CurrentTimeReadParams = lazy(() => Schema.Struct({ threadId: Schema.String }))
export type CurrentTimeReadParams = Of<typeof CurrentTimeReadParams>

/** The client's time. */
export const CurrentTimeReadResponse = lazy(() => Schema.Struct({ currentTimeAt: UnixSeconds }))
export type CurrentTimeReadResponse = Of<typeof CurrentTimeReadResponse>
