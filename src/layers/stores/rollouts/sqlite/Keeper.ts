/**
 * Keeps the index equal to the rollout files.
 *
 * Knows which content of each file is indexed (`Stamp`), finds the files that differ, and indexes them in short steps. Each
 * step is one transaction, so that the end of the process at any moment leaves a usable index. Does not own the pace of the
 * work, nor the queries.
 *
 * @module
 */
import * as Fs from "node:fs"
import type { Catalog, RolloutFile } from "../Folder.ts"
import { LaterVersion } from "../Line.ts"
import type { Names } from "../Names.ts"
import { LineTooLong } from "../Source.ts"
import { isEqual, type Stamp, stampOf } from "../Stamp.ts"
import * as Database from "./Database.ts"
import { beginning, Changed, type Progress, step } from "./Scan.ts"
import { type Indexed, stampIn, Tables } from "./Tables.ts"

/** The longest step, in milliseconds. A line is not divided. */
export const StepMillis = 6

/** Number of files that are looked at for every query: those that changed last. */
const HotFiles = 64

/** How long a comparison of the names of files counts for queries about one thread, in milliseconds. */
const NamesMillis = 1000

/** Rows that get their name in one step. */
const RenamesPerStep = 512

/** A corrupt database is replaced so often; then the index is a temporary file. */
const MaxRebuilds = 2

export interface KeeperOptions {
  readonly home: string
  readonly catalog: Catalog
  readonly names: Names
  /** Called for a file that cannot be read. */
  readonly onUnreadable: (path: string, error: unknown) => void
}

interface Failure {
  readonly stamp: Stamp
  /** The same content fails again. */
  readonly isFinal: boolean
}

export class Keeper {
  readonly #options: KeeperOptions
  #tables: Tables | undefined
  #isAbsent = false
  #rebuilds = 0
  /** What is indexed, by thread. */
  readonly #stamps = new Map<string, Stamp>()
  readonly #failures = new Map<string, Failure>()
  /** Threads whose file may differ from the index. */
  readonly #dirty = new Set<string>()
  #heads: ReturnType<Catalog["all"]> | undefined
  /** When the names were compared. */
  #lookedAt = Number.NEGATIVE_INFINITY
  #hot: ReadonlyArray<string> = []
  /** Threads whose row may have an old name. */
  readonly #renamed = new Set<string>()
  /** What other processes have changed in the database is known up to here. */
  #version = -1
  #revision = -1

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  /** Number of files that are to be indexed. */
  get behind(): number {
    return this.#dirty.size
  }

