/**
 * The items of a turn: everything that a reader of a thread sees, one entry each.
 *
 * This module has the messages and similar items, and the union of all. Commands, tool calls and similar are in
 * `WorkItem.ts`.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { FunctionCallOutputBody } from "./Content.ts"
import { nullable, orNull, U32 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { UserInput } from "../turn/UserInput.ts"
import * as WorkItem from "./WorkItem.ts"
import { itemTimes } from "./WorkItem.ts"

/** The user's message. `clientId` is the client's own id for the message, if it sent one. */
export const UserMessageItem = lazy(() =>
  Schema.Struct({
    type: Schema.Literal("userMessage"),
    id: Schema.String,
    clientId: nullable(Schema.String),
    content: Schema.Array(UserInput()),
    ...itemTimes
  })
)
export type UserMessageItem = Of<typeof UserMessageItem>

/** Text that hooks add to the model's input. */
export const HookPromptItem = lazy(() =>
  Schema.Struct({
    type: Schema.Literal("hookPrompt"),
    id: Schema.String,
    fragments: Schema.Array(Schema.Struct({ text: Schema.String, hookRunId: Schema.String })),
    ...itemTimes
  })
)
export type HookPromptItem = Of<typeof HookPromptItem>

/** Commentary is written while the turn runs; the final answer ends it. */
export const MessagePhase = lazy(() => Schema.Literals(["commentary", "partial_answer", "final_answer"]))
export type MessagePhase = Of<typeof MessagePhase>

/** The memories used for an answer. Lines count from 1. */
export const MemoryCitation = lazy(() =>
  Schema.Struct({
    entries: Schema.Array(Schema.Struct({ path: Schema.String, lineStart: U32, lineEnd: U32, note: Schema.String })),
    threadIds: Schema.Array(Schema.String)
  })
)
export type MemoryCitation = Of<typeof MemoryCitation>

/** Whether a message was moderated, and what to show instead of it. */
export const AgentMessageModeration = lazy(() =>
  Schema.Struct({
    moderated: Schema.Boolean,
    display: nullable(
      Schema.Struct({
        action: Schema.String,
        blockType: nullable(Schema.String),
        cyberTrustedAccess: nullable(Schema.Boolean),
        checkTrustedContacts: nullable(Schema.Boolean)
      })
    )
  })
)
export type AgentMessageModeration = Of<typeof AgentMessageModeration>

/** A question to the user in a message; the turn does not wait for the answer. */
export const AsyncUserInputQuestion = lazy(() =>
  Schema.Struct({ title: Schema.String, options: orNull(Schema.Array(Schema.String)) })
)
export type AsyncUserInputQuestion = Of<typeof AsyncUserInputQuestion>

/** The model's message. */
export const AgentMessageItem = lazy(() =>
  Schema.Struct({
    type: Schema.Literal("agentMessage"),
    id: Schema.String,
    text: Schema.String,
    phase: nullable(MessagePhase()),
    moderation: nullable(AgentMessageModeration()),
    memoryCitation: nullable(MemoryCitation()),
    delivery: nullable(Schema.Literal("async")),
    questions: nullable(Schema.Array(AsyncUserInputQuestion())),
    ...itemTimes
  })
)
export type AgentMessageItem = Of<typeof AgentMessageItem>

/** The output of a tool that has no item kind of its own. */
export const FunctionCallOutputItem = lazy(() =>
  Schema.Struct({
    type: Schema.Literal("functionCallOutput"),
    id: Schema.String,
    name: Schema.String,
    namespace: nullable(Schema.String),
    output: FunctionCallOutputBody(),
    ...itemTimes
  })
)
export type FunctionCallOutputItem = Of<typeof FunctionCallOutputItem>

/** A proposed plan, in plan mode. */
export const PlanItem = lazy(() =>
  Schema.Struct({ type: Schema.Literal("plan"), id: Schema.String, text: Schema.String, ...itemTimes })
)
export type PlanItem = Of<typeof PlanItem>

/** The model's reasoning: a summary and, when the model server sends it, the full text; one string per part. */
export const ReasoningItem = lazy(() =>
  Schema.Struct({
    type: Schema.Literal("reasoning"),
    id: Schema.String,
    summary: Schema.Array(Schema.String),
    content: Schema.Array(Schema.String),
    ...itemTimes
  })
)
export type ReasoningItem = Of<typeof ReasoningItem>

/** An image file that the model viewed. */
export const ImageViewItem = lazy(() =>
  Schema.Struct({ type: Schema.Literal("imageView"), id: Schema.String, path: Schema.String, ...itemTimes })
)
export type ImageViewItem = Of<typeof ImageViewItem>

/** A review begins; `review` describes its subject. */
export const EnteredReviewModeItem = lazy(() =>
  Schema.Struct({ type: Schema.Literal("enteredReviewMode"), id: Schema.String, review: Schema.String, ...itemTimes })
)
export type EnteredReviewModeItem = Of<typeof EnteredReviewModeItem>

/** A review ended; `review` is its text. */
export const ExitedReviewModeItem = lazy(() =>
  Schema.Struct({ type: Schema.Literal("exitedReviewMode"), id: Schema.String, review: Schema.String, ...itemTimes })
)
export type ExitedReviewModeItem = Of<typeof ExitedReviewModeItem>

/** From here on, the model sees a summary of the earlier conversation. */
export const ContextCompactionItem = lazy(() =>
  Schema.Struct({ type: Schema.Literal("contextCompaction"), id: Schema.String, ...itemTimes })
)
export type ContextCompactionItem = Of<typeof ContextCompactionItem>

/** Any item; `type` distinguishes them. The id is unique in its thread. */
export const ThreadItem = lazy(() =>
  Schema.Union([
    UserMessageItem(),
    HookPromptItem(),
    AgentMessageItem(),
    FunctionCallOutputItem(),
    PlanItem(),
    ReasoningItem(),
    WorkItem.CommandExecutionItem(),
    WorkItem.FileChangeItem(),
    WorkItem.McpToolCallItem(),
    WorkItem.DynamicToolCallItem(),
    WorkItem.CollabAgentToolCallItem(),
    WorkItem.SubAgentActivityItem(),
    WorkItem.WebSearchItem(),
    ImageViewItem(),
    WorkItem.SleepItem(),
    ...WorkItem.ImageGenerationItem().members,
    EnteredReviewModeItem(),
    ExitedReviewModeItem(),
    ContextCompactionItem()
  ])
)
export type ThreadItem = Of<typeof ThreadItem>

/** The `type` of an item. */
export type ItemKind = ThreadItem["type"]

/** The item of a kind: `Item<"plan">`. */
export type Item<K extends ItemKind> = Extract<ThreadItem, { readonly type: K }>
