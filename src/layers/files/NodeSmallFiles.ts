/**
 * Small files on Node, read synchronously: a look takes microseconds, less than handing it to the thread pool does.
 *
 * @module
 */
import { readFileSync, statSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type PlatformError, systemError, type SystemErrorTag } from "effect/PlatformError"
import { SmallFiles } from "../../services/SmallFiles.ts"

const tags: Readonly<Record<string, SystemErrorTag>> = {
  EACCES: "PermissionDenied",
  EPERM: "PermissionDenied",
  EBUSY: "Busy",
  EISDIR: "BadResource",
  ELOOP: "BadResource"
}

const absent: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR"])

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : ""

/** Undefined where the file is not there. */
const attempt = <A>(method: string, path: string, read: () => A): Effect.Effect<A | undefined, PlatformError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(read())
    } catch (error) {
      const code = codeOf(error)
      if (absent.has(code)) return Effect.undefined
      return Effect.fail(
        systemError({
          _tag: tags[code] ?? "Unknown",
          module: "FileSystem",
          method,
          pathOrDescriptor: path,
          syscall: method,
          cause: error
        })
      )
    }
  })

export const layer: Layer.Layer<SmallFiles> = Layer.succeed(SmallFiles, {
  stamp: (path) =>
    attempt("stat", path, () => {
      const stat = statSync(path, { throwIfNoEntry: false })
      return stat === undefined ? undefined : { modified: stat.mtimeMs, size: stat.size, inode: stat.ino }
    }),
  text: (path) =>
    attempt("readFile", path, () => {
      // Most files that are asked for are not there, and an exception costs ten times as much as this look.
      const stat = statSync(path, { throwIfNoEntry: false })
      if (stat === undefined) return undefined
      // Whoever writes to a pipe would be waited for, and everything else with it.
      if (stat.isFIFO()) throw Object.assign(new Error("a pipe is no file"), { code: "EISDIR" })
      return readFileSync(path, "utf8")
    })
})