  changed(threadId: string): void {
    // Before the first query, all files are compared anyway.
    if (this.#heads !== undefined) this.#dirty.add(threadId)
  }

  /** Uses the database; undefined when it cannot be used now. The caller answers without it. */
  use<A>(run: (tables: Tables) => A): A | undefined {
    try {
      const tables = this.#open()
      return tables === undefined ? undefined : run(tables)
    } catch (error) {
      if (Database.isBusy(error)) return undefined
      if (!Database.isOfDatabase(error)) throw error
      this.#reset(Database.isCorrupt(error))
      return undefined
    }
  }

  close(): void {
    this.#tables?.database.close()
    this.#tables = undefined
    this.#isAbsent = true
  }

  #open(): Tables | undefined {
    if (this.#tables !== undefined || this.#isAbsent) return this.#tables
    const { home } = this.#options
    // The home is made with the first thread, not for the index.
    if (!Fs.existsSync(home)) return undefined
    const database = Database.open(home, this.#rebuilds > MaxRebuilds)
    if (database === undefined) this.#isAbsent = true
    else this.#tables = new Tables(database)
    return this.#tables
  }

  /** The database cannot be used any more: it is made again from the files. */
  #reset(isCorrupt: boolean): void {
    this.#rebuilds = isCorrupt ? this.#rebuilds + 1 : MaxRebuilds + 1
    if (this.#rebuilds > MaxRebuilds + 2) this.#isAbsent = true
    try {
      this.#tables?.database.close()
    } catch {
      // It is replaced.
    }
    this.#tables = undefined
    if (isCorrupt && this.#rebuilds <= MaxRebuilds) Database.removeIn(this.#options.home)
    this.#forget()
  }

  #forget(): void {
    this.#stamps.clear()
    this.#dirty.clear()
    this.#heads = undefined
    this.#lookedAt = Number.NEGATIVE_INFINITY
    this.#version = -1
    this.#revision = -1
  }

  /**
   * Compares the names of files. True when all files must be compared (`sweep`). For a query about one thread, names that were
   * compared less than a second ago are enough, if the thread's file is there as it was indexed.
   */
  look(tables: Tables, only?: string): boolean {
    this.#learn(tables)
    if (only !== undefined && performance.now() - this.#lookedAt < NamesMillis && this.check(only)) return false
    const isFirst = this.#heads === undefined
    this.#compareNames()
    this.#lookedAt = performance.now()
    return isFirst
  }

  /** Compares the files that changed last. */
  lookAtRecent(): void {
    for (const threadId of this.#hot) this.check(threadId)
  }

  /** Reads the stamps that are new in the database: at first all of them, later those of other processes. */
  #learn(tables: Tables): void {
    const version = Number(tables.get("PRAGMA data_version")?.["data_version"])
    if (version === this.#version) return
    const select = "SELECT thread, path, ino, size, mtime, revision FROM threads"
    const read = (from: number) => {
      for (const row of tables.statement(`${select} WHERE revision > ? ORDER BY revision`).iterate(from)) {
        this.#stamps.set(String(row["thread"]), stampIn(row))
        this.#revision = Number(row["revision"])
      }
    }
    read(this.#revision)
    if (Number(tables.get("SELECT count(*) AS count FROM threads")?.["count"]) !== this.#stamps.size) {
      this.#stamps.clear()
      this.#heads = undefined
      this.#lookedAt = Number.NEGATIVE_INFINITY
      read(-1)
    }
    this.#version = version
  }

  /** Finds the files that came, went or moved. */
  #compareNames(): void {
    const heads = this.#options.catalog.all()
    if (heads === this.#heads) return
    this.#heads = heads
    for (const [threadId, files] of heads) {
      const failure = this.#failures.get(threadId)
      const known = this.#stamps.get(threadId) ?? (failure?.isFinal === true ? failure.stamp : undefined)
      if (files.at(-1)?.path !== known?.path) this.#dirty.add(threadId)
    }
    for (const threadId of this.#stamps.keys()) if (!heads.has(threadId)) this.#dirty.add(threadId)
    for (const [threadId, { isFinal }] of this.#failures) if (!isFinal) this.#dirty.add(threadId)
  }

  /** Gives some rows the names that `session_index.jsonl` has. True when there are more. */
  rename(tables: Tables): boolean {
    const { names } = this.#options
    for (const threadId of names.changes()) this.#renamed.add(threadId)
    if (this.#renamed.size === 0) return false
    const some = Array.from(this.#renamed).slice(0, RenamesPerStep)
    tables.transact(() => {
      for (const threadId of some) {
        const row = this.#stamps.has(threadId)
          ? tables.get("SELECT name FROM threads WHERE thread = ?", threadId)
          : undefined
        if (row === undefined || row["name"] === names.of(threadId)?.name) continue
        const found = tables.find(threadId)
        if (found?.progress == null) continue
        const { decoder, state } = found.progress
        const name = names.newer(threadId, decoder.name)?.name ?? state?.name ?? null
        tables.run("UPDATE threads SET name = ? WHERE id = ?", name, found.id)
      }
    })
    for (const threadId of some) this.#renamed.delete(threadId)
    return this.#renamed.size > 0
  }

  #fileOf(threadId: string): RolloutFile | undefined {
    return this.#heads?.get(threadId)?.at(-1)
  }

  /** Whether a thread's file is as it was indexed; otherwise it will be indexed again. */
  check(threadId: string): boolean {
    const file = this.#fileOf(threadId)
    const found = file === undefined ? undefined : stampOf(file.path)
    const known = this.#stamps.get(threadId) ?? this.#failures.get(threadId)?.stamp
    if (found !== undefined && known !== undefined && isEqual(found, known)) return true
    if (found !== undefined || this.#stamps.has(threadId)) this.#dirty.add(threadId)
    return false
  }

  /** Compares all files, one at a step. */
  *sweep(): Generator<void> {
    const recent: Array<{ readonly threadId: string; readonly mtimeMs: number }> = []
    for (const threadId of this.#heads?.keys() ?? []) {
      this.check(threadId)
      recent.push({ threadId, mtimeMs: this.#stamps.get(threadId)?.mtimeMs ?? Number.POSITIVE_INFINITY })
      yield
    }
    recent.sort((a, b) => b.mtimeMs - a.mtimeMs)
    this.#hot = recent.slice(0, HotFiles).map(({ threadId }) => threadId)
  }

  /** Indexes some of the files that differ, or one of them. False when the database cannot be used now. */
  advance(only?: string): boolean {
    if (this.#heads === undefined) return false
    const until = performance.now() + StepMillis
    const isOver = () => performance.now() >= until
    const done: Array<() => void> = []
    const isWritten = this.use((tables) => {
      tables.transact(() => {
        for (const threadId of only === undefined ? this.#dirty : [only]) {
          done.push(this.#index(tables, threadId, isOver))
          if (isOver()) break
        }
      })
      return true
    })
    if (isWritten !== true) return false
    for (const settle of done) settle()
    return true
  }

  /** The threads whose files are not indexed because they cannot be read. */
  get unreadable(): Iterable<string> {
    return this.#failures.keys()
  }

  isDirty(threadId: string): boolean {
    return this.#dirty.has(threadId)
  }

  /** Reads some lines of a file into the index. Returns what is true once that is committed. */
  #index(tables: Tables, threadId: string, isOver: () => boolean): () => void {
    const file = this.#fileOf(threadId)
    const stamp = file === undefined ? undefined : stampOf(file.path)
    if (file === undefined || stamp === undefined) {
      tables.remove(threadId)
      return () => {
        this.#dirty.delete(threadId)
        this.#stamps.delete(threadId)
        this.#failures.delete(threadId)
      }
    }
    const known = tables.find(threadId)
    if (known !== undefined && isEqual(known.stamp, stamp)) return () => this.#settle(threadId, stamp)
    const id = known?.id ?? tables.add(file)
    try {
      const progress = this.#read(tables, id, { file, stamp, known }, isOver)
      tables.save(id, file, stamp, progress, this.#options.names.newer(threadId, progress.decoder.name)?.name)
      return () => {
        if (progress.isDone) this.#settle(threadId, stamp)
        else this.#stamps.set(threadId, { ...stamp, size: -1 })
      }
    } catch (error) {
      if (Database.isOfDatabase(error)) throw error
      tables.remove(threadId)
      return () => this.#fail(threadId, stamp, error)
    }
  }

  #settle(threadId: string, stamp: Stamp): void {
    this.#dirty.delete(threadId)
    this.#failures.delete(threadId)
    this.#stamps.set(threadId, stamp)
    if (!this.#hot.includes(threadId)) this.#hot = [threadId, ...this.#hot.slice(0, HotFiles - 1)]
  }

  #fail(threadId: string, stamp: Stamp, error: unknown): void {
    const isFinal = error instanceof LineTooLong || error instanceof LaterVersion
    this.#failures.set(threadId, { stamp, isFinal })
    this.#stamps.delete(threadId)
    this.#dirty.delete(threadId)
    this.#options.onUnreadable(stamp.path, error)
  }

  #read(
    tables: Tables,
    id: number,
    { file, known, stamp }: { file: RolloutFile; stamp: Stamp; known: Indexed | undefined },
    isOver: () => boolean
  ): Progress {
    const sink = tables.sink(id)
    if (known !== undefined) {
      const before = continued(known, file, stamp)
      if (before !== undefined) {
        try {
          return step(before, sink, isOver)
        } catch (error) {
          if (!(error instanceof Changed)) throw error
        }
      }
      tables.clear(id)
    }
    return step(
      beginning(file, (threadId) => this.#heads?.get(threadId) ?? []),
      sink,
      isOver
    )
  }
}

/** Where reading goes on; undefined when the file is another one and is read from its beginning. */
const continued = ({ progress, stamp: old }: Indexed, file: RolloutFile, stamp: Stamp): Progress | undefined => {
  const isShorter = stamp.size < old.size || (!file.isCompressed && stamp.size < (progress?.offset ?? 0))
  if (progress === null || old.ino !== stamp.ino || isShorter || file.isCompressed !== old.path.endsWith(".zst")) {
    return undefined
  }
  if (old.path === stamp.path) return progress
  // The file was moved.
  const parts = progress.parts.map((part) => (part.path === old.path ? { ...part, path: stamp.path } : part))
  return { ...progress, parts }
}
