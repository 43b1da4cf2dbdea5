/**
 * Notifications of the model provider during a turn: rerouting, verification, buffering, renewed login.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { byTurn } from "../../SnapshotKeys.ts"

const place = { threadId: Schema.String, turnId: Schema.String }

/** Another model than the requested one answers the turn. */
export const ModelReroutedNotification = lazy(() =>
  Schema.Struct({
    ...place,
    fromModel: Schema.String,
    toModel: Schema.String,
    reason: Schema.Literal("highRiskCyberActivity")
  })
)
export type ModelReroutedNotification = Of<typeof ModelReroutedNotification>

/** The user must be verified for this kind of task. */
export const ModelVerificationNotification = lazy(() =>
  Schema.Struct({ ...place, verifications: Schema.Array(Schema.Literal("trustedAccessForCyber")) })
)
export type ModelVerificationNotification = Of<typeof ModelVerificationNotification>

/** The provider's login is renewed during a turn. */
export const AuthRecoveryNotification = lazy(() =>
  Schema.Struct({ ...place, provider: Schema.String, message: Schema.String })
)
export type AuthRecoveryNotification = Of<typeof AuthRecoveryNotification>

/** The response is held back while it is checked. */
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

/** Sent once; the user has to act on it or know of it. */
const sentOnce = { tier: "lossless", reach: "subscribers" } as const

/** The notifications of this resource, by method name. */
export const modelNotifications = {
  "model/rerouted": Method.serverNotification({ params: ModelReroutedNotification, ...sentOnce }),
  "model/verification": Method.serverNotification({ params: ModelVerificationNotification, ...sentOnce }),
  "modelProvider/authRecoveryStarted": Method.serverNotification({ params: AuthRecoveryNotification, ...sentOnce }),
  "modelProvider/authRecoveryCompleted": Method.serverNotification({ params: AuthRecoveryNotification, ...sentOnce }),
  // Whether to show a notice: only the newest value matters.
  "model/safetyBuffering/updated": Method.serverNotification({
    params: ModelSafetyBufferingUpdatedNotification,
    tier: "latest",
    reach: "subscribers",
    key: byTurn
  })
} as const
