/**
 * A message of the user: its item, and the entry of the conversation that the model reads.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import type { ThreadItem } from "../../../protocol/v2/item/Item.ts"
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import type { UserInput } from "../../../protocol/v2/turn/UserInput.ts"
import * as SmallFiles from "../../config/SmallFiles.ts"
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

const mimeTypes: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp"
}

/** Maximum size of an image file in bytes. */
export const MaxImageBytes = 20 * 1024 * 1024

/** Reads a local image as a data URL. An unreadable image becomes a text that describes the error to the model. */
const localImage = Effect.fnUntraced(function* (path: string): Effect.fn.Return<Content, never, SmallFiles.SmallFiles> {
  const extension = path.slice(path.lastIndexOf(".") + 1).toLowerCase()
  const mime = mimeTypes[extension]
  if (mime === undefined) return unreadable(path, "unsupported image type")
  const options = { maxBytes: MaxImageBytes, namedBy: "client" } as const
  const read = yield* Effect.result(SmallFiles.bytes(yield* SmallFiles.SmallFiles, path, options))
  if (Result.isFailure(read)) return unreadable(path, read.failure.detail)
  if (read.success === undefined) return unreadable(path, "No such file or directory (os error 2)")
  return { type: "input_image", image_url: `data:${mime};base64,${Base64.encode(read.success)}` }
})

const unreadable = (path: string, why: string): Content => ({
  type: "input_text",
  text: `Codex could not read the local image at \`${path}\`: ${why}`
})

const toContent = (part: UserInput): Effect.Effect<Content | null, never, SmallFiles.SmallFiles> => {
  switch (part.type) {
    case "text":
      return Effect.succeed({ type: "input_text", text: part.text })
    case "image":
      return Effect.succeed("url" in part ? { type: "input_image", image_url: part.url } : null)
    case "localImage":
      return localImage(part.path)
    default:
      // The client resolves mentions and skills; audio is not supported.
      return Effect.succeed(null)
  }
}

/** Whether files are read for the model's form of the input. */
export const readsFiles = (input: ReadonlyArray<UserInput>): boolean => input.some(({ type }) => type === "localImage")

/** The conversation entry, or null when the input has no content for the model. */
export const toModel = (
  input: ReadonlyArray<UserInput>
): Effect.Effect<ResponseItem | null, never, SmallFiles.SmallFiles> =>
  Effect.map(Effect.forEach(input, toContent), (parts) => {
    const content = parts.filter((part) => part !== null)
    return content.length === 0 ? null : { type: "message", role: "user", content }
  })

/** Reads the files that the message names. `newId` is used for a message without an id. */
export const prepare = Effect.fnUntraced(function* (
  { clientId, id, input, key }: Message,
  newId: Effect.Effect<string>
): Effect.fn.Return<PreparedMessage, never, SmallFiles.SmallFiles> {
  if (input.length === 0) return { item: null, entry: null, key: key ?? null }
  const times = { startedAtMs: null, completedAtMs: null }
  const item: UserMessageItem = { type: "userMessage", id: id ?? (yield* newId), clientId, content: input, ...times }
  return { item, entry: yield* toModel(input), key: key ?? null }
})
