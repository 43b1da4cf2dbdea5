/**
 * Threads in the rollout files of a home, which the release reads and writes as well.
 *
 * The file of a thread is its log. A thread has no file before its first turn, a name or an archive mark: until then its
 * events are kept in memory (`Draft`). The folder of a file and the index of names are facts that other programs change
 * without a line; where they are newer than the log, they are events behind its end, and become lines with the next append.
 *
 * Does not own the queries over all threads (`ThreadIndex`) and the right to write (`Locks`).
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { EventOf, NumberedEvent, ThreadEvent } from "../../../services/thread/ThreadEvent.ts"
import { foldAll } from "../../../services/thread/ThreadState.ts"
import type { ThreadSummary } from "../../../services/thread/ThreadStore.ts"
import { summaryOf } from "../../../services/thread/ThreadView.ts"
import { folderOf } from "../../../services/tool/FileHistory.ts"
import { copy } from "./Copy.ts"
import * as Folder from "./Folder.ts"
import { ThreadLog, writeAll } from "./Log.ts"
import { partsOf, refersTo } from "./Lineage.ts"
import { Names } from "./Names.ts"

/** Limit on the logs that are kept for threads without a writer. */
const MaxLogs = 64

/** Another writer has appended, or the request does not fit the thread. */
export class Conflict extends Error {}

export interface RolloutFilesOptions {
  /** Absolute path. */
  readonly home: string
  /** Called for a line that is not JSON. */
  readonly onCorrupt: (path: string, position: number) => void
}

/** Events that do not make a file. */
const isQuiet = ({ _tag }: ThreadEvent): boolean => _tag === "Created" || _tag === "SettingsChanged"

const lastOf = <Tag extends ThreadEvent["_tag"]>(
  events: ReadonlyArray<ThreadEvent>,
  ...tags: ReadonlyArray<Tag>
): EventOf<Tag> | undefined =>
  events.findLast((event): event is EventOf<Tag> => (tags as ReadonlyArray<string>).includes(event._tag))

/** Called with the file that was written, and whether it stays open. */
export type Written = (descriptor: number, staysOpen: boolean) => void

/** Writes pieces of text, one at a step. Returns what they end with. */
function* written<A>(descriptor: number, pieces: Generator<string, A>): Generator<void, A> {
  let position = 0
  while (true) {
    const piece = pieces.next()
    if (piece.done === true) return piece.value
    const bytes = Buffer.from(piece.value)
    writeAll(descriptor, bytes, position)
    position += bytes.length
    yield
  }
}

/** The path without symbolic links; null when there is no such file. */
const realPathOf = (path: string): string | null => {
  try {
    return Fs.realpathSync(path)
  } catch {
    return null
  }
}

/** The files of a home. Synchronous: each call does a bounded amount of work, or reports that there is more. */
export class RolloutFiles {
  readonly home: string
  readonly catalog: Folder.Catalog
  readonly names: Names
  readonly #onCorrupt: RolloutFilesOptions["onCorrupt"]
  readonly #logs = new Map<string, ThreadLog>()
  /** Threads whose writer is here; the file of one may come later. */
  readonly #held = new Set<string>()
  /** Those of them that have no file and of which no other program can know. */
  readonly #fresh = new Set<string>()
  /** The open logs of those threads. */
  readonly #writers = new Map<string, ThreadLog>()
  readonly #drafts = new Map<string, ReadonlyArray<ThreadEvent>>()

  constructor({ home, onCorrupt }: RolloutFilesOptions) {
    this.home = home
    this.catalog = new Folder.Catalog(home)
    this.names = new Names(home)
    this.#onCorrupt = onCorrupt
  }

  /** The events of a thread without a file. */
  draft(threadId: string): ReadonlyArray<ThreadEvent> | undefined {
    return this.#drafts.get(threadId)
  }

