/**
 * A thread: a conversation with an agent, with its source, status and token usage.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { ThreadEnvironment } from "./Environment.ts"
import { defaulted, I32, I64, JsonObject, nullable, UnixSeconds } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { ReasoningEffort } from "./Settings.ts"
import { Turn } from "../turn/Turn.ts"

/** What an active thread waits for from the user. */
export const ThreadActiveFlag = lazy(() => Schema.Literals(["waitingOnApproval", "waitingOnUserInput"]))
export type ThreadActiveFlag = Of<typeof ThreadActiveFlag>

/** Every status except `notLoaded` applies to loaded threads only. */
export const ThreadStatus = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("notLoaded") }),
    Schema.Struct({ type: Schema.Literal("idle") }),
    Schema.Struct({ type: Schema.Literal("systemError") }),
    Schema.Struct({ type: Schema.Literal("active"), activeFlags: Schema.Array(ThreadActiveFlag()) })
  ])
)
export type ThreadStatus = Of<typeof ThreadStatus>

/** Why a thread that no user started exists. */
export const SubAgentSource = lazy(() =>
  Schema.Union([
    Schema.Literals(["review", "compact", "memory_consolidation"]),
    Schema.Struct({
      thread_spawn: Schema.Struct({
        parent_thread_id: Schema.String,
        depth: I32,
        agent_path: nullable(Schema.String),
        agent_nickname: nullable(Schema.String),
        agent_role: nullable(Schema.String)
      })
    }),
    Schema.Struct({ other: Schema.String })
  ])
)
export type SubAgentSource = Of<typeof SubAgentSource>

/** The kind of program that started the thread. */
export const SessionSource = lazy(() =>
  Schema.Union([
    Schema.Literals(["cli", "vscode", "exec", "appServer", "unknown"]),
    Schema.Struct({ custom: Schema.String }),
    Schema.Struct({ subAgent: SubAgentSource() })
  ])
)
export type SessionSource = Of<typeof SessionSource>

/** What started the thread in its client; a string chosen by the client, such as `user`. */
export const ThreadSource = lazy(() => Schema.String)
export type ThreadSource = Of<typeof ThreadSource>

/** Whether history is one record, or pages that can be read separately. */
export const ThreadHistoryMode = lazy(() => Schema.Literals(["legacy", "paginated"]))
export type ThreadHistoryMode = Of<typeof ThreadHistoryMode>

/** The state of the repository when the thread started. */
export const GitInfo = lazy(() =>
  Schema.Struct({
    sha: nullable(Schema.String),
    branch: nullable(Schema.String),
    originUrl: nullable(Schema.String)
  })
)
export type GitInfo = Of<typeof GitInfo>

/** The appearance of a section in a list of threads. */
export const ThreadSectionAppearance = lazy(() =>
  Schema.Struct({ icon: nullable(Schema.String), color: nullable(Schema.String) })
)
export type ThreadSectionAppearance = Of<typeof ThreadSectionAppearance>

/** A group into which the user sorts threads. */
export const ThreadSection = lazy(() =>
  Schema.Struct({ id: Schema.String, name: Schema.String, appearance: nullable(ThreadSectionAppearance()) })
)
export type ThreadSection = Of<typeof ThreadSection>

/** Reserved for extensions; the release sends null. */
export const ThreadExtra = lazy(() => JsonObject)
export type ThreadExtra = Of<typeof ThreadExtra>

/**
 * `turns` is filled only where a method says so. `path` is null for an ephemeral thread, which has no file. Threads of one
 * tree share `sessionId`.
 */
export const Thread = lazy(() =>
  Schema.Struct({
    id: Schema.String,
    environments: nullable(Schema.Array(ThreadEnvironment())),
    extra: nullable(ThreadExtra()),
    sessionId: Schema.String,
    forkedFromId: nullable(Schema.String),
    attachedToThreadId: nullable(Schema.String),
    parentThreadId: nullable(Schema.String),
    preview: Schema.String,
    ephemeral: Schema.Boolean,
    section: nullable(ThreadSection()),
    sectionEnteredAt: nullable(UnixSeconds),
    projectId: nullable(Schema.String),
    historyMode: ThreadHistoryMode(),
    modelProvider: Schema.String,
    model: nullable(Schema.String),
    reasoningEffort: nullable(ReasoningEffort()),
    createdAt: UnixSeconds,
    updatedAt: UnixSeconds,
    recencyAt: nullable(UnixSeconds),
    status: ThreadStatus(),
    path: nullable(Schema.String),
    cwd: Schema.String,
    cliVersion: Schema.String,
    originator: nullable(Schema.String),
    source: SessionSource(),
    canAcceptDirectInput: nullable(Schema.Boolean),
    threadSource: nullable(ThreadSource()),
    agentNickname: nullable(Schema.String),
    agentRole: nullable(Schema.String),
    gitInfo: nullable(GitInfo()),
    name: nullable(Schema.String),
    daybreakEnabled: nullable(Schema.Boolean),
    turns: Schema.Array(Turn())
  })
)
export type Thread = Of<typeof Thread>

/** Where unread content starts: before the first turn, or after a turn. */
export const ThreadUnreadPosition = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("threadStart") }),
    Schema.Struct({ type: Schema.Literal("turn"), turnId: Schema.String })
  ])
)
export type ThreadUnreadPosition = Of<typeof ThreadUnreadPosition>

/** How far the user has read. Every change also changes `revision`. */
export const ThreadReadState = lazy(() =>
  Schema.Struct({ firstUnread: nullable(ThreadUnreadPosition()), revision: Schema.String })
)
export type ThreadReadState = Of<typeof ThreadReadState>

/** Token counts as reported by the model server. */
export const TokenUsageBreakdown = lazy(() =>
  Schema.Struct({
    totalTokens: I64,
    inputTokens: I64,
    cachedInputTokens: I64,
    cacheWriteInputTokens: defaulted(I64, 0),
    outputTokens: I64,
    reasoningOutputTokens: I64
  })
)
export type TokenUsageBreakdown = Of<typeof TokenUsageBreakdown>

/** Token usage of all model responses of a thread, of the last one, and the model's context window. */
export const ThreadTokenUsage = lazy(() =>
  Schema.Struct({ total: TokenUsageBreakdown(), last: TokenUsageBreakdown(), modelContextWindow: nullable(I64) })
)
export type ThreadTokenUsage = Of<typeof ThreadTokenUsage>
