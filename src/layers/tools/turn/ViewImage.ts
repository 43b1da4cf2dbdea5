/**
 * `view_image`: shows an image file to the model.
 *
 * The file is a regular one of a limited size and of a format that models read (`LocalImage`). It may be anywhere, because
 * every sandbox policy lets commands read all files.
 *
 * @module
 */
import * as NodePath from "node:path"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { lazy } from "../../../protocol/Lazy.ts"
import type { SmallFiles } from "../../../services/config/SmallFiles.ts"
import { type ImageUnreadable, readImage } from "../../../services/tool/LocalImage.ts"
import { failure, type Tool } from "../../../services/tool/Tool.ts"
import { read } from "../Arguments.ts"

const Arguments = lazy(() => Schema.Struct({ path: Schema.String }))

const errorText = ({ detail, path, reason }: ImageUnreadable): string => {
  switch (reason) {
    case "missing":
      return `unable to locate image at \`${path}\`: ${detail}`
    case "notFile":
      return `image path \`${path}\` is not a file`
    case "format":
      return "unable to process image: invalid or unsupported image data"
    case "unreadable":
      return `unable to read image at \`${path}\`: ${detail}`
  }
}

/** The tool over the files of the server. */
export const runWith = (files: SmallFiles["Service"]): Tool["run"] =>
  Effect.fnUntraced(function* (call, turn) {
    const args = read(Arguments, call.input)
    if (Result.isFailure(args)) return failure(args.failure)
    if (args.success.path.includes("\0")) return failure("unable to resolve image path: it contains a null character")
    const path = NodePath.resolve(turn.cwd, args.success.path)
    const image = yield* Effect.result(readImage(files, path))
    if (Result.isFailure(image)) return failure(errorText(image.failure))
    const item = { type: "imageView" as const, id: call.callId, path, startedAtMs: null, completedAtMs: null }
    yield* turn.itemStarted(item)
    yield* turn.itemCompleted(item)
    const detail = turn.model.isKnown ? "original" : "high"
    return { content: [{ type: "image", url: image.success, detail }], success: true }
  })
