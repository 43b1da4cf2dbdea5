/**
 * Why a turn failed: a text for users and a kind for programs.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { JsonObject, nullable, optional, orNull, U16 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** The kinds of turn that accept no input while they run. */
export const NonSteerableTurnKind = lazy(() => Schema.Literals(["review", "compact"]))
export type NonSteerableTurnKind = Of<typeof NonSteerableTurnKind>

/** The HTTP status of the model server; `null` when there was no response. */
const http = () => Schema.Struct({ httpStatusCode: orNull(U16) })

/** The kinds of failure that the release defines; this server sends only these. */
export const KnownErrorInfo = lazy(() =>
  Schema.Union([
    Schema.Literals([
      "contextWindowExceeded",
      "sessionBudgetExceeded",
      "usageLimitExceeded",
      "rateLimitExceeded",
      "flexUnavailable",
      "serverOverloaded",
      "modelNotFound",
      "policyCapacityUnavailable",
      "inferenceHookDenied",
      "cyberPolicy",
      "misalignmentPolicyViolation",
      "tooManyDenials",
      "internalServerError",
      "unauthorized",
      "badRequest",
      "threadRollbackFailed",
      "sandboxError",
      "other"
    ]),
    Schema.Struct({ httpConnectionFailed: http() }),
    Schema.Struct({ responseStreamConnectionFailed: http() }),
    Schema.Struct({ responseStreamDisconnected: http() }),
    Schema.Struct({ responseTooManyFailedAttempts: http() }),
    Schema.Struct({ activeTurnNotSteerable: Schema.Struct({ turnKind: NonSteerableTurnKind() }) })
  ])
)
export type KnownErrorInfo = Of<typeof KnownErrorInfo>

/** Open, as in the release: a client must accept kinds that a later release adds. */
export const CodexErrorInfo = lazy(() => Schema.Union([KnownErrorInfo(), Schema.String, JsonObject]))
export type CodexErrorInfo = Of<typeof CodexErrorInfo>

/** Details for the user about work that was stopped as misaligned, and the prompt to continue with. */
export const MisalignmentErrorDetails = lazy(() =>
  Schema.Struct({
    errorType: nullable(Schema.String),
    reviewTarget: optional(Schema.String),
    detailedExplanation: nullable(Schema.String),
    steer: nullable(Schema.Struct({ message: Schema.String }))
  })
)
export type MisalignmentErrorDetails = Of<typeof MisalignmentErrorDetails>

/** The error of a turn, and of the `error` notification. */
export const TurnError = lazy(() =>
  Schema.Struct({
    message: Schema.String,
    codexErrorInfo: nullable(CodexErrorInfo()),
    additionalDetails: nullable(Schema.String),
    misalignment: nullable(MisalignmentErrorDetails())
  })
)
export type TurnError = Of<typeof TurnError>
