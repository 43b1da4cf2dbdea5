/**
 * Threads as they are kept: their events, with everything that a test does not speak of filled in.
 *
 * @module
 */
import type { AgentMessageItem, ReasoningItem, UserMessageItem } from "../../src/protocol/Item.ts"
import type { ThreadSettings } from "../../src/protocol/Settings.ts"
import type { ThreadTokenUsage } from "../../src/protocol/Thread.ts"
import {
  apply,
  create,
  type ThreadEvent,
  type ThreadOrigin,
  type ThreadRecord
} from "../../src/services/thread/ThreadRecord.ts"

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

export const created = (id: string, origin: Partial<ThreadOrigin> = {}): Extract<ThreadEvent, { _tag: "Created" }> => {
  const all = originOf(id, origin)
  return { _tag: "Created", at: all.createdAt * 1000, origin: all, settings }
}

export const userMessage = (id: string, text: string): UserMessageItem => ({
  type: "userMessage",
  id,
  clientId: null,
  content: [{ type: "text", text, text_elements: [] }]
})

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

export const reasoning = (id: string): ReasoningItem => ({ type: "reasoning", id, summary: [], content: [] })

const tokens = (count: number) => ({
  totalTokens: count,
  inputTokens: count,
  cachedInputTokens: 0,
  cacheWriteInputTokens: 0,
  outputTokens: 0,
  reasoningOutputTokens: 0
})

export const usage = (count: number): ThreadTokenUsage => ({
  total: tokens(count),
  last: tokens(count),
  modelContextWindow: null
})

/** A turn from its start to its end: what was said, what was answered. `at` is Unix milliseconds. */
export const turnEvents = (turnId: string, at: number, said: string, answered: string): ReadonlyArray<ThreadEvent> => [
  { _tag: "TurnStarted", at, turnId, rootTurnId: turnId },
  { _tag: "ItemCompleted", at, turnId, item: userMessage(`${turnId}-said`, said) },
  { _tag: "Said", at, item: { type: "message", role: "user", content: [{ type: "input_text", text: said }] } },
  { _tag: "ItemCompleted", at, turnId, item: agentMessage(`${turnId}-answered`, answered) },
  { _tag: "TokensUsed", at, turnId, usage: usage(at) },
  { _tag: "TurnEnded", at: at + 1500, turnId, status: "completed", error: null }
]

/** The record that the events make. */
export const fold = (
  first: Extract<ThreadEvent, { _tag: "Created" }>,
  events: ReadonlyArray<ThreadEvent>
): ThreadRecord => {
  const record = create(first)
  for (const event of events) apply(record, event)
  return record
}
