/**
 * Notifications about turns.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { TurnError } from "./ErrorInfo.ts"
import { I64, nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { Turn } from "./Turn.ts"
import { byTurn } from "../../SnapshotKeys.ts"

const place = { threadId: Schema.String, turnId: Schema.String }

/** The turn is running; `startedAt` is set. */
export const TurnStartedNotification = lazy(() => Schema.Struct({ threadId: Schema.String, turn: Turn() }))
export type TurnStartedNotification = Of<typeof TurnStartedNotification>

/** The turn ended with the status in `turn.status`; `items` contains at most the final agent message. */
export const TurnCompletedNotification = lazy(() => Schema.Struct({ threadId: Schema.String, turn: Turn() }))
export type TurnCompletedNotification = Of<typeof TurnCompletedNotification>

/** An error in a turn. With `willRetry` the turn continues; otherwise `turn/completed` follows with the same error. */
export const ErrorNotification = lazy(() => Schema.Struct({ error: TurnError(), willRetry: Schema.Boolean, ...place }))
export type ErrorNotification = Of<typeof ErrorNotification>

/** All changes of the turn so far, as one unified diff over all files. */
export const TurnDiffUpdatedNotification = lazy(() => Schema.Struct({ ...place, diff: Schema.String }))
export type TurnDiffUpdatedNotification = Of<typeof TurnDiffUpdatedNotification>

/** One step of a plan. */
export const TurnPlanStep = lazy(() =>
  Schema.Struct({ step: Schema.String, status: Schema.Literals(["pending", "inProgress", "completed"]) })
)
export type TurnPlanStep = Of<typeof TurnPlanStep>

/** The complete current plan. It is not stored as an item. */
export const TurnPlanUpdatedNotification = lazy(() =>
  Schema.Struct({ ...place, explanation: nullable(Schema.String), plan: Schema.Array(TurnPlanStep()) })
)
export type TurnPlanUpdatedNotification = Of<typeof TurnPlanUpdatedNotification>

/** A moderation result for the turn, passed on unchanged. */
export const TurnModerationMetadataNotification = lazy(() => Schema.Struct({ ...place, metadata: Schema.Json }))
export type TurnModerationMetadataNotification = Of<typeof TurnModerationMetadataNotification>

/** A server request was answered by a client or is obsolete. The id is the request's. */
export const ServerRequestResolvedNotification = lazy(() =>
  Schema.Struct({ threadId: Schema.String, requestId: Schema.Union([Schema.String, I64]) })
)
export type ServerRequestResolvedNotification = Of<typeof ServerRequestResolvedNotification>

/** Clients build a transcript from these, so none may be lost. */
const transcript = { tier: "lossless", reach: "subscribers" } as const

/** Each replaces the previous one of the same turn. */
const snapshot = { tier: "latest", reach: "subscribers", key: byTurn } as const

/** The notifications of this resource, by method name. */
export const turnNotifications = {
  "turn/started": Method.serverNotification({ params: TurnStartedNotification, ...transcript }),
  "turn/completed": Method.serverNotification({ params: TurnCompletedNotification, ...transcript }),
  error: Method.serverNotification({ params: ErrorNotification, ...transcript }),
  "turn/moderationMetadata": Method.serverNotification({
    params: TurnModerationMetadataNotification,
    stability: "experimental",
    ...transcript
  }),
  "serverRequest/resolved": Method.serverNotification({ params: ServerRequestResolvedNotification, ...transcript }),
  "turn/diff/updated": Method.serverNotification({ params: TurnDiffUpdatedNotification, ...snapshot }),
  "turn/plan/updated": Method.serverNotification({ params: TurnPlanUpdatedNotification, ...snapshot })
} as const