  draftSummary(threadId: string): ThreadSummary | null {
    const state = foldAll(this.#drafts.get(threadId) ?? [])
    return state === undefined ? null : summaryOf(state)
  }

  /** The file of a thread as far as it is known without looking, or where the first turn will make it. */
  pathOf({ origin }: ThreadSummary): string | null {
    if (origin.ephemeral || !Folder.isStorable(origin.id)) return null
    const known = this.#writers.get(origin.id)?.file ?? this.catalog.known(origin.id)
    if (known !== undefined) return known.path
    return this.#drafts.has(origin.id) ? Path.join(this.home, Folder.pathOf(origin.id, origin.createdAt * 1000)) : null
  }

  /** The thread of a file of this home, or of a symbolic link to one; null for any other path. */
  threadAt(path: string): string | null {
    const absolute = Path.resolve(path)
    return this.#threadOf(absolute, (file) => file) ?? this.#threadOf(realPathOf(absolute), realPathOf)
  }

  #threadOf(path: string | null, pathOf: (path: string) => string | null): string | null {
    if (path === null) return null
    const file = Folder.parse(Path.dirname(path), Path.basename(path), false)
    if (file === undefined) return null
    return this.catalog.filesOf(file.threadId).some((one) => pathOf(one.path) === path) ? file.threadId : null
  }

