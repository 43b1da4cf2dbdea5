/**
 * Where a conversation stands, as the offline model sees it.
 *
 * @module
 */
import type { ResponseItem } from "../../../protocol/ResponseItem.ts"
import { textOf } from "../ContentText.ts"

/** A call the model made since the user last spoke, and what came back: `null` while nothing has. */
export interface Answered {
  readonly name: string
  readonly input: string
  readonly output: string | null
}

/** What there is to answer to. */
export interface Standing {
  /** The user's last words; empty where there are none. */
  readonly said: string
  readonly calls: ReadonlyArray<Answered>
}

/** What a server tells the model in the user's name: context in tags of several words, and project instructions. */
const context = /^(?:<[a-z]+(?:_[a-z]+)+>|# AGENTS\.md instructions)/

const userText = (item: ResponseItem): string | undefined => {
  if (item.type !== "message" || item.role !== "user") return undefined
  const text = textOf(item.content)
  return context.test(text) ? undefined : text
}

/** Reads the standing off the end of a conversation. */
export const standingOf = (input: ReadonlyArray<ResponseItem>): Standing => {
  const last = input.findLastIndex((item) => userText(item) !== undefined)
  const item = input[last]
  const since = input.slice(last + 1)
  const outputs = new Map<string, string>()
  for (const item of since) {
    if (item.type !== "function_call_output" && item.type !== "custom_tool_call_output") continue
    if (typeof item.call_id === "string") outputs.set(item.call_id, textOf(item.output))
  }
  return {
    said: item === undefined ? "" : (userText(item) ?? ""),
    calls: since.flatMap((item) => {
      if (item.type !== "function_call" && item.type !== "custom_tool_call") return []
      const input = item.type === "function_call" ? item.arguments : item.input
      return [{ name: item.name, input, output: outputs.get(item.call_id) ?? null }]
    })
  }
}

/** Words of a conversation, which is what the offline model counts for tokens. */
export const countWords = (text: string): number => text.match(/\S+/g)?.length ?? 0

/** Words that the model was given. */
export const inputWords = (input: ReadonlyArray<ResponseItem>): number => {
  let words = 0
  for (const item of input) {
    switch (item.type) {
      case "message":
        words += countWords(textOf(item.content))
        break
      case "function_call":
        words += countWords(item.arguments)
        break
      case "function_call_output":
      case "custom_tool_call_output":
        words += countWords(textOf(item.output))
        break
    }
  }
  return words
}
