/**
 * The life cycle of items: start, streamed deltas, end, and the reviews that they wait for.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { I64, nullable, optional, U64, UnixMillis } from "../../Fields.ts"
import { AutoReviewDecisionSource, GuardianApprovalReview, GuardianApprovalReviewAction } from "../approval/Guardian.ts"
import { ThreadItem } from "./Item.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { FileUpdateChange } from "./WorkItem.ts"
import { byItem } from "../../SnapshotKeys.ts"

const inTurn = { threadId: Schema.String, turnId: Schema.String }
const place = { ...inTurn, itemId: Schema.String }

/** An item started. Its final content is in `item/completed`. */
export const ItemStartedNotification = lazy(() =>
  Schema.Struct({ item: ThreadItem(), ...inTurn, startedAtMs: UnixMillis })
)
export type ItemStartedNotification = Of<typeof ItemStartedNotification>

/** The final state of an item. `contentTokenCount` is for agent messages; null when the model server did not report it. */
export const ItemCompletedNotification = lazy(() =>
  Schema.Struct({
    item: ThreadItem(),
    ...inTurn,
    contentTokenCount: optional(U64),
    completedAtMs: UnixMillis
  })
)
export type ItemCompletedNotification = Of<typeof ItemCompletedNotification>

/** A piece of text or output; concatenated deltas are the item's text. */
const Delta = lazy(() => Schema.Struct({ ...place, delta: Schema.String }))

/** Text of the agent's message, as the model streams it. */
export const AgentMessageDeltaNotification = Delta
export type AgentMessageDeltaNotification = Of<typeof AgentMessageDeltaNotification>

/** Text of a proposed plan. The completed item is authoritative: it may differ. */
export const PlanDeltaNotification = Delta
export type PlanDeltaNotification = Of<typeof PlanDeltaNotification>

/** Decoded chunk by chunk: a character that is split over two chunks is U+FFFD here and correct in the completed item. */
export const CommandExecutionOutputDeltaNotification = Delta
export type CommandExecutionOutputDeltaNotification = Of<typeof CommandExecutionOutputDeltaNotification>

/** Declared by the release but no longer sent; the item has the result. */
export const FileChangeOutputDeltaNotification = Delta
export type FileChangeOutputDeltaNotification = Of<typeof FileChangeOutputDeltaNotification>

/** Text of the reasoning summary's part with this index. */
export const ReasoningSummaryTextDeltaNotification = lazy(() =>
  Schema.Struct({ ...place, delta: Schema.String, summaryIndex: I64 })
)
export type ReasoningSummaryTextDeltaNotification = Of<typeof ReasoningSummaryTextDeltaNotification>

/** The summary continues in the part with this index. */
export const ReasoningSummaryPartAddedNotification = lazy(() => Schema.Struct({ ...place, summaryIndex: I64 }))
export type ReasoningSummaryPartAddedNotification = Of<typeof ReasoningSummaryPartAddedNotification>

/** Raw reasoning, when it may be shown. */
export const ReasoningTextDeltaNotification = lazy(() =>
  Schema.Struct({ ...place, delta: Schema.String, contentIndex: I64 })
)
export type ReasoningTextDeltaNotification = Of<typeof ReasoningTextDeltaNotification>

/** Input that was typed into the terminal of a running command. */
export const TerminalInteractionNotification = lazy(() =>
  Schema.Struct({ ...place, processId: Schema.String, stdin: Schema.String })
)
export type TerminalInteractionNotification = Of<typeof TerminalInteractionNotification>

/** The part of the patch that the model has written so far, before its item starts. */
export const FileChangePatchUpdatedNotification = lazy(() =>
  Schema.Struct({ ...place, changes: Schema.Array(FileUpdateChange()) })
)
export type FileChangePatchUpdatedNotification = Of<typeof FileChangePatchUpdatedNotification>

