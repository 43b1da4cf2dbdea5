/**
 * What the model provider lets a turn know: another model, a check, a delay, a renewed sign-in.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { byTurn } from "../../SnapshotKeys.ts"

const place = { threadId: Schema.String, turnId: Schema.String }

/** The turn is answered by another model than the one asked for. */
export const ModelReroutedNotification = lazy(() =>
  Schema.Struct({
    ...place,
    fromModel: Schema.String,
    toModel: Schema.String,
    reason: Schema.Literal("highRiskCyberActivity")
  })
)
export type ModelReroutedNotification = Of<typeof ModelReroutedNotification>

/** The user has to be verified for this kind of work. */
export const ModelVerificationNotification = lazy(() =>
  Schema.Struct({ ...place, verifications: Schema.Array(Schema.Literal("trustedAccessForCyber")) })
)
export type ModelVerificationNotification = Of<typeof ModelVerificationNotification>

/** The sign-in at the provider is renewed in the middle of a turn. */
export const AuthRecoveryNotification = lazy(() =>
  Schema.Struct({ ...place, provider: Schema.String, message: Schema.String })
)
export type AuthRecoveryNotification = Of<typeof AuthRecoveryNotification>

/** The answer is held back while it is checked. */
export const ModelSafetyBufferingUpdatedNotification = lazy(() =>
  Schema.Struct({
    ...place,
    model: Schema.String,
    useCases: Schema.Array(Schema.String),
    reasons: Schema.Array(Schema.String),
    showBufferingUi: Schema.Boolean,
    fasterModel: nullable(Schema.String)
  })
)
export type ModelSafetyBufferingUpdatedNotification = Of<typeof ModelSafetyBufferingUpdatedNotification>

/** Each is told once, and the user is asked to act on it or has to know what happened. */
const told = { tier: "lossless", reach: "subscribers" } as const

/** The notifications of this subject, by method name. */
export const modelNotifications = {
  "model/rerouted": Method.serverNotification({ params: ModelReroutedNotification, ...told }),
  "model/verification": Method.serverNotification({ params: ModelVerificationNotification, ...told }),
  "modelProvider/authRecoveryStarted": Method.serverNotification({ params: AuthRecoveryNotification, ...told }),
  "modelProvider/authRecoveryCompleted": Method.serverNotification({ params: AuthRecoveryNotification, ...told }),
  // Whether to show a notice: the newest says it.
  "model/safetyBuffering/updated": Method.serverNotification({
    params: ModelSafetyBufferingUpdatedNotification,
    tier: "latest",
    reach: "subscribers",
    key: byTurn
  })
} as const
