/**
 * Converts the conversation to a prompt of `effect/ai`.
 *
 * Owns which entries such a model gets. A provider's metadata of its parts (signatures, ids) is kept in the entries'
 * `encrypted_content`, whose purpose this is, and is sent back to it.
 *
 * @module
 */
import * as Prompt from "effect/ai/Prompt"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isTooDeep, isTooDeepValue } from "../../../protocol/jsonrpc/JsonText.ts"
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import { textOf } from "../ContentText.ts"
import { flatName } from "./Tools.ts"

type Of<Type extends ResponseItem["type"]> = Extract<ResponseItem, { readonly type: Type }>
type Content = Of<"message">["content"][number]
type Output = Of<"function_call_output">["output"]

/** Provider metadata of a part: one JSON object per provider. */
export type Metadata = typeof Prompt.ProviderOptions.Type

const Attached = Schema.fromJsonString(Schema.Struct({ effectAi: Prompt.ProviderOptions }))
const decodeAttached = Schema.decodeUnknownOption(Attached)

/** The metadata of a part as `encrypted_content`; absent when there is none that JSON can represent. */
export const attach = (metadata: Metadata): { readonly encrypted_content: string } | undefined =>
  Object.keys(metadata).length === 0 || isTooDeepValue(metadata)
    ? undefined
    : { encrypted_content: JSON.stringify({ effectAi: metadata }) }

const attached = (item: { readonly encrypted_content?: string | null }): Metadata | undefined => {
  const text = item.encrypted_content
  // Another model provider of the same thread may have written it.
  if (typeof text !== "string" || isTooDeep(text)) return undefined
  return Option.getOrUndefined(Option.map(decodeAttached(text), ({ effectAi }) => effectAi))
}

const optionsOf = (item: { readonly encrypted_content?: string | null }) => {
  const options = attached(item)
  return options === undefined ? {} : { options }
}

const dataUrl = /^data:([^;,]+);base64,(.*)$/s

const image = (url: string): Prompt.FilePart => {
  const [, mediaType, data] = dataUrl.exec(url) ?? []
  if (mediaType !== undefined && data !== undefined) return Prompt.filePart({ mediaType, data })
  return Prompt.filePart({ mediaType: "image/*", data: URL.canParse(url) ? new URL(url) : url })
}

const userPart = (part: Content): ReadonlyArray<Prompt.UserMessagePart> => {
  switch (part.type) {
    case "input_text":
    case "output_text":
      return [Prompt.textPart({ text: part.text })]
    case "input_image":
      return "image_url" in part ? [image(part.image_url)] : []
    default:
      return []
  }
}

/** Arguments that are not JSON or nested too deeply are sent back as raw text. */
const parseArguments = (text: string): unknown => {
  if (isTooDeep(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

type Draft =
  | { readonly role: "assistant"; readonly content: Array<Prompt.AssistantMessagePart> }
  | { readonly role: "tool"; readonly content: Array<Prompt.ToolMessagePart> }
  | { readonly role: "whole"; readonly message: Prompt.Message }

const finished = (draft: Draft): Prompt.Message => {
  switch (draft.role) {
    case "assistant":
      return Prompt.assistantMessage({ content: draft.content })
    case "tool":
      return Prompt.toolMessage({ content: draft.content })
    case "whole":
      return draft.message
  }
}

/**
 * Collects messages. Consecutive parts of the model form one message, and so do consecutive tool outputs. Tool results are text
 * for such a model: their images follow in a separate message after the group of results.
 */
class Messages {
  readonly #drafts: Array<Draft> = []
  #images: Array<Prompt.UserMessagePart> = []

  /** Whether only instructions were added so far. */
  get isBeginning(): boolean {
    return this.#drafts.every((draft) => draft.role === "whole" && draft.message.role === "system")
  }

  push(message: Prompt.Message): void {
    this.#flush()
    this.#drafts.push({ role: "whole", message })
  }

  assistant(part: Prompt.AssistantMessagePart): void {
    this.#flush()
    const last = this.#drafts.at(-1)
    if (last?.role === "assistant") last.content.push(part)
    else this.#drafts.push({ role: "assistant", content: [part] })
  }

  tool(part: Prompt.ToolMessagePart): void {
    const last = this.#drafts.at(-1)
    if (last?.role === "tool") last.content.push(part)
    else this.#drafts.push({ role: "tool", content: [part] })
  }

  /** Adds the images of a tool's output. */
  images(name: string, parts: ReadonlyArray<Prompt.FilePart>): void {
    if (parts.length === 0) return
    this.#images.push(Prompt.textPart({ text: `Images in the output of ${name}:` }), ...parts)
  }

  #flush(): void {
    if (this.#images.length === 0) return
    const content = this.#images
    this.#images = []
    this.#drafts.push({ role: "whole", message: Prompt.userMessage({ content }) })
  }

  toPrompt(): Prompt.Prompt {
    this.#flush()
    return Prompt.fromMessages(this.#drafts.map(finished))
  }
}

const addMessage = (messages: Messages, item: Of<"message">): void => {
  switch (item.role) {
    case "assistant": {
      const text = textOf(item.content)
      if (text !== "") messages.assistant(Prompt.textPart({ text, ...optionsOf(item) }))
      return
    }
    case "user": {
      const content = item.content.flatMap(userPart)
      if (content.length > 0) messages.push(Prompt.userMessage({ content }))
      return
    }
    default: {
      // Many models accept instructions only at the beginning.
      const text = textOf(item.content)
      if (messages.isBeginning) messages.push(Prompt.systemMessage({ content: text }))
      else messages.push(Prompt.userMessage({ content: [Prompt.textPart({ text })] }))
    }
  }
}

/**
 * The prompt for a conversation. Reasoning is sent only to the provider that signed it. Entries of the Responses API without
 * an equivalent (searches, compactions) are omitted.
 */
export const promptOf = (input: ReadonlyArray<ResponseItem>): Prompt.Prompt => {
  const messages = new Messages()
  const names = new Map<string, string>()

  const call = (id: string, name: string, params: unknown, item: { readonly encrypted_content?: string | null }) => {
    names.set(id, name)
    messages.assistant(Prompt.toolCallPart({ id, name, params, providerExecuted: false, ...optionsOf(item) }))
  }
  const output = (id: string | null | undefined, result: Output) => {
    const name = names.get(id ?? "")
    if (typeof id !== "string" || name === undefined) return
    messages.tool(
      Prompt.toolResultPart({ id, name, isFailure: false, result: textOf(result), providerExecuted: false })
    )
    if (typeof result === "string") return
    messages.images(
      name,
      result.flatMap((part) => (part.type === "input_image" && "image_url" in part ? [image(part.image_url)] : []))
    )
  }

  for (const item of input) {
    switch (item.type) {
      case "message":
        addMessage(messages, item)
        break
      case "reasoning": {
        const options = attached(item)
        const text = item.summary.map((part) => part.text).join("\n\n")
        if (options !== undefined) messages.assistant(Prompt.reasoningPart({ text, options }))
        break
      }
      case "function_call":
        call(item.call_id, flatName(item.name, item.namespace), parseArguments(item.arguments), item)
        break
      case "custom_tool_call":
        call(item.call_id, item.name, { input: item.input }, item)
        break
      case "function_call_output":
      case "custom_tool_call_output":
        output(item.call_id, item.output)
        break
    }
  }
  return messages.toPrompt()
}
