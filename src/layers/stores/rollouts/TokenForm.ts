/**
 * Token counts in the release's form, in both directions.
 *
 * @module
 */
import type { ThreadTokenUsage } from "../../../protocol/v2/thread/Thread.ts"
import { isRecord } from "./Line.ts"

type Fields = Readonly<Record<string, unknown>>
type Breakdown = ThreadTokenUsage["total"]

const count = (value: unknown): number => (Number.isSafeInteger(value) ? Number(value) : 0)

const breakdownOf = (fields: Fields): Breakdown => ({
  totalTokens: count(fields["total_tokens"]),
  inputTokens: count(fields["input_tokens"]),
  cachedInputTokens: count(fields["cached_input_tokens"]),
  cacheWriteInputTokens: count(fields["cache_write_input_tokens"]),
  outputTokens: count(fields["output_tokens"]),
  reasoningOutputTokens: count(fields["reasoning_output_tokens"])
})

const formOf = (tokens: Breakdown): Fields => ({
  input_tokens: tokens.inputTokens,
  cached_input_tokens: tokens.cachedInputTokens,
  cache_write_input_tokens: tokens.cacheWriteInputTokens,
  output_tokens: tokens.outputTokens,
  reasoning_output_tokens: tokens.reasoningOutputTokens,
  total_tokens: tokens.totalTokens
})

/** `info` of a token count; undefined when there is none. */
export const fromRelease = (info: unknown): ThreadTokenUsage | undefined => {
  if (!isRecord(info)) return undefined
  const { last_token_usage: last, model_context_window: window, total_token_usage: total } = info
  if (!isRecord(total) || !isRecord(last)) return undefined
  return {
    total: breakdownOf(total),
    last: breakdownOf(last),
    modelContextWindow: Number.isSafeInteger(window) ? Number(window) : null
  }
}

export const toRelease = ({ last, modelContextWindow, total }: ThreadTokenUsage): Fields => ({
  total_token_usage: formOf(total),
  last_token_usage: formOf(last),
  model_context_window: modelContextWindow
})

/** Whether the form of these counts reads as the same counts. */
export const isExact = ({ last, modelContextWindow, total }: ThreadTokenUsage): boolean =>
  [total, last].every((counts) => Object.values(counts).every((value) => Number.isSafeInteger(value))) &&
  (modelContextWindow === null || Number.isSafeInteger(modelContextWindow))