  /** The log of a thread; undefined when it has no file. */
  log(threadId: string): ThreadLog | undefined {
    const writer = this.#writers.get(threadId)
    if (writer !== undefined) return writer
    if (this.#fresh.has(threadId)) return undefined
    const file = Folder.isStorable(threadId) ? this.catalog.filesOf(threadId).at(-1) : undefined
    const known = this.#logs.get(threadId)
    this.#logs.delete(threadId)
    if (file === undefined) return undefined
    const log = known !== undefined && this.#isCurrent(known, file) ? known : this.#open(file)
    this.#logs.set(threadId, log)
    for (const id of this.#logs.keys()) {
      if (this.#logs.size <= MaxLogs) break
      this.#logs.delete(id)
    }
    return log
  }

  #isCurrent(log: ThreadLog, file: Folder.RolloutFile): boolean {
    if (log.file.path !== file.path) return false
    try {
      log.check()
      return true
    } catch {
      return false
    }
  }

  #open(file: Folder.RolloutFile): ThreadLog {
    const parts = partsOf(file, (id) => this.catalog.filesOf(id))
    return new ThreadLog({ file, parts, onCorrupt: this.#onCorrupt })
  }

  /** What the folder and the index of names know and the log does not. Empty while the thread has a writer here. */
  newer(log: ThreadLog): ReadonlyArray<ThreadEvent> {
    const { isArchived, threadId } = log.file
    if (this.#writers.has(threadId) || !log.state.hasBegun) return []
    const { at, isArchived: wasArchived, name } = log.state
    const named = this.names.newer(threadId, name)
    return [
      ...(named === undefined ? [] : [{ _tag: "NameSet" as const, at: named.at, name: named.name }]),
      ...(isArchived === wasArchived
        ? []
        : [{ _tag: isArchived ? ("Archived" as const) : ("Unarchived" as const), at }])
    ]
  }

  /**
   * Gives a thread its writer here: its file stays open. What the folder and the names know becomes lines. The log must have
   * been read to its end.
   */
  hold(threadId: string): void {
    this.#fresh.delete(threadId)
    const log = this.log(threadId)
    if (log !== undefined) {
      const newer = this.newer(log)
      log.openForAppend()
      try {
        if (newer.length > 0) log.append(newer)
      } catch (error) {
        log.close()
        throw error
      }
      this.#writers.set(threadId, log)
      this.#logs.delete(threadId)
    }
    this.#held.add(threadId)
  }

  /** Gives a new thread its writer. No other process can know the thread, so no file is searched for. */
  holdNew(threadId: string): void {
    this.#held.add(threadId)
    this.#fresh.add(threadId)
  }

  isHeld(threadId: string): boolean {
    return this.#held.has(threadId)
  }

  /** Whether the file of a thread is open for its writer here. */
  isOpen(threadId: string): boolean {
    return this.#writers.has(threadId)
  }

  /** Whether an append of these events makes or changes a file. */
  isWritten(threadId: string, events: ReadonlyArray<ThreadEvent>): boolean {
    return !events.every(isQuiet) || this.log(threadId) !== undefined
  }

  /** Ends writing. The events of a thread that got no file are gone. */
  release(threadId: string): void {
    this.#held.delete(threadId)
    this.#fresh.delete(threadId)
    this.#drafts.delete(threadId)
    const log = this.#writers.get(threadId)
    if (log === undefined) return
    this.#writers.delete(threadId)
    log.close()
    this.#logs.set(threadId, log)
  }

  /** Number of events. The log must have been read to its end. */
  #length(threadId: string, log: ThreadLog | undefined): number {
    if (log === undefined) return this.#drafts.get(threadId)?.length ?? 0
    return log.length + this.newer(log).length
  }

  /**
   * Appends events. The log must have been read to its end. `written` gets the file, and whether it stays open.
   */
  append(threadId: string, expectedSeq: number, events: ReadonlyArray<ThreadEvent>, written: Written): void {
    const log = this.log(threadId)
    const length = this.#length(threadId, log)
    if (length !== expectedSeq) throw new Conflict(`expected event ${expectedSeq}, has ${length}`)
    if (events.length === 0) return
    if (log === undefined) return this.#begin(threadId, events, written)
    const isWriting = this.#writers.has(threadId)
    try {
      const file = log.append([...this.newer(log), ...events])
      try {
        written(file, isWriting)
        this.#effects(threadId, log, events)
      } catch (error) {
        log.undo()
        throw error
      }
    } finally {
      if (!isWriting) log.close()
    }
  }

  /** Removes the last append of a thread that has its writer here: it could not be flushed. */
  undo(threadId: string): void {
    this.#writers.get(threadId)?.undo()
  }

  /** Gives a name to a thread that another process writes. The log must have been read to its end. */
  appendName(threadId: string, expectedSeq: number, events: ReadonlyArray<ThreadEvent>): void {
    const length = this.#length(threadId, this.log(threadId))
    if (length !== expectedSeq) throw new Conflict(`expected event ${expectedSeq}, has ${length}`)
    const named = lastOf(events, "NameSet")
    if (named !== undefined && named.name !== null) this.names.add(threadId, named.name, named.at)
  }

  /** Adds events to a thread without a file. A file is made when the thread is worth one. */
  #begin(threadId: string, events: ReadonlyArray<ThreadEvent>, written: Written): void {
    const draft = this.#drafts.get(threadId) ?? []
    const all = [...draft, ...events]
    if (all[0]?._tag !== "Created") throw new Conflict("a thread begins with Created")
    if (!Folder.isStorable(threadId)) throw new Error(`${JSON.stringify(threadId.slice(0, 80))} cannot name a file`)
    if (events.every(isQuiet)) {
      this.#drafts.set(threadId, all)
      return
    }
    const path = Folder.pathOf(threadId, all[0].origin.createdAt * 1000)
    const log = this.#create(path)
    const isWriting = this.#held.has(threadId)
    try {
      const file = log.append(all)
      this.#effects(threadId, log, events)
      written(file, isWriting)
    } catch (error) {
      log.close()
      Fs.rmSync(log.file.path, { force: true })
      throw error
    }
    this.#drafts.delete(threadId)
    this.#fresh.delete(threadId)
    if (isWriting) this.#writers.set(threadId, log)
    else log.close()
  }

  #create(path: string): ThreadLog {
    const folder = Folder.makeFolder(this.home, Path.dirname(path))
    const file = Folder.parse(folder, Path.basename(path), false)
    if (file === undefined) throw new Error(`${path} is not the name of a rollout`)
    return ThreadLog.create({ file, parts: [{ path: file.path, from: 0, to: null }], onCorrupt: this.#onCorrupt })
  }

  /** What events change besides the log: the name for other programs, the folder. */
  #effects(threadId: string, log: ThreadLog, events: ReadonlyArray<ThreadEvent>): void {
    const named = lastOf(events, "NameSet")
    if (named !== undefined && named.name !== null) this.names.add(threadId, named.name, named.at)
    const mark = lastOf(events, "Archived", "Unarchived")
    if (mark !== undefined) this.#move(log, mark._tag === "Archived")
  }

  #move(log: ThreadLog, isArchived: boolean): void {
    const { file } = log
    if (file.isArchived === isArchived) return
    const name = Path.basename(file.path)
    const relative = isArchived ? Path.join("archived_sessions", name) : Folder.unarchivedPath(file.path)
    const folder = Folder.makeFolder(this.home, Path.dirname(relative))
    const path = Path.join(folder, name)
    if (Fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined) throw new Error(`${path} exists`)
    Fs.renameSync(file.path, path)
    log.moved({ ...file, path, isArchived })
  }

