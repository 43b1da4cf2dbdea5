/**
 * Files in memory, for what reads small files: each write is a new state of the file, and what is read is counted.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import { systemError, type SystemErrorTag } from "effect/PlatformError"
import * as ByteSize from "effect/ByteSize"

export interface MemoryFiles {
  readonly write: (path: string, text: string) => void
  readonly remove: (path: string) => void
  /** From now on the file is there and cannot be read. */
  readonly lock: (path: string) => void
  /** Paths in the order they were read. */
  readonly reads: Array<string>
  readonly layer: Layer.Layer<FileSystem.FileSystem | Path.Path>
}

export const make = (initial: Readonly<Record<string, string>> = {}): MemoryFiles => {
  const files = new Map<string, { readonly text: string; readonly revision: number }>()
  const locked = new Set<string>()
  const reads: Array<string> = []
  let revision = 0

  const write = (path: string, text: string): void => {
    files.set(path, { text, revision: revision++ })
  }
  for (const [path, text] of Object.entries(initial)) write(path, text)

  const fail = (_tag: SystemErrorTag, method: string, pathOrDescriptor: string) =>
    Effect.fail(systemError({ _tag, module: "FileSystem", method, pathOrDescriptor }))
  const info = (type: FileSystem.File.Type, size: number, revision: number): FileSystem.File.Info => ({
    type,
    mtime: Option.some(new Date(revision)),
    atime: Option.none(),
    birthtime: Option.none(),
    dev: 0n,
    ino: Option.none(),
    mode: 0o644,
    nlink: Option.none(),
    uid: Option.none(),
    gid: Option.none(),
    rdev: Option.none(),
    size: ByteSize.bytes(size),
    blksize: Option.none(),
    blocks: Option.none()
  })

  const fileSystem = FileSystem.layerNoop({
    stat: (path) =>
      Effect.suspend(() => {
        const file = files.get(path)
        if (file !== undefined) return Effect.succeed(info("File", file.text.length, file.revision))
        const isFolder = [...files.keys()].some((name) => name.startsWith(`${path}/`))
        return isFolder ? Effect.succeed(info("Directory", 0, 0)) : fail("NotFound", "stat", path)
      }),
    readFileString: (path) =>
      Effect.suspend(() => {
        reads.push(path)
        const file = files.get(path)
        if (file === undefined) return fail("NotFound", "readFileString", path)
        return locked.has(path) ? fail("PermissionDenied", "readFileString", path) : Effect.succeed(file.text)
      })
  })

  return {
    write,
    remove: (path) => {
      files.delete(path)
    },
    lock: (path) => {
      locked.add(path)
    },
    reads,
    layer: Layer.merge(fileSystem, Path.layer)
  }
}
