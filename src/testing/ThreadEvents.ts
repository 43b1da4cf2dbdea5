/**
 * Builders of thread events for tests, with defaults for irrelevant members.
 *
 * @module
 */
import type { AgentMessageItem, ReasoningItem, UserMessageItem } from "../protocol/v2/item/Item.ts"
import type { ThreadAttachment } from "../protocol/v2/thread/Attachment.ts"
import type { QueuedSubmission } from "../protocol/v2/thread/Queue.ts"
import type { ThreadSettings } from "../protocol/v2/thread/Settings.ts"
import type { ThreadTokenUsage } from "../protocol/v2/thread/Thread.ts"
import type { EventOf, StoredGoal, ThreadEvent, ThreadOrigin } from "../services/thread/ThreadEvent.ts"

/** The settings of a thread with the offline model. */
export const settings: ThreadSettings = {
  disabledPluginIds: [],
  cwd: "/w",
  environments: [{ environmentId: "local", cwd: "/w", runtimeWorkspaceRoots: ["/w"] }],
  approvalPolicy: "never",
  approvalsReviewer: "user",
  sandboxPolicy: { type: "dangerFullAccess" },
  activePermissionProfile: null,
  model: "offline",
  modelProvider: "offline",
  serviceTier: null,
  effort: null,
  summary: null,
  collaborationMode: {
    mode: "default",
    settings: { model: "offline", reasoning_effort: null, developer_instructions: null }
  },
  multiAgentMode: "explicitRequestOnly",
  personality: null
}

/** The origin of a thread with this id. */
export const originOf = (id: string, origin: Partial<ThreadOrigin> = {}): ThreadOrigin => ({
  id,
  sessionId: id,
  forkedFromId: null,
  createdAt: 1_700_000_000,
  cwd: "/w",
  ephemeral: false,
  cliVersion: "0.1.0",
  originator: "test",
  source: "vscode",
  threadSource: null,
  gitInfo: null,
  ...origin
})

/** A thread's first event. */
export const created = (
  id: string,
  origin: Partial<ThreadOrigin> = {},
  changed: Partial<ThreadSettings> = {}
): EventOf<"Created"> => {
  const all = originOf(id, origin)
  return { _tag: "Created", at: all.createdAt * 1000, origin: all, settings: { ...settings, ...changed } }
}

/** An item with one text of the user. */
export const userMessage = (id: string, text: string): UserMessageItem => ({
  type: "userMessage",
  id,
  clientId: null,
  content: [{ type: "text", text, text_elements: [] }]
})

/** An item with the model's answer. */
export const agentMessage = (id: string, text: string): AgentMessageItem => ({
  type: "agentMessage",
  id,
  text,
  phase: null,
  moderation: null,
  memoryCitation: null,
  delivery: null,
  questions: null
})

/** An item with empty reasoning. */
export const reasoning = (id: string): ReasoningItem => ({ type: "reasoning", id, summary: [], content: [] })

const tokens = (count: number) => ({
  totalTokens: count,
  inputTokens: count,
  cachedInputTokens: 0,
  cacheWriteInputTokens: 0,
  outputTokens: 0,
  reasoningOutputTokens: 0
})

/** The usage of a thread with one response of `count` input tokens. */
export const usage = (count: number): ThreadTokenUsage => ({
  total: tokens(count),
  last: tokens(count),
  modelContextWindow: null
})

/** A conversation entry: a message of the user. */
export const entry = (at: number, text: string): EventOf<"ConversationEntry"> => ({
  _tag: "ConversationEntry",
  at,
  item: { type: "message", role: "user", content: [{ type: "input_text", text }] }
})

