/**
 * The content parts of messages and tool outputs, in the spelling of the model API.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { ImageDetail } from "../turn/UserInput.ts"

/** Text for the model. */
export const InputText = lazy(() => Schema.Struct({ type: Schema.Literal("input_text"), text: Schema.String }))
export type InputText = Of<typeof InputText>

/** Content that only the model server can decrypt; passed on unchanged. */
export const EncryptedContent = lazy(() =>
  Schema.Struct({ type: Schema.Literal("encrypted_content"), encrypted_content: Schema.String })
)
export type EncryptedContent = Of<typeof EncryptedContent>

/** An image, by URL (including data URLs) or by the id of an uploaded file. */
export const InputImage = lazy(() =>
  Schema.Union([
    Schema.Struct({
      type: Schema.Literal("input_image"),
      detail: optional(ImageDetail()),
      image_url: Schema.String
    }).annotate({ untagged: "ImageReference" }),
    Schema.Struct({
      type: Schema.Literal("input_image"),
      detail: optional(ImageDetail()),
      file_id: Schema.String
    }).annotate({ untagged: "ImageReference" })
  ])
)
export type InputImage = Of<typeof InputImage>

/** Audio, by URL (including data URLs) or by the id of an uploaded file. */
export const InputAudio = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("input_audio"), audio_url: Schema.String }).annotate({
      untagged: "AudioReference"
    }),
    Schema.Struct({ type: Schema.Literal("input_audio"), file_id: Schema.String }).annotate({
      untagged: "AudioReference"
    })
  ])
)
export type InputAudio = Of<typeof InputAudio>

/** A part of a message of the user or the model. */
export const ContentItem = lazy(() =>
  Schema.Union([
    InputText(),
    ...InputImage().members,
    ...InputAudio().members,
    Schema.Struct({
      type: Schema.Literal("output_text"),
      text: Schema.String,
      annotations: optional(Schema.Array(Schema.Json)),
      logprobs: optional(Schema.Array(Schema.Json))
    })
  ])
)
export type ContentItem = Of<typeof ContentItem>

/** A part of a tool's output. */
export const FunctionCallOutputContentItem = lazy(() =>
  Schema.Union([InputText(), ...InputImage().members, ...InputAudio().members, EncryptedContent()])
)
export type FunctionCallOutputContentItem = Of<typeof FunctionCallOutputContentItem>

/** A tool's output: plain text, or parts. */
export const FunctionCallOutputBody = lazy(() =>
  Schema.Union([Schema.String, Schema.Array(FunctionCallOutputContentItem())]).annotate({
    identifier: "FunctionCallOutputBody"
  })
)
export type FunctionCallOutputBody = Of<typeof FunctionCallOutputBody>
