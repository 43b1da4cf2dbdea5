/**
 * Reads, writes, lists and removes the files of the machine for clients.
 *
 * Only regular files are read: opening a device or a pipe can block or have side effects. A file that replaces another between
 * the check and the open is checked again by its descriptor. `O_NONBLOCK` prevents a pipe from blocking the open.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { constants, type Dirent } from "node:fs"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import type { FsReadDirectoryEntry } from "../../../protocol/v2/file/FileSystem.ts"
import { type FileRequestError, MachineFiles } from "../../../services/file/MachineFiles.ts"
import { copy } from "./Copy.ts"
import { call, refused } from "./OsErrors.ts"
import { watch } from "./Watch.ts"

/** Largest file that is read, in bytes. Its base64 is one message; the released server's limit is 512 MiB. */
export const MaxFile = 128 * 1024 * 1024

/** Files whose content is in memory at the same time. */
const MaxReading = 4

const notAFile = (path: string) => refused(`path \`${path}\` is not a file`)

const tooLarge = refused(`file is too large to read: limit is ${MaxFile} bytes`)

/** Opens a file and closes it after its use. */
const withFile = <A>(
  path: string,
  flags: number,
  use: (file: Fs.FileHandle) => Effect.Effect<A, FileRequestError>
): Effect.Effect<A, FileRequestError> =>
  Effect.acquireUseRelease(
    call(() => Fs.open(path, flags | constants.O_NONBLOCK | constants.O_NOCTTY)),
    use,
    (file) => Effect.ignore(call(() => file.close()))
  )

const Chunk = 1024 * 1024

/** Reads to the end. The size is only a hint: files of /proc have none, and others grow. */
const readAll = (file: Fs.FileHandle, size: number): Effect.Effect<Uint8Array, FileRequestError> =>
  Effect.gen(function* () {
    let into = Buffer.allocUnsafe(Math.max(Math.min(size, MaxFile) + 1, 4096))
    let length = 0
    for (;;) {
      if (length > MaxFile) return yield* tooLarge
      if (length === into.length) into = Buffer.concat([into], into.length * 2)
      const count = Math.min(Chunk, into.length - length)
      const { bytesRead } = yield* call(() => file.read(into, length, count, null))
      if (bytesRead === 0) return into.subarray(0, length)
      length += bytesRead
    }
  })

const read = Effect.fnUntraced(function* (path: string) {
  const seen = yield* call(() => Fs.stat(path))
  if (!seen.isFile()) return yield* notAFile(path)
  if (seen.size > MaxFile) return yield* tooLarge
  return yield* withFile(path, constants.O_RDONLY, (file) =>
    Effect.flatMap(
      call(() => file.stat()),
      (opened) => (opened.isFile() ? readAll(file, opened.size) : notAFile(path))
    )
  )
})

const write = (path: string, content: Uint8Array): Effect.Effect<void, FileRequestError> =>
  withFile(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, (file) =>
    call(() => file.writeFile(content))
  )

const metadata = Effect.fnUntraced(function* (path: string) {
  const link = yield* call(() => Fs.lstat(path))
  const target = link.isSymbolicLink() ? yield* call(() => Fs.stat(path)) : link
  return {
    isDirectory: target.isDirectory(),
    isFile: target.isFile(),
    isSymlink: link.isSymbolicLink(),
    createdAtMs: Math.trunc(target.birthtimeMs),
    modifiedAtMs: Math.trunc(target.mtimeMs)
  }
})

/** What a child is. Null when it is a link without a target, or was removed meanwhile. */
const entryOf = (folder: string, child: Dirent): Effect.Effect<FsReadDirectoryEntry | null> => {
  const fileName = child.name
  if (!child.isSymbolicLink()) {
    return Effect.succeed({ fileName, isDirectory: child.isDirectory(), isFile: child.isFile() })
  }
  return call(() => Fs.stat(Path.join(folder, fileName))).pipe(
    Effect.map((target) => ({ fileName, isDirectory: target.isDirectory(), isFile: target.isFile() })),
    Effect.orElseSucceed(() => null)
  )
}

const readDirectory = Effect.fnUntraced(function* (path: string) {
  const children = yield* call(() => Fs.readdir(path, { withFileTypes: true }))
  const entries = yield* Effect.forEach(children, (child) => entryOf(path, child), { concurrency: 4 })
  return entries.filter((entry) => entry !== null)
})

const isMissing = (error: FileRequestError) => error.detail.endsWith("(os error 2)")

const remove = (
  path: string,
  { force, recursive }: { readonly recursive: boolean; readonly force: boolean }
): Effect.Effect<void, FileRequestError> =>
  Effect.gen(function* () {
    const found = yield* call(() => Fs.lstat(path))
    if (!found.isDirectory()) return yield* call(() => Fs.unlink(path))
    yield* call(() => (recursive ? Fs.rm(path, { recursive: true }) : Fs.rmdir(path)))
  }).pipe(
    Effect.catchIf(
      (error) => force && isMissing(error),
      () => Effect.void
    )
  )

const makeDirectory = (path: string, options: { readonly recursive: boolean }) =>
  Effect.asVoid(call(() => Fs.mkdir(path, options)))

/** The implementation. */
export const make: Effect.Effect<MachineFiles["Service"]> = Effect.sync(() => {
  const reading = Semaphore.makeUnsafe(MaxReading)
  return MachineFiles.of({
    read: (path) => reading.withPermit(read(path)),
    write,
    makeDirectory,
    metadata,
    readDirectory,
    remove,
    copy,
    watch
  })
})
