/**
 * Why a turn failed: a text for people and a kind for programs.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { JsonObject, nullable, optional, orNull, U16 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** The turns that take no further input while they run. */
export const NonSteerableTurnKind = lazy(() => Schema.Literals(["review", "compact"]))
export type NonSteerableTurnKind = Of<typeof NonSteerableTurnKind>

/** The status the model server answered with, `null` where no answer came. */
const http = () => Schema.Struct({ httpStatusCode: orNull(U16) })

/** The kinds of failure that the release knows; what this server sends is one of these. */
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

/** Open, as the release declares it: a reader must take kinds that came later. */
export const CodexErrorInfo = lazy(() => Schema.Union([KnownErrorInfo(), Schema.String, JsonObject]))
export type CodexErrorInfo = Of<typeof CodexErrorInfo>

/** What a user may be told about work that was stopped as misaligned, and the words to go on with. */
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
