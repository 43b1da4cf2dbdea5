/**
 * The result of an MCP call, for clients and for the model.
 *
 * Clients get the result as the server sent it, up to 1 MiB. The model gets its structured content if there is any, else its
 * parts: text and images as they are, everything else as JSON. The text for the model is limited to `MaxModelText`.
 *
 * @module
 */
import type { McpToolCallResult } from "../../../protocol/v2/item/WorkItem.ts"
import { get, getText, isTable, type Table, type Value } from "../../../services/config/Table.ts"
import { McpError } from "../../../services/mcp/McpError.ts"
import type { ToolContent, ToolOutput } from "../../../services/tool/Tool.ts"
import * as Effect from "effect/Effect"

/** Maximum size of a result in an item, as JSON text in UTF-16 units. */
const MaxItem = 1024 * 1024

/** Maximum text of a result for the model, in UTF-16 units: about 3 000 tokens. */
export const MaxModelText = 12_000

/** UTF-16 units of a token, roughly. */
const TokenLength = 4

/** A result in the form of MCP. */
export interface CallResult {
  readonly content: ReadonlyArray<Value>
  readonly structuredContent: Value
  readonly meta: Value
  readonly isError: boolean
}

/** Fails for a result without any of the members that MCP defines. */
export const decode = (result: Table): Effect.Effect<CallResult, McpError> => {
  const content = get(result, "content")
  const structuredContent = get(result, "structuredContent") ?? null
  const known = ["content", "structuredContent", "isError", "_meta"].some((key) => Object.hasOwn(result, key))
  if (!known || (content !== undefined && !Array.isArray(content))) {
    return Effect.fail(new McpError({ reason: "invalid", detail: "Unexpected response type" }))
  }
  return Effect.succeed({
    content: Array.isArray(content) ? content : [],
    structuredContent,
    meta: get(result, "_meta") ?? null,
    isError: get(result, "isError") === true
  })
}

const typeOf = (part: Value): string | undefined => (isTable(part) ? getText(part, "type") : undefined)

const noAudio: Value = { type: "text", text: "<audio content omitted because you do not support audio input>" }

/** The head and the tail of a text with a note between them. */
const shortened = (text: string, room: number, note: (omitted: number) => string): string => {
  if (text.length <= room) return text
  const half = Math.max(0, Math.floor(room / 2))
  return `${text.slice(0, half)}${note(text.length - 2 * half)}${text.slice(text.length - half)}`
}

const charsOmitted = (omitted: number): string => `…${omitted} chars truncated…`

const tokensOmitted = (omitted: number): string => `…${Math.ceil(omitted / TokenLength)} tokens truncated…`

/** The result for an item. A result beyond the limit becomes a text with its beginning and end. */
export const toItem = ({ content, meta, structuredContent }: CallResult): McpToolCallResult => {
  const shown = content.map((part) => (typeOf(part) === "audio" ? noAudio : part))
  const result = { content: shown, structuredContent, _meta: meta }
  if (JSON.stringify(result).length <= MaxItem) return result
  const texts = shown.map((part) => (isTable(part) ? getText(part, "text") : undefined))
  const text = texts.every((one) => one !== undefined) ? texts.join("\n") : JSON.stringify(shown)
  return {
    content: [{ type: "text", text: `Truncated tool output:\n${shortened(text, MaxItem - 1024, charsOmitted)}` }],
    structuredContent: null,
    _meta: null
  }
}

const partOf = (part: Value): ToolContent => {
  if (!isTable(part)) return { type: "text", text: JSON.stringify(part) }
  const data = getText(part, "data")
  const text = getText(part, "text")
  switch (typeOf(part)) {
    case "text":
      return { type: "text", text: text ?? "" }
    case "image":
      if (data === undefined) return { type: "text", text: JSON.stringify(part) }
      return {
        type: "image",
        url: data.startsWith("data:")
          ? data
          : `data:${getText(part, "mimeType") ?? "application/octet-stream"};base64,${data}`,
        detail: "high"
      }
    case "audio":
      return { type: "text", text: "<audio content omitted because you do not support audio input>" }
    default:
      return { type: "text", text: JSON.stringify(part) }
  }
}

/** Shortens the texts until they fit together; the first ones get the room. */
const fitting = (parts: ReadonlyArray<ToolContent>): ReadonlyArray<ToolContent> => {
  let room = MaxModelText
  let omitted = 0
  const kept = parts.flatMap((part): Array<ToolContent> => {
    if (part.type !== "text") return [part]
    if (room <= 0) {
      omitted++
      return []
    }
    const text = shortened(part.text, room, tokensOmitted)
    room -= part.text.length
    return [{ type: "text", text }]
  })
  return omitted === 0 ? kept : [...kept, { type: "text", text: `[omitted ${omitted} text items ...]` }]
}

/** The wall time of a call as the release writes it. */
export const header = (milliseconds: number): string =>
  `Wall time: ${(milliseconds / 1000).toFixed(4)} seconds\nOutput:`

/** The result for the model. `milliseconds` is the time from the call to its end. */
export const toModel = (result: CallResult, milliseconds: number): ToolOutput => {
  const success = !result.isError
  const { content, structuredContent } = result
  if (structuredContent !== null) {
    const text = shortened(JSON.stringify(structuredContent), MaxModelText, tokensOmitted)
    return { content: [{ type: "text", text: `${header(milliseconds)}\n${text}` }], success }
  }
  return { content: [{ type: "text", text: header(milliseconds) }, ...fitting(content.map(partOf))], success }
}

/** A failed call for the model. */
export const problemToModel = (problem: string, milliseconds: number): ToolOutput => ({
  content: [
    { type: "text", text: header(milliseconds) },
    { type: "text", text: problem }
  ],
  success: false
})
