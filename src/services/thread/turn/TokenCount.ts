/**
 * The token usage of a thread and of its goal, published after each answer of the model.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { TokenUsageBreakdown } from "../../../protocol/v2/thread/Thread.ts"
import type { ModelError, ModelUsage } from "../../model/ModelProvider.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { StoredGoal } from "../ThreadEvent.ts"
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

const write = (context: ThreadContext, turnId: string, total: TokenUsageBreakdown, last: TokenUsageBreakdown) => {
  const modelContextWindow = context.contextWindow
  return context.commit([
    { _tag: "TokensCounted", at: context.now(), turnId, usage: { total, last, modelContextWindow } }
  ])
}

/** What an answer meant for the goal of the thread. */
export interface GoalCount {
  /** The goal whose budget this answer has used up. */
  readonly exhausted: StoredGoal | undefined
  /** Publishes the goal, unless it has changed meanwhile. */
  readonly publish: Effect.Effect<void>
}

const uncounted: GoalCount = { exhausted: undefined, publish: Effect.void }

/** Adds the usage of an answer to the goal. Tools that read the goal wait for it. */
export const countGoal = Effect.fnUntraced(function* (
  context: ThreadContext,
  turn: ActiveTurn,
  used: ModelUsage | null
): Effect.fn.Return<GoalCount> {
  if (used === null) return uncounted
  const before = context.state.goal?.status
  const goal = goalAfterAnswer(context, turn, used)
  if (goal === undefined) return uncounted
  const { event, notification } = recorded(context.id, turn.id, goal, context.now())
  yield* context.commit([event])
  return {
    exhausted: before === "active" && goal.status === "budgetLimited" ? goal : undefined,
    publish: Effect.suspend(() =>
      context.state.goal === goal ? Effect.asVoid(context.commit([], [notification])) : Effect.void
    )
  }
})

/**
 * Adds the usage of an answer and publishes the thread's total. An answer without usage publishes the last total, if there
 * is one.
 */
export const countTokens = Effect.fnUntraced(function* (
  context: ThreadContext,
  turnId: string,
  used: ModelUsage | null
) {
  if (used !== null) {
    yield* write(context, turnId, add(context.state.usage?.tokens.total ?? none, used), add(none, used))
    context.services.agents.counted(context, used.totalTokens)
  }
  const tokenUsage = context.state.usage?.tokens
  if (tokenUsage === undefined) return
  yield* context.notify("thread/tokenUsage/updated", { threadId: context.id, turnId, tokenUsage })
})

const tokenLimit = (context: ThreadContext): number => {
  const configured = context.config.settings["model_auto_compact_token_limit"]
  const { contextWindow } = context
  // The catalogue's windows are those of the server without a reserve of 5 %.
  return typeof configured === "number"
    ? Math.min(configured, contextWindow)
    : Math.floor(((contextWindow / 0.95) * 9) / 10)
}

/** Whether the conversation has reached the number of tokens at which it is compacted. */
export const isOverLimit = (context: ThreadContext): boolean => {
  const used = context.state.usage?.tokens.last.totalTokens ?? 0
  return used > 0 && used >= tokenLimit(context)
}

/** Publishes how many tokens the conversation has now, as an estimate that replaces the last count. The total stays. */
export const setContextTokens = Effect.fnUntraced(function* (context: ThreadContext, turnId: string, tokens: number) {
  yield* write(context, turnId, context.state.usage?.tokens.total ?? none, { ...none, totalTokens: tokens })
  yield* countTokens(context, turnId, null)
})

/** Publishes the usage after a model failure. An exceeded context window counts as fully used. */
export const countFailure = Effect.fnUntraced(function* (context: ThreadContext, turnId: string, error: ModelError) {
  const window = context.contextWindow
  if (error.info === "contextWindowExceeded" && window !== null) {
    const full = { ...none, totalTokens: window }
    yield* write(context, turnId, full, full)
  }
  yield* countTokens(context, turnId, null)
})
