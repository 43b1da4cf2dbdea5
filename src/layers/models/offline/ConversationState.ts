/**
 * The offline model's view of a conversation: its calls and the number of words.
 *
 * @module
 */
import type { FunctionCallOutputBody } from "../../../protocol/v2/item/Content.ts"
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import { textOf } from "../ContentText.ts"

/** A call of the model and its output; `null` without one. */
export interface AnsweredCall {
  readonly name: string
  readonly input: string
  readonly output: string | null
}

/** Whether the item is a message of the user, and not the server's record of a user's command. */
const isPrompt = (item: ResponseItem): boolean =>
  item.type === "message" && item.role === "user" && !textOf(item.content).startsWith("<user_shell_command>")

/** The text of an output, with the number of other parts. */
const outputText = (output: FunctionCallOutputBody): string => {
  const images = typeof output === "string" ? 0 : output.filter((part) => part.type === "input_image").length
  const text = textOf(output)
  if (images === 0) return text
  const count = images === 1 ? "(1 image)" : `(${images} images)`
  return text.trim() === "" ? count : `${text}\n${count}`
}

/** The calls since the last message of the user, which started the turn. */
export const callsSincePrompt = (input: ReadonlyArray<ResponseItem>): ReadonlyArray<AnsweredCall> => {
  const since = input.slice(input.findLastIndex(isPrompt) + 1)
  const outputs = new Map<string, string>()
  for (const item of since) {
    if (item.type !== "function_call_output" && item.type !== "custom_tool_call_output") continue
    if (typeof item.call_id === "string") outputs.set(item.call_id, outputText(item.output))
  }
  return since.flatMap((item) => {
    if (item.type !== "function_call" && item.type !== "custom_tool_call") return []
    const input = item.type === "function_call" ? item.arguments : item.input
    const name = item.type === "function_call" && item.namespace != null ? `${item.namespace}.${item.name}` : item.name
    return [{ name, input, output: outputs.get(item.call_id) ?? null }]
  })
}

/** Number of words in a text. The offline model counts words as tokens. */
export const countWords = (text: string): number => text.match(/\S+/g)?.length ?? 0

/** Number of words in the model's input. */
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
