/**
 * Reads the `*.rules` files of a folder, within limits: 64 files, each a regular file (or a link to one) of at most 1 MiB of
 * UTF-8, in a folder of at most 4096 entries.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"
import { open, opendir, type FileHandle } from "node:fs/promises"
import * as Path from "node:path"

export interface RuleSource {
  /** Absolute. */
  readonly path: string
  readonly source: string
}

/** A folder or file of rules is there and cannot be read. */
export class RulesUnreadable extends Schema.TaggedError<RulesUnreadable>()("RulesUnreadable", {
  path: Schema.String,
  what: Schema.Literals(["file", "folder"]),
  detail: Schema.String
}) {
  override get message(): string {
    const what = this.what === "file" ? "rules file" : "rules files from"
    return `failed to read ${what} ${this.path}: ${this.detail}`
  }
}

const MaxBytes = 1024 * 1024
const MaxFiles = 64
const MaxEntries = 4096

/** The files of a folder by name; none where there is no such folder. */
export const read = (folder: string): Effect.Effect<ReadonlyArray<RuleSource>, RulesUnreadable> =>
  Effect.tryPromise({ try: () => names(folder), catch: failure("folder", folder) }).pipe(
    Effect.flatMap((found) =>
      Effect.forEach(found, (name) => {
        const path = Path.join(folder, name)
        return Effect.tryPromise({ try: () => text(path), catch: failure("file", path) }).pipe(
          Effect.map((source): RuleSource => ({ path, source }))
        )
      })
    )
  )

/** What is wrong with a file or folder that can be opened. */
class Unfit extends Error {}

const names = async (folder: string): Promise<ReadonlyArray<string>> => {
  const directory = await opendir(folder).catch((error: unknown) => {
    if (isMissing(error)) return undefined
    throw error
  })
  const found: Array<string> = []
  let entries = 0
  // The iteration closes the folder, also when it ends early.
  for await (const { name } of directory ?? []) {
    if (++entries > MaxEntries) throw new Unfit(`more than ${MaxEntries} entries`)
    if (name.endsWith(".rules")) found.push(name)
    if (found.length > MaxFiles) throw new Unfit(`more than ${MaxFiles} files of rules`)
  }
  return found.sort()
}

const text = async (path: string): Promise<string> => {
  // Opening a named pipe waits for its other end unless told not to.
  const file = await open(path, Fs.constants.O_RDONLY | Fs.constants.O_NONBLOCK)
  try {
    return await textOf(file)
  } finally {
    await file.close()
  }
}

const textOf = async (file: FileHandle): Promise<string> => {
  const stat = await file.stat()
  if (!stat.isFile()) throw new Unfit("not a regular file")
  if (stat.size > MaxBytes) throw new Unfit(`larger than ${MaxBytes} bytes`)
  // One byte more than allowed: the file may have grown.
  const buffer = Buffer.alloc(Math.min(stat.size, MaxBytes) + 1)
  let size = 0
  while (size < buffer.length) {
    const { bytesRead } = await file.read(buffer, size, buffer.length - size, size)
    if (bytesRead === 0) break
    size += bytesRead
  }
  if (size > stat.size) throw new Unfit("changed while it was read")
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(buffer.subarray(0, size))
  } catch {
    throw new Unfit("stream did not contain valid UTF-8")
  }
}

const failure =
  (what: "file" | "folder", path: string) =>
  (error: unknown): RulesUnreadable =>
    new RulesUnreadable({ what, path, detail: detailOf(error) })

/** The operating system's texts, for what happens to files of rules. */
const SystemErrors: Readonly<Record<string, string>> = {
  EACCES: "Permission denied (os error 13)",
  ENOENT: "No such file or directory (os error 2)",
  ENOTDIR: "Not a directory (os error 20)",
  EISDIR: "Is a directory (os error 21)",
  ELOOP: "Symbolic link loop (os error 40)"
}

const detailOf = (error: unknown): string => {
  if (error instanceof Unfit) return error.message
  const code = codeOf(error)
  return code === undefined ? "cannot be read" : (SystemErrors[code] ?? `cannot be read (${code})`)
}

const isMissing = (error: unknown): boolean => codeOf(error) === "ENOENT"

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined
