/**
 * Finds and reads the files of a patch.
 *
 * Owns what a patch may be applied to: a regular text file in UTF-8 of at most `MaxFileBytes`, reached without a link as its
 * last part. Links among the folders are resolved; whether the file may be written there is decided elsewhere (`FileAccess`).
 *
 * @module
 */
import { isUtf8 } from "node:buffer"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Result from "effect/Result"

/** Limit on the size of a file, before and after the patch, in bytes. */
export const MaxFileBytes = 16 * 1024 * 1024

/** Limit on the lines of a file. */
export const MaxFileLines = 300_000

/** A place for a file. */
export interface Located {
  /** The absolute path, as it is shown. */
  readonly path: string
  /** The same file without links among its folders. */
  readonly canonical: string
}

/** A text file as it was read. */
export interface Stored {
  readonly text: string
  /** The permission bits. */
  readonly mode: number
  readonly owner: number
  readonly group: number
  /** Whether the file has several names, which replacing it would separate. */
  readonly hasLinks: boolean
}

/** What is at a place. `blocked`: nothing can be written there, because it is a folder, or a file is among its folders. */
export type Found =
  | { readonly type: "missing" | "blocked"; readonly at: Located; readonly reason: string }
  | { readonly type: "file"; readonly at: Located; readonly stored: Stored }
  | { readonly type: "refused"; readonly at: Located; readonly reason: string }

const osErrors: Readonly<Record<string, string>> = {
  EACCES: "Permission denied (os error 13)",
  ENOENT: "No such file or directory (os error 2)",
  ENOTDIR: "Not a directory (os error 20)",
  ELOOP: "Too many levels of symbolic links (os error 40)",
  ENAMETOOLONG: "File name too long (os error 36)"
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown error"

/** The operating system's error, as the released server words it. */
const reasonOf = (error: unknown): string => {
  const code = codeOf(error)
  return osErrors[code] ?? code
}

/** The nearest folder that exists, without links, and the names below it that do not exist. */
const canonicalFolder = async (folder: string): Promise<{ readonly real: string; readonly missing: boolean }> => {
  const missing: Array<string> = []
  for (let rest = folder; ; rest = Path.dirname(rest)) {
    try {
      return { real: Path.join(await Fs.promises.realpath(rest), ...missing), missing: missing.length > 0 }
    } catch (error) {
      if (codeOf(error) !== "ENOENT" || rest === Path.dirname(rest)) throw error
      // A link without a target exists: what is below it cannot be located.
      const isLink = await Fs.promises.lstat(rest).then(
        () => true,
        () => false
      )
      if (isLink) throw Object.assign(new Error("a link without a target"), { code: "ELOOP" })
      missing.unshift(Path.basename(rest))
    }
  }
}

const flags =
  Fs.constants.O_RDONLY | (Fs.constants.O_NONBLOCK ?? 0) | (Fs.constants.O_NOFOLLOW ?? 0) | (Fs.constants.O_NOCTTY ?? 0)

/** The bytes of a regular file; undefined when there is something else at the path, or the file is too large. */
const readRegular = async (path: string): Promise<Result.Result<readonly [Buffer, Fs.Stats], "other" | "large">> => {
  const handle = await Fs.promises.open(path, flags)
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) return Result.fail("other")
    if (stat.size > MaxFileBytes) return Result.fail("large")
    const bytes = Buffer.alloc(stat.size + 1)
    let length = 0
    for (let read = 1; read > 0 && length < bytes.length; length += read) {
      read = (await handle.read(bytes, length, bytes.length - length, null)).bytesRead
    }
    // It grew while it was read.
    if (length > stat.size) return Result.fail("large")
    return Result.succeed([bytes.subarray(0, length), stat])
  } finally {
    await handle.close()
  }
}

/** Where invalid UTF-8 begins, as the release words it. */
const invalidUtf8 = (bytes: Uint8Array): string => {
  const failsIn = (length: number): boolean => {
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length), { stream: true })
      return false
    } catch {
      return true
    }
  }
  let [low, high] = [0, bytes.length + 1]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (middle > bytes.length || failsIn(middle)) high = middle
    else low = middle + 1
  }
  const seen = Math.min(low, bytes.length)
  let index = low > bytes.length ? seen : seen - 1
  while (index > 0 && !isUtf8(bytes.subarray(0, index))) index--
  return low > bytes.length
    ? `incomplete utf-8 byte sequence from index ${index}`
    : `invalid utf-8 sequence of ${Math.max(1, seen - 1 - index)} bytes from index ${index}`
}

const textOf = (bytes: Buffer): Result.Result<string, string> => {
  if (!isUtf8(bytes)) return Result.fail(invalidUtf8(bytes))
  if (bytes.includes(0)) return Result.fail("it is not a text file: it contains a NUL byte")
  const text = bytes.toString("utf8")
  return hasTooManyLines(text) ? Result.fail(`it has more than ${MaxFileLines} lines`) : Result.succeed(text)
}

/** Whether the text has more lines than `MaxFileLines`. */
export const hasTooManyLines = (text: string): boolean => {
  let count = 0
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) if (++count > MaxFileLines) return true
  return false
}

const notAFile = (path: string): string => `path \`${path}\` is not a file`

const read = async (at: Located): Promise<Found> => {
  const refused = (reason: string): Found => ({ type: "refused", at, reason })
  const stat = await Fs.promises.lstat(at.canonical)
  if (stat.isSymbolicLink()) return refused("it is a symbolic link; name the file that it leads to")
  if (stat.isDirectory()) return { type: "blocked", at, reason: notAFile(at.path) }
  // Opening a device may have side effects.
  if (!stat.isFile()) return refused(notAFile(at.path))
  const bytes = await readRegular(at.canonical)
  if (Result.isFailure(bytes)) {
    return refused(bytes.failure === "large" ? `it is larger than ${MaxFileBytes} bytes` : notAFile(at.path))
  }
  const [content, { gid, mode, nlink, uid }] = bytes.success
  const text = textOf(content)
  if (Result.isFailure(text)) return refused(text.failure)
  return {
    type: "file",
    at,
    stored: { text: text.success, mode: mode & 0o7777, owner: uid, group: gid, hasLinks: nlink > 1 }
  }
}

/** What is at an absolute path. Never fails. */
export const find = async (path: string): Promise<Found> => {
  let at: Located = { path, canonical: path }
  try {
    const folder = await canonicalFolder(Path.dirname(path))
    at = { path, canonical: Path.join(folder.real, Path.basename(path)) }
    if (folder.missing) return { type: "missing", at, reason: osErrors["ENOENT"] ?? "" }
    return await read(at)
  } catch (error) {
    const code = codeOf(error)
    const type = code === "ENOENT" ? "missing" : code === "ENOTDIR" || code === "ENAMETOOLONG" ? "blocked" : "refused"
    return { type, at, reason: reasonOf(error) }
  }
}

/** Whether the file at `path` has exactly this content. */
export const holds = async (path: string, text: string): Promise<boolean> => {
  const bytes = await readRegular(path)
  return Result.isSuccess(bytes) && bytes.success[0].equals(Buffer.from(text, "utf8"))
}
