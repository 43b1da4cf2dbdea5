/**
 * User input of a turn.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { defaulted, optional, orNull, U64 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

const usize = U64.annotate({ expected: "usize" })

/** A half-open range of UTF-8 bytes, counted from 0. */
export const ByteRange = lazy(() => Schema.Struct({ start: usize, end: usize }).annotate({ identifier: "ByteRange" }))
export type ByteRange = Of<typeof ByteRange>

/** A range of the text that the client displays as something else; `placeholder` is the displayed text. */
export const TextElement = lazy(() =>
  Schema.Struct({ byteRange: ByteRange(), placeholder: orNull(Schema.String) }).annotate({ identifier: "TextElement" })
)
export type TextElement = Of<typeof TextElement>

/** The resolution at which an image is passed to the model. */
export const ImageDetail = lazy(() => Schema.Literals(["auto", "low", "high", "original"]))
export type ImageDetail = Of<typeof ImageDetail>

/**
 * One part of a user's message. Images and audio are given by URL (including data URLs), by the id of an uploaded file, or,
 * in the `local` kinds, by a path on the server's machine. The protocol spells `text_elements` so.
 */
export const UserInput = lazy(() =>
  Schema.Union([
    Schema.Struct({
      type: Schema.Literal("text"),
      text: Schema.String,
      text_elements: defaulted(Schema.Array(TextElement()), [])
    }),
    Schema.Struct({ type: Schema.Literal("image"), detail: optional(ImageDetail()), url: Schema.String }).annotate({
      untagged: "ImageReference"
    }),
    Schema.Struct({ type: Schema.Literal("image"), detail: optional(ImageDetail()), fileId: Schema.String }).annotate({
      untagged: "ImageReference"
    }),
    Schema.Struct({ type: Schema.Literal("localImage"), detail: optional(ImageDetail()), path: Schema.String }),
    Schema.Struct({ type: Schema.Literal("audio"), url: Schema.String }).annotate({ untagged: "AudioReference" }),
    Schema.Struct({ type: Schema.Literal("audio"), fileId: Schema.String }).annotate({ untagged: "AudioReference" }),
    Schema.Struct({ type: Schema.Literal("localAudio"), path: Schema.String }),
    Schema.Struct({ type: Schema.Literal("skill"), name: Schema.String, path: Schema.String }),
    Schema.Struct({ type: Schema.Literal("mention"), name: Schema.String, path: Schema.String })
  ]).annotate({ identifier: "UserInput" })
)
export type UserInput = Of<typeof UserInput>

/** The trust level of a context entry: untrusted, or provided by the application that the user works in. */
export const AdditionalContextKind = lazy(() => Schema.Literals(["untrusted", "application"]))
export type AdditionalContextKind = Of<typeof AdditionalContextKind>

/** Context that a client adds to the user's input, stored under a key of the client's choice. */
export const AdditionalContextEntry = lazy(() =>
  Schema.Struct({ kind: AdditionalContextKind(), name: optional(Schema.String), value: Schema.String }).annotate({
    identifier: "AdditionalContextEntry"
  })
)
export type AdditionalContextEntry = Of<typeof AdditionalContextEntry>
