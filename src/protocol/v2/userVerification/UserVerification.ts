/**
 * Verifying that the user is present, by a key that the operating system keeps. Experimental.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { closedParams, I64, named, nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

export const UserVerificationStatusParams = closedParams("UserVerificationStatusParams")
export type UserVerificationStatusParams = Of<typeof UserVerificationStatusParams>

/** Why no key can be used. */
export const UserVerificationUnavailableReason = lazy(() =>
  Schema.Literals(["credentialMissing", "biometricsUnavailable", "providerUnavailable"])
)
export type UserVerificationUnavailableReason = Of<typeof UserVerificationUnavailableReason>

/** Whether this machine has a key. Nothing is asked of the user. */
export const UserVerificationStatusResponse = lazy(() =>
  Schema.Struct({
    credentialId: nullable(Schema.String),
    unavailableReason: nullable(UserVerificationUnavailableReason()),
    unavailableMessage: nullable(Schema.String)
  })
)
export type UserVerificationStatusResponse = Of<typeof UserVerificationStatusResponse>

export const UserVerificationEnrollParams = closedParams("UserVerificationEnrollParams")
export type UserVerificationEnrollParams = Of<typeof UserVerificationEnrollParams>

/** The key, new or used before. The client registers it; without the last two members it cannot. */
export const UserVerificationEnrollResponse = lazy(() =>
  Schema.Struct({
    credentialId: Schema.String,
    algorithm: nullable(Schema.String),
    publicKey: nullable(Schema.String)
  })
)
export type UserVerificationEnrollResponse = Of<typeof UserVerificationEnrollResponse>

export const UserVerificationDeleteParams = closedParams("UserVerificationDeleteParams")
export type UserVerificationDeleteParams = Of<typeof UserVerificationDeleteParams>

/** `challenge` is 1 to 4 096 bytes as base64url without padding. The title has up to 256 bytes, the description 4 096. */
export const UserVerificationVerifyParams = lazy(() =>
  named("UserVerificationVerifyParams", {
    challenge: Schema.String,
    title: Schema.String,
    description: Schema.String
  })
)
export type UserVerificationVerifyParams = Of<typeof UserVerificationVerifyParams>

/** A signature of the challenge (ECDSA, P-256, SHA-256), DER as base64url without padding. */
export const UserVerificationVerifyResponse = lazy(() =>
  Schema.Struct({
    proof: Schema.Struct({ credentialId: Schema.String, signature: Schema.String })
  })
)
export type UserVerificationVerifyResponse = Of<typeof UserVerificationVerifyResponse>

/** `requestId` is that of a request of this resource on the same connection. An unknown one is no error. */
export const UserVerificationCancelParams = lazy(() =>
  named("UserVerificationCancelParams", {
    requestId: Schema.Union([Schema.String, I64]).annotate({ identifier: "RequestId" })
  })
)
export type UserVerificationCancelParams = Of<typeof UserVerificationCancelParams>
