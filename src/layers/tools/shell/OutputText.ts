/**
 * The text of a command for the model: a few lines of facts, then the output, truncated in the middle to a budget.
 *
 * The text is that of the released server, on which models are trained. A token counts as four bytes.
 *
 * @module
 */
import { gap, type OutputBuffer } from "./OutputBuffer.ts"

/** Default and maximum output of a call, in tokens. */
export const DefaultOutputTokens = 10_000

const BytesPerToken = 4

/** One call's view of a command. */
export interface Observation {
  /** Six hexadecimal digits. */
  readonly chunkId: string
  readonly wallSeconds: number
  readonly state: { readonly exitCode: number } | { readonly sessionId: number }
  readonly output: OutputBuffer
  readonly maxTokens: number
}

export const render = (seen: Observation): string => {
  const state =
    "exitCode" in seen.state
      ? `Process exited with code ${seen.state.exitCode}`
      : `Process running with session ID ${seen.state.sessionId}`
  return [
    `Chunk ID: ${seen.chunkId}`,
    `Wall time: ${seen.wallSeconds.toFixed(4)} seconds`,
    state,
    `Original token count: ${tokens(seen.output.total)}`,
    "Output:",
    outputWithin(seen.output, Math.min(seen.maxTokens, DefaultOutputTokens))
  ].join("\n")
}

const tokens = (bytes: number): number => Math.ceil(bytes / BytesPerToken)

/** The output, truncated in the middle to the budget, with a note about the omitted part. */
export const outputWithin = (output: OutputBuffer, maxTokens: number): string => {
  const text = output.text()
  const bytes = encoder.encode(text)
  if (bytes.length <= maxTokens * BytesPerToken) return text
  const notice = output.omitted > 0 ? gap(output.omitted) : `Total output lines: ${lines(text)}`
  return `Warning: truncated output (original token count: ${tokens(output.total)})\n${notice}\n\n${cut(bytes, maxTokens)}`
}

/** Half of the budget from each end, at character boundaries, with the size of the omitted part. */
const cut = (bytes: Uint8Array, maxTokens: number): string => {
  const half = (maxTokens * BytesPerToken) / 2
  let headEnd = half
  while (headEnd > 0 && isContinuation(bytes[headEnd])) headEnd--
  let tailStart = bytes.length - half
  while (tailStart < bytes.length && isContinuation(bytes[tailStart])) tailStart++
  const missing = tokens(bytes.length) - maxTokens
  return `${decoder.decode(bytes.subarray(0, headEnd))}…${missing} tokens truncated…${decoder.decode(bytes.subarray(tailStart))}`
}

/** The second to fourth byte of a UTF-8 sequence. */
const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80

/** A trailing newline does not start another line. */
const lines = (text: string): number => {
  let count = text.endsWith("\n") || text === "" ? 0 : 1
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count++
  return count
}

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
