/**
 * A thread: a conversation with an agent, where it came from, how it is doing and what it has used.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { ThreadEnvironment } from "./Environment.ts"
import { defaulted, I32, I64, JsonObject, nullable, UnixSeconds } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { ReasoningEffort } from "./Settings.ts"
import { Turn } from "../turn/Turn.ts"

/** What an active thread waits for, if it waits for the user. */
export const ThreadActiveFlag = lazy(() => Schema.Literals(["waitingOnApproval", "waitingOnUserInput"]))
export type ThreadActiveFlag = Of<typeof ThreadActiveFlag>

/** Only a loaded thread is anything but `notLoaded`. */
export const ThreadStatus = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("notLoaded") }),
    Schema.Struct({ type: Schema.Literal("idle") }),
    Schema.Struct({ type: Schema.Literal("systemError") }),
    Schema.Struct({ type: Schema.Literal("active"), activeFlags: Schema.Array(ThreadActiveFlag()) })
  ])
)
export type ThreadStatus = Of<typeof ThreadStatus>

/** Why a thread exists that no user started. */
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

/** What started the thread within its client; a word of the client's, such as `user`. */
export const ThreadSource = lazy(() => Schema.String)
export type ThreadSource = Of<typeof ThreadSource>

/** Whether history is kept whole in one record, or in pages that can be read apart. */
export const ThreadHistoryMode = lazy(() => Schema.Literals(["legacy", "paginated"]))
export type ThreadHistoryMode = Of<typeof ThreadHistoryMode>

/** The repository as it was when the thread started. */
export const GitInfo = lazy(() =>
  Schema.Struct({
    sha: nullable(Schema.String),
    branch: nullable(Schema.String),
    originUrl: nullable(Schema.String)
  })
)
export type GitInfo = Of<typeof GitInfo>

/** How a section looks in a list of threads. */
export const ThreadSectionAppearance = lazy(() =>
  Schema.Struct({ icon: nullable(Schema.String), color: nullable(Schema.String) })
)
export type ThreadSectionAppearance = Of<typeof ThreadSectionAppearance>

/** A group that the user sorts threads into. */
export const ThreadSection = lazy(() =>
  Schema.Struct({ id: Schema.String, name: Schema.String, appearance: nullable(ThreadSectionAppearance()) })
)
export type ThreadSection = Of<typeof ThreadSection>

/** Room for extensions; the release sends null. */
export const ThreadExtra = lazy(() => JsonObject)
export type ThreadExtra = Of<typeof ThreadExtra>

/**
 * `turns` is filled where a method says so, and empty elsewhere. `path` is null for an ephemeral thread, which no file
 * keeps. `sessionId` is shared by the threads of one tree.
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

/** Where reading goes on: before the first turn, or after one. */
export const ThreadUnreadPosition = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("threadStart") }),
    Schema.Struct({ type: Schema.Literal("turn"), turnId: Schema.String })
  ])
)
export type ThreadUnreadPosition = Of<typeof ThreadUnreadPosition>

/** How far the user has read. `revision` changes with every change of it. */
export const ThreadReadState = lazy(() =>
  Schema.Struct({ firstUnread: nullable(ThreadUnreadPosition()), revision: Schema.String })
)
export type ThreadReadState = Of<typeof ThreadReadState>

/** Token counts as the model server gave them. */
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

/** All of a thread's answers together, the last one alone, and the size of the model's window. */
export const ThreadTokenUsage = lazy(() =>
  Schema.Struct({ total: TokenUsageBreakdown(), last: TokenUsageBreakdown(), modelContextWindow: nullable(I64) })
)
export type ThreadTokenUsage = Of<typeof ThreadTokenUsage>
