/**
 * The history of the files of one thread, in a folder.
 *
 * ```
 *  <home>/spindle_files/<thread>/log.jsonl     one line for each file that a patch is about to change
 *                               /<sha256>      a content, stored once
 * ```
 *
 * A content is stored before the line that names it, and the line before the patch is applied. So after a crash the log may name
 * a change that was not made, but no change is missing. All files are only readable by their owner.
 *
 * @module
 */
import { createHash, randomUUID } from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Predicate from "effect/Predicate"
import type { FileRecord, FileVersion } from "../../../services/tool/FileHistory.ts"

/** Limit on the contents of one thread, in bytes. */
export const MaxThreadBytes = 128 * 1024 * 1024

/** Limit on the log of one thread, in bytes. */
export const MaxLogBytes = 16 * 1024 * 1024

/** A version of a file in the log. */
export interface LoggedVersion {
  readonly hash: string
  readonly mode: number
}

/** A line of the log. */
export interface LoggedChange {
  readonly turnId: string
  readonly path: string
  readonly before: LoggedVersion | null
  readonly after: LoggedVersion | null
}

/** The hash of a content, which is also the name of its file. */
export const hashOf = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex")

const loggedOf = (version: FileVersion | null): LoggedVersion | null =>
  version === null ? null : { hash: hashOf(version.text), mode: version.mode }

const isHash = /^[0-9a-f]{64}$/

const isVersion = (value: unknown): value is LoggedVersion | null =>
  value === null ||
  (Predicate.hasProperty(value, "hash") &&
    typeof value.hash === "string" &&
    isHash.test(value.hash) &&
    Predicate.hasProperty(value, "mode") &&
    Number.isInteger(value.mode))

const isChange = (value: unknown): value is LoggedChange =>
  Predicate.hasProperty(value, "turnId") &&
  typeof value.turnId === "string" &&
  Predicate.hasProperty(value, "path") &&
  typeof value.path === "string" &&
  Path.isAbsolute(value.path) &&
  Predicate.hasProperty(value, "before") &&
  isVersion(value.before) &&
  Predicate.hasProperty(value, "after") &&
  isVersion(value.after)

/** The change in a line; undefined for a damaged one, such as the last line after a crash. */
const changeIn = (line: string): LoggedChange | undefined => {
  try {
    const value: unknown = JSON.parse(line)
    return isChange(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** The text of a file of at most `limit` bytes; undefined when there is none. */
const readText = async (path: string, limit: number): Promise<string | undefined> => {
  try {
    const { size } = await Fs.promises.lstat(path)
    return size > limit ? undefined : await Fs.promises.readFile(path, "utf8")
  } catch {
    return undefined
  }
}

/** Deletes the folder of a history. */
export const remove = (folder: string): Promise<void> => Fs.promises.rm(folder, { recursive: true, force: true })

export class HistoryFolder {
  readonly #folder: string
  /** The bytes in the folder, once they are known. */
  #size: number | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Stores the content of files before a patch changes them. Fails with an error of the file system. */
  async record(turnId: string, files: ReadonlyArray<FileRecord>): Promise<void> {
    await Fs.promises.mkdir(this.#folder, { recursive: true, mode: 0o700 })
    for (const { before } of files) if (before !== null) await this.#store(before.text)
    const lines = files.map(({ after, before, path }): LoggedChange => ({
      turnId,
      path,
      before: loggedOf(before),
      after: loggedOf(after)
    }))
    const log = Path.join(this.#folder, "log.jsonl")
    const { size } = await Fs.promises.stat(log).catch(() => ({ size: 0 }))
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("")
    if (size + text.length > MaxLogBytes) throw new Error(`the log is larger than ${MaxLogBytes} bytes`)
    // A line that a crash has cut ends here.
    await Fs.promises.appendFile(log, `\n${text}`, { mode: 0o600 })
  }

  /** The changes of these turns, in order. */
  async changes(turnIds: ReadonlySet<string>): Promise<ReadonlyArray<LoggedChange>> {
    const text = (await readText(Path.join(this.#folder, "log.jsonl"), MaxLogBytes)) ?? ""
    return text.split("\n").flatMap((line) => {
      const change = line === "" ? undefined : changeIn(line)
      return change !== undefined && turnIds.has(change.turnId) ? [change] : []
    })
  }

  /** A stored content; undefined when it was not kept, or is damaged. */
  async content({ hash }: LoggedVersion): Promise<string | undefined> {
    const text = await readText(Path.join(this.#folder, hash), MaxThreadBytes)
    return text !== undefined && hashOf(text) === hash ? text : undefined
  }

  /** Stores a content, within the limit. It appears under its name in one step. */
  async #store(text: string): Promise<void> {
    const path = Path.join(this.#folder, hashOf(text))
    const isKnown = await Fs.promises.access(path).then(
      () => true,
      () => false
    )
    if (isKnown) return
    this.#size ??= await this.#measure()
    const bytes = Buffer.from(text, "utf8")
    if (this.#size + bytes.length > MaxThreadBytes) return
    const staged = Path.join(this.#folder, `${randomUUID()}.new`)
    try {
      await Fs.promises.writeFile(staged, bytes, { mode: 0o600, flag: "wx" })
      await Fs.promises.rename(staged, path)
      this.#size += bytes.length
    } finally {
      await Fs.promises.rm(staged, { force: true })
    }
  }

  async #measure(): Promise<number> {
    let size = 0
    for (const name of await Fs.promises.readdir(this.#folder)) {
      size += (await Fs.promises.lstat(Path.join(this.#folder, name)).catch(() => ({ size: 0 }))).size
    }
    return size
  }
}