/** A complete turn with one message and one answer. `at` is Unix milliseconds; the turn takes 1.5 seconds. */
export const turnEvents = (turnId: string, at: number, message: string, answer: string): ReadonlyArray<ThreadEvent> => [
  { _tag: "TurnStarted", at, turnId, rootTurnId: turnId },
  { _tag: "ItemCompleted", at, turnId, item: userMessage(`${turnId}-message`, message) },
  entry(at, message),
  { _tag: "ItemCompleted", at, turnId, item: agentMessage(`${turnId}-answer`, answer) },
  { _tag: "TokensCounted", at, turnId, usage: usage(at % 1000) },
  { _tag: "TurnEnded", at: at + 1500, turnId, status: "completed", error: null }
]

const attachment = (id: string, payload: ThreadAttachment["payload"]): ThreadAttachment => ({
  id,
  attachmentType: "link",
  identityKey: `key of ${id}`,
  payload,
  createdAt: 1_700_000_000
})

const goal: StoredGoal = {
  objective: "a goal",
  status: "paused",
  tokenBudget: 100,
  tokensUsed: 5,
  timeUsedSeconds: 1,
  createdAt: 1_700_000_000,
  updatedAt: 1_700_000_001
}

const submission = (id: string): QueuedSubmission => ({
  id,
  input: [{ type: "text", text: "later", text_elements: [] }],
  clientUserMessageId: `message of ${id}`,
  responsesapiClientMetadata: null
})

/** One event of every kind except `Created`, in a valid order. */
export const everyEvent = (at: number): ReadonlyArray<ThreadEvent> => [
  ...turnEvents("u1", at, "first", "answer"),
  { _tag: "SettingsChanged", at, settings: { ...settings, model: "other" } },
  { _tag: "NameSet", at, name: "A name" },
  { _tag: "Archived", at },
  { _tag: "Unarchived", at },
  { _tag: "GitInfoSet", at, gitInfo: { sha: "5ha", branch: null, originUrl: "https://example.com/r.git" } },
  { _tag: "DaybreakSet", at, enabled: true },
  { _tag: "SectionSet", at, section: { id: "section", position: 1_000_000 } },
  { _tag: "AttachmentAdded", at, attachment: attachment("a1", { url: "https://example.com" }) },
  { _tag: "AttachmentAdded", at, attachment: attachment("a2", null) },
  { _tag: "AttachmentRemoved", at, attachmentId: "a2" },
  { _tag: "ReadStateSet", at, readState: { firstUnread: { type: "turn", turnId: "u1" }, revision: "r1" } },
  { _tag: "ReadStateSet", at, readState: { firstUnread: null, revision: "r2" } },
  { _tag: "GoalSet", at, goal },
  { _tag: "QueueAdded", at, submission: submission("q1") },
  { _tag: "QueueAdded", at, submission: submission("q2") },
  { _tag: "QueueUpdated", at, submission: { ...submission("q2"), responsesapiClientMetadata: { key: "value" } } },
  { _tag: "QueueReordered", at, submissionIds: ["q2", "q1"] },
  { _tag: "QueueRemoved", at, submissionId: "q1" },
  { _tag: "SubmissionAccepted", at, key: "key", turnId: "u2" },
  { _tag: "InputAccepted", at, turnId: "u2", key: null, item: userMessage("i9", "accepted"), entry: null },
  { _tag: "TurnStarted", at, turnId: "u2", rootTurnId: "u1" },
  {
    _tag: "TurnClaimed",
    at,
    turnId: "u2",
    attempt: 1,
    originator: "client",
    userAgent: "client/1",
    outputSchema: { type: "object" },
    metadata: { key: "value" }
  },
  { _tag: "RequestOpened", at, requestId: 7, turnId: "u2", method: "item/tool/call", params: { a: [1, null] } },
  { _tag: "RequestClosed", at, requestId: 7 },
  { _tag: "SequenceMarked", at, epoch: "k3x9.1", seq: 41 },
  { _tag: "Compacted", at, turnId: "u2", replacement: [entry(at, "summary").item] },
  { _tag: "RolledBack", at, turns: 1 },
  { _tag: "Foreign", at, type: "world_state", payload: { full: true } }
]
