/**
 * The stored events of a thread, as a versioned union.
 *
 * Owns the shape of the events and their numbering. State is folded from them (`ThreadState`). Each event corresponds to a
 * line of the release's rollout files, so that a store of such files is lossless in both directions:
 *
 * | event | rollout line |
 * |---|---|
 * | `Created` | `session_meta` |
 * | `SettingsChanged` | `event_msg` `thread_settings_applied`, `turn_context` |
 * | `TurnStarted`, `TurnEnded` | `event_msg` `task_started`; `task_complete` or `turn_aborted` |
 * | `ItemCompleted` | `event_msg` `item_completed` |
 * | `ConversationEntry` | `response_item` |
 * | `TokensCounted` | `event_msg` `token_count` |
 * | `NameSet` | an own line, and a line of `session_index.jsonl` |
 * | `Archived`, `Unarchived` | an own line, and the file's folder |
 * | `Compacted` | `compacted` with `replacement_history` |
 * | `RolledBack` | `event_msg` `thread_rolled_back` |
 * | `GitInfoSet`, `DaybreakSet`, `SectionSet`, `ReadStateSet` | none, as below |
 * | `AttachmentAdded`, `AttachmentRemoved` | none, as below |
 * | `GoalSet`, `QueueAdded`, `QueueUpdated`, `QueueRemoved`, `QueueReordered` | none, as below |
 * | `SubmissionAccepted`, `InputAccepted` | none, as below |
 * | `TurnClaimed` | none, as below |
 * | `SequenceMarked` | none, as below |
 * | `RequestOpened`, `RequestClosed` | none: a line of a type that the release skips |
 * | `Foreign` | any other line, kept as it was read |
 *
 * A fork starts with a `Created` event whose origin names the source, followed by copies of the source's events.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { TurnError } from "../../protocol/v2/turn/ErrorInfo.ts"
import { ThreadItem } from "../../protocol/v2/item/Item.ts"
import { lazy, type Of } from "../../protocol/Lazy.ts"
import { ResponseItem } from "../../protocol/v2/item/ResponseItem.ts"
import { ThreadAttachment } from "../../protocol/v2/thread/Attachment.ts"
import { ThreadGoalStatus } from "../../protocol/v2/thread/Goal.ts"
import { DynamicToolSpec } from "../../protocol/v2/thread/Requests.ts"
import { QueuedSubmission } from "../../protocol/v2/thread/Queue.ts"
import { ThreadSettings } from "../../protocol/v2/thread/Settings.ts"
import { GitInfo, SessionSource, ThreadReadState, ThreadTokenUsage } from "../../protocol/v2/thread/Thread.ts"

/** The version of the shapes below. A store records it, and refuses events of a newer version. */
export const ThreadEventVersion = 1

/** Facts about a thread that never change. */
export const ThreadOrigin = lazy(() =>
  Schema.Struct({
    id: Schema.String,
    /** Shared by the threads of one tree; the thread's own id for a root. */
    sessionId: Schema.String,
    forkedFromId: Schema.NullOr(Schema.String),
    /** Unix seconds. */
    createdAt: Schema.Int,
    /** Absolute path. */
    cwd: Schema.String,
    ephemeral: Schema.Boolean,
    cliVersion: Schema.String,
    /** The client that created the thread, by its declared name. */
    originator: Schema.String,
    source: SessionSource(),
    threadSource: Schema.NullOr(Schema.String),
    gitInfo: Schema.NullOr(GitInfo()),
    /** The tools that the client of the thread provides. Absent when there are none. */
    dynamicTools: Schema.optionalKey(Schema.Array(DynamicToolSpec()))
  })
)
export type ThreadOrigin = Of<typeof ThreadOrigin>

/** A thread's place in a section. Positions order the threads of a section and have gaps. */
export const SectionPlace = lazy(() => Schema.Struct({ id: Schema.String, position: Schema.Int }))
export type SectionPlace = Of<typeof SectionPlace>

/** A goal and what was spent on it. Times are in Unix seconds. */
export const StoredGoal = lazy(() =>
  Schema.Struct({
    objective: Schema.String,
    status: ThreadGoalStatus(),
    tokenBudget: Schema.NullOr(Schema.Int),
    tokensUsed: Schema.Int,
    timeUsedSeconds: Schema.Int,
    /** The root of the turn in which the model created the goal: that of the turns that the goal starts. Absent: their own. */
    rootTurnId: Schema.optionalKey(Schema.String),
    createdAt: Schema.Int,
    updatedAt: Schema.Int
  })
)
export type StoredGoal = Of<typeof StoredGoal>

