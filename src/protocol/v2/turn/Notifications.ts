/**
 * The life of a turn, and what is told about the turn as a whole.
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

/** The turn runs; `startedAt` is set from here on. */
export const TurnStartedNotification = lazy(() => Schema.Struct({ threadId: Schema.String, turn: Turn() }))
export type TurnStartedNotification = Of<typeof TurnStartedNotification>

/** The turn is over, in the state `turn.status` says; `items` holds the final agent message at most. */
export const TurnCompletedNotification = lazy(() => Schema.Struct({ threadId: Schema.String, turn: Turn() }))
export type TurnCompletedNotification = Of<typeof TurnCompletedNotification>

/** A failure inside a turn. With `willRetry` the turn goes on; without, `turn/completed` follows with the same error. */
export const ErrorNotification = lazy(() => Schema.Struct({ error: TurnError(), willRetry: Schema.Boolean, ...place }))
export type ErrorNotification = Of<typeof ErrorNotification>

/** What the turn has changed so far, as one unified diff over all files. */
export const TurnDiffUpdatedNotification = lazy(() => Schema.Struct({ ...place, diff: Schema.String }))
export type TurnDiffUpdatedNotification = Of<typeof TurnDiffUpdatedNotification>

/** One step of a plan. */
export const TurnPlanStep = lazy(() =>
  Schema.Struct({ step: Schema.String, status: Schema.Literals(["pending", "inProgress", "completed"]) })
)
export type TurnPlanStep = Of<typeof TurnPlanStep>

/** The whole plan as it now stands. It is told, not kept: no item holds it. */
export const TurnPlanUpdatedNotification = lazy(() =>
  Schema.Struct({ ...place, explanation: nullable(Schema.String), plan: Schema.Array(TurnPlanStep()) })
)
export type TurnPlanUpdatedNotification = Of<typeof TurnPlanUpdatedNotification>

/** What a moderation service said of the turn, passed on as it came. */
export const TurnModerationMetadataNotification = lazy(() => Schema.Struct({ ...place, metadata: Schema.Json }))
export type TurnModerationMetadataNotification = Of<typeof TurnModerationMetadataNotification>

/** A request of the server has been answered, by whichever client, or has lost its point. The id is the request's. */
export const ServerRequestResolvedNotification = lazy(() =>
  Schema.Struct({ threadId: Schema.String, requestId: Schema.Union([Schema.String, I64]) })
)
export type ServerRequestResolvedNotification = Of<typeof ServerRequestResolvedNotification>

/** A transcript is put together from these: none may be missing. */
const transcript = { tier: "lossless", reach: "subscribers" } as const

/** Each replaces the one before it in the same turn. */
const snapshot = { tier: "latest", reach: "subscribers", key: byTurn } as const

/** The notifications of this subject, by method name. */
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
