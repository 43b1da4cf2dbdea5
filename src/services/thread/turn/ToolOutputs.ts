/**
 * Converts the output of a tool for the model and for items.
 *
 * Owns the limits of an output. Content over a limit is truncated or omitted, with a note for the model.
 *
 * @module
 */
import type { FunctionCallOutputBody } from "../../../protocol/v2/item/Content.ts"
import type { DynamicToolCallItem, DynamicToolCallOutputContentItem } from "../../../protocol/v2/item/WorkItem.ts"
import { isTooDeep } from "../../../protocol/jsonrpc/JsonText.ts"
import type { ToolCall, ToolContent, ToolOutput } from "../../tool/Tool.ts"

/** Maximum text in the output of one call, in UTF-16 units. */
export const MaxText = 1024 * 1024

/** Maximum length of an image's URL in UTF-16 units: 20 MiB of data in base64, and the media type. */
export const MaxImageUrl = Math.ceil((20 * 1024 * 1024 * 4) / 3) + 128

/** Maximum number of images in the output of one call. */
export const MaxImages = 16

/** Maximum total length of their URLs, in UTF-16 units. */
export const MaxImageUrls = 2 * MaxImageUrl

type Part = Exclude<FunctionCallOutputBody, string>[number]

const note = (text: string): Part => ({ type: "input_text", text })

const isImageUrl = /^(?:data:image\/|https?:\/\/)/i

const imagePart = ({ detail, url }: Extract<ToolContent, { readonly type: "image" }>): Part => {
  if (url.length > MaxImageUrl) return note("image content omitted because it is larger than 20 MiB")
  if (!isImageUrl.test(url)) return note("image content omitted because it could not be processed")
  return { type: "input_image", image_url: url, ...(detail === undefined ? {} : { detail }) }
}

/** Applies the limits to the parts. Throws for a value that is not JSON. */
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

/** A single text is sent as a string, as in the release; anything else as a list of parts. Throws for a value that is not JSON. */
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

/** The output for the model, as parts of an item. */
export const toItem = (body: FunctionCallOutputBody): ReadonlyArray<DynamicToolCallOutputContentItem> =>
  typeof body === "string" ? [{ type: "inputText", text: body }] : body.flatMap(shownPart)

/** The arguments in an item: as JSON, or as the raw text when they are not JSON or nested too deeply. */
const argumentsOf = (input: string): DynamicToolCallItem["arguments"] => {
  if (isTooDeep(input)) return input
  try {
    return JSON.parse(input)
  } catch {
    return input
  }
}

/** The item of a running call. */
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
