/**
 * The port to small files that are looked at on hot paths: configuration and credentials, which are asked after for every
 * thread and every request to a model.
 *
 * Optional. Without it the platform's FileSystem serves (`fromFileSystem`); with it, an adapter may answer at once instead of
 * by way of a thread pool, which costs some fifty times as much as the look itself.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"

/** Equal stamps, equal file: an edit in place, of the same length and within one tick of the clock, goes unnoticed. */
export interface FileStamp {
  /** Unix time in milliseconds, as exact as the platform has it; NaN where it has none. */
  readonly modified: number
  /** Bytes. */
  readonly size: number
  readonly inode: number
}

export class SmallFiles extends Context.Service<
  SmallFiles,
  {
    /** How the file looks now; undefined where there is none. Follows links. */
    readonly stamp: (path: string) => Effect.Effect<FileStamp | undefined, PlatformError>
    /** The whole text; undefined where there is no such file. */
    readonly text: (path: string) => Effect.Effect<string | undefined, PlatformError>
  }
>()("spindle/SmallFiles") {}

/** What stands below a file that is no folder is not there either: the platform calls that a bad resource. */
const isAbsent = (error: PlatformError): boolean =>
  error.reason._tag === "NotFound" || (error.reason._tag === "BadResource" && error.reason.method === "stat")

/** Any platform's files. */
export const fromFileSystem = (fileSystem: FileSystem.FileSystem): SmallFiles["Service"] => ({
  stamp: (path) =>
    fileSystem.stat(path).pipe(
      Effect.map((info) => ({
        modified: Option.match(info.mtime, { onNone: () => Number.NaN, onSome: (time) => time.getTime() }),
        size: Number(info.size),
        inode: Number(Option.getOrElse(info.ino, () => 0n))
      })),
      Effect.catchIf(isAbsent, () => Effect.undefined)
    ),
  text: (path) => Effect.catchIf(fileSystem.readFileString(path), isAbsent, () => Effect.undefined)
})

/** The adapter that is provided, else the platform's FileSystem. */
export const available: Effect.Effect<SmallFiles["Service"], never, FileSystem.FileSystem> = Effect.gen(function* () {
  const provided = yield* Effect.serviceOption(SmallFiles)
  return Option.isSome(provided) ? provided.value : fromFileSystem(yield* FileSystem.FileSystem)
})
