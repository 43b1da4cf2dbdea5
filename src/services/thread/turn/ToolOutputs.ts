/**
 * What a tool gave, as the model reads it and as an item shows it.
 *
 * Owns the limits of an output. What is over a limit is cut or left out, with a note that the model reads.
 *
 * @module
 */
import type { FunctionCallOutputBody } from "../../../protocol/v2/item/Content.ts"
import type { DynamicToolCallItem, DynamicToolCallOutputContentItem } from "../../../protocol/v2/item/WorkItem.ts"
import { isTooDeep } from "../../../protocol/jsonrpc/JsonText.ts"
import type { ToolCall, ToolContent, ToolOutput } from "../../tool/Tool.ts"

/** UTF-16 units of text that one call brings back. */
export const MaxText = 1024 * 1024

/** UTF-16 units of an image's URL: 20 MiB of data in base64, and the media type. */
export const MaxImageUrl = Math.ceil((20 * 1024 * 1024 * 4) / 3) + 128

/** Images that one call brings back. */
export const MaxImages = 16

/** UTF-16 units of the URLs of all these images. */
export const MaxImageUrls = 2 * MaxImageUrl

type Part = Exclude<FunctionCallOutputBody, string>[number]

const note = (text: string): Part => ({ type: "input_text", text })

const isImageUrl = /^(?:data:image\/|https?:\/\/)/i

const imagePart = ({ detail, url }: Extract<ToolContent, { readonly type: "image" }>): Part => {
  if (url.length > MaxImageUrl) return note("image content omitted because it is larger than 20 MiB")
  if (!isImageUrl.test(url)) return note("image content omitted because it could not be processed")
  return { type: "input_image", image_url: url, ...(detail === undefined ? {} : { detail }) }
}

/** The parts within the limits. Throws for a value that is not JSON. */
const parts = (content: ReadonlyArray<ToolContent>): ReadonlyArray<Part> => {
  let room = MaxText
  let images = 0
  let imageRoom = MaxImageUrls
  const out: Array<Part> = []
  for (const part of content) {
    if (part.type === "image") {
      if (++images === MaxImages + 1) out.push(note(`images omitted: a call brings back ${MaxImages} at most`))
      if (images > MaxImages) continue
      const fits = part.url.length <= imageRoom
      if (fits) imageRoom -= part.url.length
      out.push(fits ? imagePart(part) : note("image content omitted because the images of a call exceed 40 MiB"))
      continue
    }
    const text = part.type === "text" ? part.text : JSON.stringify(part.value)
    if (room === 0 && text !== "") continue
    out.push({ type: "input_text", text: text.slice(0, room) })
    if (text.length > room) out.push(note(`output cut: it is longer than ${MaxText} characters`))
    room -= Math.min(room, text.length)
  }
  return out
}

/** One text is sent as it is, as the release does; anything else as a list of parts. Throws for a value that is not JSON. */
export const toModel = ({ content }: ToolOutput): FunctionCallOutputBody => {
  const all = parts(content)
  const [only] = all
  return all.length === 1 && only?.type === "input_text" ? only.text : all
}

const shownPart = (part: Part): ReadonlyArray<DynamicToolCallOutputContentItem> => {
  switch (part.type) {
    case "input_text":
      return [{ type: "inputText", text: part.text }]
    case "input_image":
      return "image_url" in part ? [{ type: "inputImage", imageUrl: part.image_url }] : []
    default:
      return []
  }
}

/** What the model reads, as the parts of an item. */
export const toItem = (body: FunctionCallOutputBody): ReadonlyArray<DynamicToolCallOutputContentItem> =>
  typeof body === "string" ? [{ type: "inputText", text: body }] : body.flatMap(shownPart)

/** The arguments as an item shows them: what is not JSON, or nested too deeply, is shown as the model wrote it. */
const argumentsOf = (input: string): DynamicToolCallItem["arguments"] => {
  if (isTooDeep(input)) return input
  try {
    return JSON.parse(input)
  } catch {
    return input
  }
}

/** The item of a call that runs. */
export const startedItem = (call: ToolCall): DynamicToolCallItem => ({
  type: "dynamicToolCall",
  id: call.callId,
  namespace: call.namespace,
  tool: call.name,
  arguments: argumentsOf(call.input),
  status: "inProgress",
  contentItems: null,
  success: null,
  durationMs: null
})