  /** Makes a thread from the first events of another one, in pieces: each step writes some lines. */
  *fork(sourceId: string, length: number, created: EventOf<"Created">): Generator<void> {
    const { id } = created.origin
    if (this.log(id) !== undefined || this.#drafts.has(id)) throw new Conflict(`thread ${id} exists`)
    const source = this.log(sourceId)
    const has = this.#length(sourceId, source)
    if (length < 1 || has < length) throw new Conflict(`the source has ${has} events, not ${length}`)
    const draft = this.#drafts.get(sourceId) ?? []
    if (source === undefined) return this.#begin(id, [created, ...draft.slice(1, length)], () => {})
    if (!Folder.isStorable(id)) throw new Error("the id cannot name a file")
    const relative = Folder.pathOf(id, created.origin.createdAt * 1000)
    const folder = Folder.makeFolder(this.home, Path.dirname(relative))
    const target = Path.join(folder, Path.basename(relative))
    const temporary = Path.join(folder, `.${Path.basename(target)}.tmp`)
    const descriptor = Fs.openSync(temporary, "wx", 0o600)
    let isDone = false
    try {
      const state = yield* written(descriptor, copy(source, length, created, this.newer(source)))
      // An archived source gives an archived copy.
      const path = state.isArchived
        ? Path.join(Folder.makeFolder(this.home, "archived_sessions"), Path.basename(target))
        : target
      Fs.renameSync(temporary, path)
      isDone = true
      this.#fresh.delete(id)
      if (state.name?.name != null) this.names.add(id, state.name.name, state.name.at)
    } finally {
      Fs.closeSync(descriptor)
      // Also when the caller ends the copy early.
      if (!isDone) Fs.rmSync(temporary, { force: true })
    }
  }

  /** Looks for a file of another thread that refers to this one; a step per file. Returns whether there is one. */
  *references(threadId: string): Generator<void, boolean> {
    for (const [id, files] of this.catalog.all()) {
      for (const file of id === threadId ? [] : files) {
        if (refersTo(file.path) === threadId) return true
        yield
      }
    }
    return false
  }

  /** Removes all files of a thread, and its history of files. */
  delete(threadId: string): void {
    this.#drafts.delete(threadId)
    const writer = this.#writers.get(threadId)
    this.#writers.delete(threadId)
    writer?.close()
    this.#logs.delete(threadId)
    if (!Folder.isStorable(threadId)) return
    for (const { path } of this.catalog.filesOf(threadId).toReversed()) Fs.rmSync(path, { force: true })
    const history = folderOf(this.home, threadId)
    if (history !== undefined) Fs.rmSync(history, { recursive: true, force: true })
  }

  /** Reads events; true when there are more to read first. A thread without a file is read in one step. */
  read(threadId: string, from: number, limit: number, into: Array<NumberedEvent>, maxLines: number): boolean {
    const log = this.log(threadId)
    if (log === undefined) {
      const draft = this.#drafts.get(threadId) ?? []
      into.push(...draft.slice(from, from + limit).map((event, index) => ({ seq: from + index, event })))
      return false
    }
    if (log.read(from, limit, into, maxLines)) return true
    if (into.length >= limit) return false
    for (const [index, event] of this.newer(log).entries()) {
      const seq = log.length + index
      if (seq >= from && into.length < limit) into.push({ seq, event })
    }
    return false
  }
}
