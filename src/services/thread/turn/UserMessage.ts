/**
 * A message of the user: its item, and the entry of the conversation that the model reads.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { ThreadItem } from "../../../protocol/v2/item/Item.ts"
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import type { ImageDetail, UserInput } from "../../../protocol/v2/turn/UserInput.ts"
import { SmallFiles } from "../../config/SmallFiles.ts"
import { readImage } from "../../tool/LocalImage.ts"
import { InputTooLarge, MaxInputChars } from "../ThreadError.ts"

/** Input of one turn/start or turn/steer. `clientId` is the client's id of the message. */
export interface Message {
  readonly input: ReadonlyArray<UserInput>
  readonly clientId: string | null
  /** Input with the same key is the same input: it is accepted once. */
  readonly key?: string
  /** The id of its item: that of the submission, for queued input. Default: a new one. */
  readonly id?: string
}

/** A message that can be recorded in one step. */
export interface PreparedMessage {
  /** Null for empty input, which is not recorded. */
  readonly item: UserMessageItem | null
  /** What the model gets of it; null when there is nothing for it. */
  readonly entry: ResponseItem | null
  readonly key: string | null
}

type UserMessageItem = Extract<ThreadItem, { readonly type: "userMessage" }>

type Content = Extract<ResponseItem, { readonly type: "message" }>["content"][number]

/** Fails when the total length of the text items exceeds the protocol's limit. */
export const checkLength = (input: ReadonlyArray<UserInput>): Effect.Effect<void, InputTooLarge> => {
  let units = 0
  for (const part of input) if (part.type === "text") units += part.text.length
  // A character has one or two units, so characters are counted only near the limit.
  if (units <= MaxInputChars) return Effect.void
  let actualChars = 0
  for (const part of input) if (part.type === "text") for (const _ of part.text) actualChars++
  return actualChars > MaxInputChars ? Effect.fail(new InputTooLarge({ actualChars })) : Effect.void
}

/** The user's text, its parts joined by line breaks; null when there is none. */
export const promptOf = (input: ReadonlyArray<UserInput>): string | null => {
  const texts = input.flatMap((part) => (part.type === "text" ? [part.text] : []))
  return texts.length === 0 ? null : texts.join("\n")
}

/**
 * A local image as a data URL, between texts that name it. An unreadable image becomes a text that describes the error to the
 * model. `number` counts the local images of a message from 1.
 */
const localImage = Effect.fnUntraced(function* (path: string, number: number, detail: ImageDetail) {
  const read = yield* Effect.result(readImage(yield* SmallFiles, path))
  if (Result.isFailure(read)) {
    return [inputText(`Codex could not read the local image at \`${path}\`: ${read.failure.detail}`)]
  }
  return [
    inputText(`<image name=[Image #${number}] path="${path}">`),
    { type: "input_image" as const, image_url: read.success, detail },
    inputText("</image>")
  ]
})

const inputText = (text: string): Content => ({ type: "input_text", text })

const toContent = (
  part: UserInput,
  number: number,
  detail: ImageDetail
): Effect.Effect<ReadonlyArray<Content>, never, SmallFiles> => {
  switch (part.type) {
    case "text":
      return Effect.succeed([inputText(part.text)])
    case "image":
      return Effect.succeed(
        "url" in part ? [{ type: "input_image", image_url: part.url, detail: part.detail ?? detail }] : []
      )
    case "localImage":
      return localImage(part.path, number, part.detail ?? detail)
    default:
      // The client resolves mentions and skills; audio is not supported.
      return Effect.succeed([])
  }
}

/** Whether files are read for the model's form of the input. */
export const readsFiles = (input: ReadonlyArray<UserInput>): boolean => input.some(({ type }) => type === "localImage")

/** The conversation entry, or null when the input has no content for the model. `detail` is that of images without one. */
export const toModel = (
  input: ReadonlyArray<UserInput>,
  detail: ImageDetail
): Effect.Effect<ResponseItem | null, never, SmallFiles> => {
  let images = 0
  const numbered = input.map((part) => [part, part.type === "localImage" ? ++images : images] as const)
  return Effect.map(
    Effect.forEach(numbered, ([part, number]) => toContent(part, number, detail)),
    (parts) => {
      const content = parts.flat()
      return content.length === 0 ? null : { type: "message", role: "user", content }
    }
  )
}

/** Reads the files that the message names. `detail` is that of images without one. `newId` is used for a message without an id. */
export const prepare = Effect.fnUntraced(function* (
  { clientId, id, input, key }: Message,
  newId: Effect.Effect<string>,
  detail: ImageDetail
): Effect.fn.Return<PreparedMessage, never, SmallFiles> {
  if (input.length === 0) return { item: null, entry: null, key: key ?? null }
  const times = { startedAtMs: null, completedAtMs: null }
  const item: UserMessageItem = { type: "userMessage", id: id ?? (yield* newId), clientId, content: input, ...times }
  return { item, entry: yield* toModel(input, detail), key: key ?? null }
})
