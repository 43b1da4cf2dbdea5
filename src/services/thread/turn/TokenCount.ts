/**
 * The token usage of a thread, published after each answer of the model.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { TokenUsageBreakdown } from "../../../protocol/v2/thread/Thread.ts"
import type { ModelError, ModelUsage } from "../../model/ModelProvider.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { StoredGoal, ThreadEvent } from "../ThreadEvent.ts"
import { recorded } from "../ThreadGoal.ts"
import type { ActiveTurn } from "./ActiveTurn.ts"
import { goalAfterAnswer } from "./GoalAccount.ts"

const none: TokenUsageBreakdown = {
  totalTokens: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteInputTokens: 0,
  outputTokens: 0,
  reasoningOutputTokens: 0
}

const add = (a: TokenUsageBreakdown, b: ModelUsage): TokenUsageBreakdown => ({
  totalTokens: a.totalTokens + b.totalTokens,
  inputTokens: a.inputTokens + b.inputTokens,
  cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
  cacheWriteInputTokens: a.cacheWriteInputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  reasoningOutputTokens: a.reasoningOutputTokens + b.reasoningOutputTokens
})

const counted = (
  context: ThreadContext,
  turnId: string,
  total: TokenUsageBreakdown,
  last: TokenUsageBreakdown
): ThreadEvent => {
  const modelContextWindow = context.contextWindow
  return { _tag: "TokensCounted", at: context.now(), turnId, usage: { total, last, modelContextWindow } }
}

const published = Effect.fnUntraced(function* (context: ThreadContext, turnId: string) {
  const tokenUsage = context.state.usage?.tokens
  if (tokenUsage === undefined) return
  yield* context.notify("thread/tokenUsage/updated", { threadId: context.id, turnId, tokenUsage })
})

/**
 * Adds the usage of an answer to the thread and to its goal, and publishes both. An answer without usage publishes the last
 * total, if there is one. Returns the goal whose budget this answer has used up.
 */
export const countTokens = Effect.fnUntraced(function* (
  context: ThreadContext,
  turn: ActiveTurn,
  used: ModelUsage | null
): Effect.fn.Return<StoredGoal | undefined> {
  if (used === null) {
    yield* published(context, turn.id)
    return undefined
  }
  const total = add(context.state.usage?.tokens.total ?? none, used)
  const before = context.state.goal?.status
  const goal = goalAfterAnswer(context, turn, used)
  const ofGoal = goal === undefined ? undefined : recorded(context.id, turn.id, goal, context.now())
  const events = ofGoal === undefined ? [] : [ofGoal.event]
  yield* context.commit([counted(context, turn.id, total, add(none, used)), ...events])
  yield* published(context, turn.id)
  if (ofGoal !== undefined) yield* context.commit([], [ofGoal.notification])
  return before === "active" && goal?.status === "budgetLimited" ? goal : undefined
})

/** Publishes the usage after a model failure. An exceeded context window counts as fully used. */
export const countFailure = Effect.fnUntraced(function* (context: ThreadContext, turnId: string, error: ModelError) {
  const window = context.contextWindow
  if (error.info === "contextWindowExceeded" && window !== null) {
    const full = { ...none, totalTokens: window }
    yield* context.commit([counted(context, turnId, full, full)])
  }
  yield* published(context, turnId)
})
