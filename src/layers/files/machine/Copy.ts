/**
 * Copies files, links and folders.
 *
 * Links are copied as links. A folder is merged into an existing one. Pipes, sockets and devices in a folder are left out.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import type { FileRequestError } from "../../../services/file/MachineFiles.ts"
import { call, refused } from "./OsErrors.ts"

const copyLink = Effect.fnUntraced(function* (source: string, destination: string) {
  const target = yield* call(() => Fs.readlink(source))
  yield* call(() => Fs.symlink(target, destination))
})

/** A file that is copied to itself keeps its content. */
const copyFile = Effect.fnUntraced(function* (source: string, destination: string) {
  const [from, to] = yield* Effect.all([
    call(() => Fs.stat(source)),
    Effect.orElseSucceed(
      call(() => Fs.stat(destination)),
      () => undefined
    )
  ])
  if (to !== undefined && from.dev === to.dev && from.ino === to.ino) return
  yield* call(() => Fs.copyFile(source, destination))
})

const copyFolder = (source: string, destination: string): Effect.Effect<void, FileRequestError> =>
  Effect.gen(function* () {
    yield* call(() => Fs.mkdir(destination, { recursive: true }))
    for (const child of yield* call(() => Fs.readdir(source, { withFileTypes: true }))) {
      const from = Path.join(source, child.name)
      const to = Path.join(destination, child.name)
      if (child.isDirectory()) yield* copyFolder(from, to)
      else if (child.isSymbolicLink()) yield* copyLink(from, to)
      else if (child.isFile()) yield* copyFile(from, to)
    }
  })

/** The real path of the nearest part that exists, with the rest of the path. */
const realPath = (path: string): Effect.Effect<string, FileRequestError> =>
  Effect.catch(
    call(() => Fs.realpath(path)),
    (error) => {
      const parent = Path.dirname(path)
      if (parent === path || !error.detail.endsWith("(os error 2)")) return Effect.fail(error)
      return Effect.map(realPath(parent), (real) => Path.join(real, Path.basename(path)))
    }
  )

const isWithin = (path: string, folder: string): boolean => {
  const below = Path.relative(folder, path)
  return below !== ".." && !below.startsWith(`..${Path.sep}`) && !Path.isAbsolute(below)
}

/** See `MachineFiles.copy`. */
export const copy = Effect.fnUntraced(function* (
  source: string,
  destination: string,
  { recursive }: { readonly recursive: boolean }
) {
  const found = yield* call(() => Fs.lstat(source))
  if (found.isSymbolicLink()) return yield* copyLink(source, destination)
  if (found.isFile()) return yield* copyFile(source, destination)
  if (!found.isDirectory()) return yield* refused("fs/copy only supports regular files, directories, and symlinks")
  if (!recursive) return yield* refused("fs/copy requires recursive: true when sourcePath is a directory")
  if (isWithin(yield* realPath(destination), yield* realPath(source))) {
    return yield* refused("fs/copy cannot copy a directory to itself or one of its descendants")
  }
  yield* copyFolder(source, destination)
})
