/**
 * The conversation after a compaction: the user's own messages, the context, and the model's summary of the rest.
 *
 * ```
 *  earlier messages of the user ─► context ─► the user's last message ─► summary
 * ```
 *
 * Owns which messages stay, within `MaxKept`, and the texts around the summary.
 *
 * @module
 */
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import { isContext } from "../ContextParts.ts"

/** Bytes of one token, as far as it is not counted by the model server. */
const BytesPerToken = 4

/** Maximum number of tokens of the user's messages that stay as they are. The oldest are cut first. */
export const MaxKept = 20_000

/** What asks the model for the summary, unless the configuration has another text. */
export const summaryRequest = `Write a summary of this conversation. It replaces the conversation: a model that has read nothing else continues the work from it.

State, in this order and only as far as it applies:
- what the user asked for, with every constraint and preference that still holds
- what was done, with the names of files, functions and commands, and what was decided and why
- what was found out that is expensive to find again: causes, error texts, results of tests
- what is not done yet, as concrete next steps, the very next one first

Do not call a tool. Do not address the user. Be exact and brief; leave out what is obvious from the code.`

/** What precedes the summary in the conversation. */
const summaryTitle =
  "The conversation before this message was replaced by the following summary, which a model wrote. Its work is done and still in effect: continue from it, and do not repeat it."

/** The beginning of a summary that the release wrote. */
const releasedTitle = "Another language model started to solve this problem and produced a summary"

/** Texts in the name of the user that the user has not written. */
const notes = [
  "<turn_aborted>",
  "<user_shell_command>",
  "<user_action>",
  "<server_restarted>",
  "<subagent_notification>",
  "<skill>",
  summaryTitle,
  releasedTitle
]

type Message = Extract<ResponseItem, { readonly type: "message" }>

const textOf = ({ content }: Message): string =>
  content.flatMap((part) => (part.type === "input_text" ? [part.text] : [])).join("\n")

/** Whether the user has written this entry. */
const isOwn = (item: ResponseItem): item is Message =>
  item.type === "message" &&
  item.role === "user" &&
  !isContext(item) &&
  !notes.some((note) => textOf(item).startsWith(note))

const message = (text: string): Message => ({ type: "message", role: "user", content: [{ type: "input_text", text }] })

const encoder = new TextEncoder()

/** An estimate, for texts that no model server has counted. */
export const tokensIn = (text: string): number => Math.ceil(encoder.encode(text).length / BytesPerToken)

/** The number of tokens of entries, estimated. */
export const estimate = (items: ReadonlyArray<ResponseItem>): number =>
  items.reduce((sum, item) => sum + tokensIn(item.type === "message" ? textOf(item) : JSON.stringify(item)), 0)

/** The beginning and the end of a text, within a number of tokens. */
const cutTo = (text: string, tokens: number): string => {
  const half = Math.floor((tokens * BytesPerToken) / 2)
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).replaceAll("\uFFFD", "")
  const bytes = encoder.encode(text)
  const left = Math.ceil((bytes.length - 2 * half) / BytesPerToken)
  return `${decode(bytes.slice(0, half))}…${left} tokens truncated…${decode(bytes.slice(bytes.length - half))}`
}

/** The user's messages, the last ones first to be kept. */
const kept = (conversation: ReadonlyArray<ResponseItem>): ReadonlyArray<Message> => {
  const messages: Array<Message> = []
  let left = MaxKept
  for (const item of conversation.toReversed()) {
    if (left === 0) break
    if (!isOwn(item)) continue
    const text = textOf(item)
    if (text === "") continue
    const tokens = tokensIn(text)
    messages.unshift(message(tokens <= left ? text : cutTo(text, left)))
    left = Math.max(0, left - tokens)
  }
  return messages
}

/** The conversation that replaces `conversation`. `context` is what the model is told about its surroundings. */
export const compacted = (
  conversation: ReadonlyArray<ResponseItem>,
  context: ReadonlyArray<ResponseItem>,
  summary: string
): ReadonlyArray<ResponseItem> => {
  const messages = kept(conversation)
  const text = summary.trim() === "" ? "(no summary available)" : summary
  return [...messages.slice(0, -1), ...context, ...messages.slice(-1), message(`${summaryTitle}\n${text}`)]
}

type Call = Extract<ResponseItem, { readonly call_id: string }>

const callOf = (item: ResponseItem): string | undefined =>
  "call_id" in item && typeof (item as Call).call_id === "string" ? (item as Call).call_id : undefined

/** The conversation without its first entry. A call goes together with its output. */
export const withoutFirst = (conversation: ReadonlyArray<ResponseItem>): ReadonlyArray<ResponseItem> => {
  const [first, ...rest] = conversation
  const call = first === undefined ? undefined : callOf(first)
  return call === undefined ? rest : rest.filter((item) => callOf(item) !== call)
}