/** Unix milliseconds. */
const at = Schema.Int

const turnId = Schema.String

const claim = {
  attempt: Schema.Int,
  originator: Schema.String,
  userAgent: Schema.String,
  outputSchema: Schema.Json,
  metadata: Schema.Record(Schema.String, Schema.String)
}

/** A message: the key of the client, its item, and its entry of the conversation if there is something for the model. */
const acceptedInput = lazy(() => ({
  key: Schema.NullOr(Schema.String),
  item: ThreadItem(),
  entry: Schema.NullOr(ResponseItem())
}))

/** A change of a thread: the form in which threads are stored. */
export const ThreadEvent = lazy(() =>
  Schema.TaggedUnion({
    Created: { at, origin: ThreadOrigin(), settings: ThreadSettings() },
    SettingsChanged: { at, settings: ThreadSettings() },
    TurnStarted: { at, turnId, rootTurnId: Schema.String },
    /**
     * The running turn goes on after a crash of the server. `attempt` counts how often it has done so. The claim has what the
     * turn needs for that beside the history, and ends with the turn.
     */
    TurnClaimed: { at, turnId, ...claim },
    /** `error` is set when `status` is `failed`. */
    TurnEnded: {
      at,
      turnId,
      status: Schema.Literals(["completed", "interrupted", "failed"]),
      error: Schema.NullOr(TurnError())
    },
    ItemCompleted: { at, turnId, item: ThreadItem() },
    /** An entry of the conversation in the form that the model gets. */
    ConversationEntry: { at, item: ResponseItem() },
    TokensCounted: { at, turnId, usage: ThreadTokenUsage() },
    /** Null removes the name. */
    NameSet: { at, name: Schema.NullOr(Schema.String) },
    Archived: { at },
    Unarchived: { at },
    /** `replacement` replaces the whole conversation so far. */
    Compacted: { at, turnId, replacement: Schema.Array(ResponseItem()) },
    /** Removes the last `turns` turns and their conversation. */
    RolledBack: { at, turns: Schema.Int },
    /** Null removes the facts about the repository. */
    GitInfoSet: { at, gitInfo: Schema.NullOr(GitInfo()) },
    DaybreakSet: { at, enabled: Schema.Boolean },
    /** Null removes the thread from its section. */
    SectionSet: { at, section: Schema.NullOr(SectionPlace()) },
    AttachmentAdded: { at, attachment: ThreadAttachment() },
    AttachmentRemoved: { at, attachmentId: Schema.String },
    /** Null: nothing is known of how far the thread was read, so it counts as read. */
    ReadStateSet: { at, readState: Schema.NullOr(ThreadReadState()) },
    /** Null removes the goal. */
    GoalSet: { at, goal: Schema.NullOr(StoredGoal()) },
    QueueAdded: { at, submission: QueuedSubmission() },
    /** Replaces the submission with the same id. */
    QueueUpdated: { at, submission: QueuedSubmission() },
    QueueRemoved: { at, submissionId: Schema.String },
    /** All ids of the queue in their new order. */
    QueueReordered: { at, submissionIds: Schema.Array(Schema.String) },
    /** The input with this key belongs to this turn. A client that sends it again gets the turn. */
    SubmissionAccepted: { at, key: Schema.String, turnId },
    /** The running turn will record this message. The item that completes with the same id ends that. */
    InputAccepted: { at, turnId, ...acceptedInput() },
    /** A pending request to the clients. */
    RequestOpened: { at, requestId: Schema.Int, turnId, method: Schema.String, params: Schema.Json },
    RequestClosed: { at, requestId: Schema.Int },
    /** The thread was unloaded at this position of its notifications: see `ThreadLog`. */
    SequenceMarked: { at, epoch: Schema.String, seq: Schema.Int },
    /** A line of another writer without an event here. It is kept and returned unchanged. */
    Foreign: { at, type: Schema.String, payload: Schema.Json }
  })
)
export type ThreadEvent = Of<typeof ThreadEvent>

/** The event type with a given tag. */
export type EventOf<Tag extends ThreadEvent["_tag"]> = Extract<ThreadEvent, { readonly _tag: Tag }>

/** An event with its number: dense from 0 in each thread. */
export interface NumberedEvent {
  readonly seq: number
  readonly event: ThreadEvent
}