/** Progress reported by a running MCP tool. */
export const McpToolCallProgressNotification = lazy(() => Schema.Struct({ ...place, message: Schema.String }))
export type McpToolCallProgressNotification = Of<typeof McpToolCallProgressNotification>

/** `targetItemId` is null when no item is under review, for example for a host that a command tries to reach. */
const review = () => ({
  ...inTurn,
  startedAtMs: UnixMillis,
  reviewId: Schema.String,
  targetItemId: nullable(Schema.String),
  review: GuardianApprovalReview(),
  action: GuardianApprovalReviewAction()
})

/** A review started; the item waits for it. */
export const ItemGuardianApprovalReviewStartedNotification = lazy(() => Schema.Struct(review()))
export type ItemGuardianApprovalReviewStartedNotification = Of<typeof ItemGuardianApprovalReviewStartedNotification>

/** The review ended. */
export const ItemGuardianApprovalReviewCompletedNotification = lazy(() =>
  Schema.Struct({ ...review(), completedAtMs: UnixMillis, decisionSource: AutoReviewDecisionSource() })
)
export type ItemGuardianApprovalReviewCompletedNotification = Of<typeof ItemGuardianApprovalReviewCompletedNotification>

/** From now on, every command of the turn is reviewed. */
export const StrictReviewRequiredNotification = lazy(() => Schema.Struct({ ...inTurn, startedAtMs: UnixMillis }))
export type StrictReviewRequiredNotification = Of<typeof StrictReviewRequiredNotification>

/** Clients build a transcript from these, so none may be lost and deltas may not be merged. */
const transcript = { tier: "lossless", reach: "subscribers" } as const

/** Each replaces the previous one for the same item. */
const snapshot = { tier: "latest", reach: "subscribers", key: byItem } as const

/** Shows progress; the completed item does not depend on it. */
const progress = { tier: "bestEffort", reach: "subscribers" } as const

/** The notifications of this resource, by method name. */
export const itemNotifications = {
  "item/started": Method.serverNotification({ params: ItemStartedNotification, ...transcript }),
  "item/completed": Method.serverNotification({ params: ItemCompletedNotification, ...transcript }),
  "item/agentMessage/delta": Method.serverNotification({ params: AgentMessageDeltaNotification, ...transcript }),
  "item/plan/delta": Method.serverNotification({ params: PlanDeltaNotification, ...transcript }),
  "item/reasoning/summaryTextDelta": Method.serverNotification({
    params: ReasoningSummaryTextDeltaNotification,
    ...transcript
  }),
  "item/reasoning/summaryPartAdded": Method.serverNotification({
    params: ReasoningSummaryPartAddedNotification,
    ...transcript
  }),
  "item/reasoning/textDelta": Method.serverNotification({ params: ReasoningTextDeltaNotification, ...transcript }),
  "item/commandExecution/outputDelta": Method.serverNotification({
    params: CommandExecutionOutputDeltaNotification,
    ...transcript
  }),
  "item/commandExecution/terminalInteraction": Method.serverNotification({
    params: TerminalInteractionNotification,
    ...transcript
  }),
  "item/fileChange/outputDelta": Method.serverNotification({
    params: FileChangeOutputDeltaNotification,
    ...transcript
  }),
  "item/autoApprovalReview/started": Method.serverNotification({
    params: ItemGuardianApprovalReviewStartedNotification,
    ...transcript
  }),
  "item/autoApprovalReview/completed": Method.serverNotification({
    params: ItemGuardianApprovalReviewCompletedNotification,
    ...transcript
  }),
  "autoApprovalReview/strictReviewRequired": Method.serverNotification({
    params: StrictReviewRequiredNotification,
    stability: "experimental",
    ...transcript
  }),
  "item/fileChange/patchUpdated": Method.serverNotification({
    params: FileChangePatchUpdatedNotification,
    ...snapshot
  }),
  "item/mcpToolCall/progress": Method.serverNotification({ params: McpToolCallProgressNotification, ...progress })
} as const
