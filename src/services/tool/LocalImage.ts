/**
 * Images for a model: which data is an image, and image files as data URLs.
 *
 * Owns the accepted formats, known by their first bytes, and the maximum size. An image is not decoded: the model server does
 * that, and refuses a request with data of another kind.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SmallFiles from "../config/SmallFiles.ts"

/** Maximum size of an image file in bytes. */
export const MaxImageBytes = 20 * 1024 * 1024

/**
 * The file cannot be shown. `missing`: it does not exist. `notFile`: it is not a regular file. `format`: it is not an image
 * of an accepted format. `unreadable`: any other reason, as `detail` says.
 */
export class ImageUnreadable extends Schema.TaggedError<ImageUnreadable>()("ImageUnreadable", {
  reason: Schema.Literals(["missing", "notFile", "format", "unreadable"]),
  path: Schema.String,
  /** The problem, without the path. */
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.path}: ${this.detail}`
  }
}

/** The number of bytes that identify a format. */
const HeadBytes = 12

const startsWith = (bytes: Uint8Array, at: number, text: string): boolean =>
  bytes.length >= at + text.length && Array.from(text).every((char, index) => bytes[at + index] === char.charCodeAt(0))

/** The media type of image data; undefined for anything else. */
export const mediaTypeOf = (bytes: Uint8Array): string | undefined => {
  if (startsWith(bytes, 0, "\x89PNG\r\n\x1a\n")) return "image/png"
  if (startsWith(bytes, 0, "\xff\xd8\xff")) return "image/jpeg"
  if (startsWith(bytes, 0, "GIF87a") || startsWith(bytes, 0, "GIF89a")) return "image/gif"
  return startsWith(bytes, 0, "RIFF") && startsWith(bytes, 8, "WEBP") ? "image/webp" : undefined
}

/** The first bytes of a data URL in base64. */
const headOf = (url: string): Uint8Array | undefined => {
  const data = /^data:image\/[a-z0-9.+-]+;base64,/i.exec(url)
  if (data === null) return undefined
  const text = url.slice(data[0].length, data[0].length + Math.ceil(HeadBytes / 3) * 4)
  const decoded = Base64.decode(text)
  return Result.isSuccess(decoded) ? decoded.success : undefined
}

/** Whether a URL contains an image of an accepted format. */
export const isImageData = (url: string): boolean => {
  const head = headOf(url)
  return head !== undefined && mediaTypeOf(head) !== undefined
}

const unreadable = (path: string, reason: ImageUnreadable["reason"], detail: string) =>
  new ImageUnreadable({ path, reason, detail })

/** Reads an image file as a data URL. The path is absolute, and a client or a model chose it. */
export const readImage = Effect.fnUntraced(function* (
  files: SmallFiles.SmallFiles["Service"],
  path: string
): Effect.fn.Return<string, ImageUnreadable> {
  const bytes = yield* Effect.mapError(
    SmallFiles.bytes(files, path, { maxBytes: MaxImageBytes, namedBy: "client" }),
    ({ detail, reason }) => unreadable(path, reason === "notRegular" ? "notFile" : "unreadable", detail)
  )
  if (bytes === undefined) return yield* unreadable(path, "missing", "No such file or directory (os error 2)")
  const type = mediaTypeOf(bytes)
  if (type === undefined) return yield* unreadable(path, "format", "unsupported image type")
  return `data:${type};base64,${Base64.encode(bytes)}`
})
