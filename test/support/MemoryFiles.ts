/**
 * Files in memory for the small-files port: each write changes the stamp, and reads are recorded.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import { SmallFileError, SmallFiles } from "../../src/services/config/SmallFiles.ts"

export interface MemoryFiles {
  readonly write: (path: string, text: string) => void
  readonly remove: (path: string) => void
  /** From now on the file exists and cannot be read. */
  readonly lock: (path: string, reason?: SmallFileError["reason"]) => void
  /** The paths that were read, in order. */
  readonly reads: Array<string>
  /** The platform with these files as its only small files. */
  readonly layer: Layer.Layer<FileSystem.FileSystem | Path.Path | SmallFiles>
}

export const make = (initial: Readonly<Record<string, string>> = {}): MemoryFiles => {
  const files = new Map<string, { readonly bytes: Uint8Array<ArrayBuffer>; readonly revision: number }>()
  const locked = new Map<string, SmallFileError["reason"]>()
  const reads: Array<string> = []
  let revision = 0

  const write = (path: string, text: string): void => {
    files.set(path, { bytes: new TextEncoder().encode(text), revision: revision++ })
  }
  for (const [path, text] of Object.entries(initial)) write(path, text)

  const isFolder = (path: string): boolean => [...files.keys()].some((name) => name.startsWith(`${path}/`))

  const smallFiles = Layer.succeed(SmallFiles, {
    stamp: (path) =>
      Effect.sync(() => {
        const file = files.get(path)
        if (file !== undefined) return { modified: file.revision, size: file.bytes.length, inode: 0 }
        return isFolder(path) ? { modified: 0, size: 0, inode: 0 } : undefined
      }),
    exist: (paths) => Effect.sync(() => paths.map((path) => files.has(path) || isFolder(path))),
    head: (path, { maxBytes }) =>
      Effect.suspend(() => {
        reads.push(path)
        const reason = locked.get(path)
        if (reason !== undefined) return Effect.fail(new SmallFileError({ reason, path }))
        const file = files.get(path)
        if (file === undefined) {
          return isFolder(path) ? Effect.fail(new SmallFileError({ reason: "notRegular", path })) : Effect.undefined
        }
        const { bytes } = file
        return Effect.succeed({
          bytes: bytes.subarray(0, maxBytes),
          whole: bytes.length <= maxBytes,
          size: bytes.length
        })
      })
  })

  return {
    write,
    remove: (path) => {
      files.delete(path)
    },
    lock: (path, reason = "denied") => {
      locked.set(path, reason)
    },
    reads,
    layer: Layer.mergeAll(smallFiles, FileSystem.layerNoop({}), Path.layer)
  }
}
