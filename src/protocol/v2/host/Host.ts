/**
 * What only the program around the server can provide: fresh ChatGPT tokens, an attestation of the device, the time.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { Empty, optional, orNull, UnixSeconds } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** Why new tokens are needed. */
export const ChatgptAuthTokensRefreshReason = lazy(() => Schema.Literal("unauthorized"))
export type ChatgptAuthTokensRefreshReason = Of<typeof ChatgptAuthTokensRefreshReason>

/** The tokens were refused; `previousAccountId` is the account they belonged to. */
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

/** Asks for an attestation; only clients that said `requestAttestation` in initialize are asked. */
export const AttestationGenerateParams = lazy(() => Empty)
export type AttestationGenerateParams = Of<typeof AttestationGenerateParams>

/** The attestation, as it goes into a header. */
export const AttestationGenerateResponse = lazy(() => Schema.Struct({ token: Schema.String }))
export type AttestationGenerateResponse = Of<typeof AttestationGenerateResponse>

/** Asks the client's clock, for threads that run on another time than the machine. */
export const CurrentTimeReadParams = lazy(() => Schema.Struct({ threadId: Schema.String }))
export type CurrentTimeReadParams = Of<typeof CurrentTimeReadParams>

/** The client's time. */
export const CurrentTimeReadResponse = lazy(() => Schema.Struct({ currentTimeAt: UnixSeconds }))
export type CurrentTimeReadResponse = Of<typeof CurrentTimeReadResponse>
