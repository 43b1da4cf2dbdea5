/**
 * The folders of rollout files in a home, and the names of the files.
 *
 * ```
 *  sessions/YYYY/MM/DD/rollout-<local time>-<thread id>[_<segment>].jsonl[.zst]
 *  archived_sessions/rollout-...
 * ```
 *
 * A file with a segment continues an older file of the same thread; the newest one is the thread's head. Links are passed
 * over: a folder or a file that is a link may be outside of the home. Does not read the files.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Path from "node:path"

/** A rollout file. */
export interface RolloutFile {
  readonly path: string
  readonly threadId: string
  /** Empty for a thread's first file. Later segments sort behind earlier ones. */
  readonly segment: string
  /** The time in the name, as `2026-11-20T10-00-01`. */
  readonly time: string
  readonly isArchived: boolean
  readonly isCompressed: boolean
}

const fileName =
  /^rollout-(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d)-([0-9A-Za-z][0-9A-Za-z-]{0,63})(?:_([0-9A-Fa-f-]{1,64}))?\.jsonl(\.zst)?$/

/** Ids that can be part of a file name. Other ids have no thread. */
export const isStorable = (threadId: string): boolean => /^[0-9A-Za-z][0-9A-Za-z-]{0,63}$/.test(threadId)

const pad = (value: number): string => String(value).padStart(2, "0")

/** The parts of a local time, as in paths. */
const localTime = (millis: number) => {
  const date = new Date(millis)
  const day = [String(date.getFullYear()).padStart(4, "0"), pad(date.getMonth() + 1), pad(date.getDate())]
  return { day, text: `${day.join("-")}T${pad(date.getHours())}-${pad(date.getMinutes())}-${pad(date.getSeconds())}` }
}

/** The file of a new thread, relative to the home. */
export const pathOf = (threadId: string, createdAt: number): string => {
  const { day, text } = localTime(createdAt)
  return Path.join("sessions", ...day, `rollout-${text}-${threadId}.jsonl`)
}

/** Where an archived file belongs, relative to the home. */
export const unarchivedPath = (file: string): string => {
  const name = Path.basename(file)
  const [, time = ""] = fileName.exec(name) ?? []
  return Path.join("sessions", ...time.slice(0, 10).split("-"), name)
}

/** The file with its meaning; undefined for a name that is not one of a rollout. */
export const parse = (folder: string, name: string, isArchived: boolean): RolloutFile | undefined => {
  const match = fileName.exec(name)
  if (match === null) return undefined
  const [, time = "", threadId = "", segment = "", zst] = match
  return { path: Path.join(folder, name), threadId, segment, time, isArchived, isCompressed: zst !== undefined }
}

/** A folder that changed less than this many milliseconds ago may change again without another time. */
const HotFor = 2000

interface Listing {
  readonly mtimeMs: number
  readonly ino: number
  readonly folders: ReadonlyArray<string>
  readonly files: ReadonlyArray<RolloutFile>
}

const nothing: Listing = { mtimeMs: 0, ino: 0, folders: [], files: [] }

/** A newer segment replaces an older one, and a plain file its compressed form. */
const isBehind = (a: RolloutFile, b: RolloutFile): number =>
  a.segment === b.segment ? Number(b.isCompressed) - Number(a.isCompressed) : a.segment < b.segment ? -1 : 1

/** Undefined when there is no such folder, also because a part of its path is a file. */
const folderStat = (folder: string): Fs.Stats | undefined => {
  try {
    return Fs.lstatSync(folder, { throwIfNoEntry: false })
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOTDIR") return undefined
    throw error
  }
}

/** The files of a home. Folders are listed again only when they have changed. */
export class Catalog {
  readonly #home: string
  readonly #listings = new Map<string, Listing>()
  #byThread = new Map<string, ReadonlyArray<RolloutFile>>()
  #changed = true

  constructor(home: string) {
    this.#home = home
  }

  /** The files of every thread, the head last. */
  all(): ReadonlyMap<string, ReadonlyArray<RolloutFile>> {
    this.#changed = false
    const files = [
      ...this.#below("sessions", 3),
      ...this.#listed(Path.join(this.#home, "archived_sessions"), true).files
    ]
    if (!this.#changed) return this.#byThread
    const byThread = new Map<string, Array<RolloutFile>>()
    for (const file of files) {
      const others = byThread.get(file.threadId)
      if (others === undefined) byThread.set(file.threadId, [file])
      else others.push(file)
    }
    for (const found of byThread.values()) if (found.length > 1) found.sort(isBehind)
    this.#byThread = byThread
    return byThread
  }

  /** The head of a thread as of the last look; undefined when it was not there. */
  known(threadId: string): RolloutFile | undefined {
    return this.#byThread.get(threadId)?.at(-1)
  }

  /** The files of one thread, the head last; empty for an unknown one. */
  filesOf(threadId: string): ReadonlyArray<RolloutFile> {
    return this.all().get(threadId) ?? []
  }

  #below(folder: string, depth: number): ReadonlyArray<RolloutFile> {
    const { files, folders } = this.#listed(Path.join(this.#home, folder), false)
    if (depth === 0) return files
    return folders.flatMap((name) => this.#below(Path.join(folder, name), depth - 1))
  }

  #listed(folder: string, isArchived: boolean): Listing {
    const stat = folderStat(folder)
    const known = this.#listings.get(folder)
    if (stat?.isDirectory() !== true) {
      if (known !== undefined) this.#changed = true
      this.#listings.delete(folder)
      return nothing
    }
    const { ino, mtimeMs } = stat
    if (known?.mtimeMs === mtimeMs && known.ino === ino) return known
    this.#changed = true
    const entries = Fs.readdirSync(folder, { withFileTypes: true })
    const listing: Listing = {
      mtimeMs: Date.now() - mtimeMs < HotFor ? -1 : mtimeMs,
      ino,
      folders: entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])),
      files: entries.flatMap((entry) => (entry.isFile() ? (parse(folder, entry.name, isArchived) ?? []) : []))
    }
    this.#listings.set(folder, listing)
    return listing
  }
}

/** Makes a folder below the home with mode 0700. Throws when a part of its path is a link or no folder. */
export const makeFolder = (home: string, relative: string): string => {
  let path = home
  Fs.mkdirSync(home, { recursive: true, mode: 0o700 })
  for (const part of relative.split(Path.sep)) {
    path = Path.join(path, part)
    const stat = Fs.lstatSync(path, { throwIfNoEntry: false })
    if (stat === undefined) Fs.mkdirSync(path, { mode: 0o700, recursive: true })
    else if (!stat.isDirectory()) throw new Error(`${path} is not a folder; links are not followed`)
  }
  return path
}

/** Flushes the names in a folder to the disk. */
export const syncFolder = (folder: string): void => {
  const descriptor = Fs.openSync(folder, Fs.constants.O_RDONLY)
  try {
    Fs.fsyncSync(descriptor)
  } finally {
    Fs.closeSync(descriptor)
  }
}
