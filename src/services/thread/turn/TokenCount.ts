/**
 * What a thread has used, told after each answer of the model.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { TokenUsageBreakdown } from "../../../protocol/v2/thread/Thread.ts"
import type { ModelError, ModelUsage } from "../../model/ModelProvider.ts"
import type { ThreadContext } from "../ThreadContext.ts"

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

const write = (host: ThreadContext, turnId: string, total: TokenUsageBreakdown, last: TokenUsageBreakdown) => {
  const modelContextWindow = host.services.contextWindow(host.state.settings.model)
  return host.commit([{ _tag: "TokensCounted", at: host.now(), turnId, usage: { total, last, modelContextWindow } }])
}

/**
 * Counts an answer and tells the thread's total. An answer without a count, or one that broke off, tells what is known: as
 * long as anything was ever counted.
 */
export const countTokens = Effect.fnUntraced(function* (host: ThreadContext, turnId: string, used: ModelUsage | null) {
  if (used !== null) yield* write(host, turnId, add(host.state.usage?.tokens.total ?? none, used), add(none, used))
  const tokenUsage = host.state.usage?.tokens
  if (tokenUsage === undefined) return
  yield* host.notify("thread/tokenUsage/updated", { threadId: host.id, turnId, tokenUsage })
})

/** The same for a model that failed. One that ran out of room has used all of it, whatever was counted before. */
export const countFailure = Effect.fnUntraced(function* (host: ThreadContext, turnId: string, error: ModelError) {
  const window = host.services.contextWindow(host.state.settings.model)
  if (error.info === "contextWindowExceeded" && window !== null) {
    const full = { ...none, totalTokens: window }
    yield* write(host, turnId, full, full)
  }
  yield* countTokens(host, turnId, null)
})
