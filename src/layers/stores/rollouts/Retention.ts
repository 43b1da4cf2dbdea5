/**
 * Removes the threads of a home that exceed its limits.
 *
 * Works on the files, beside a store that may be open in this process or in another one: a program that writes to a
 * thread has its lock, and a thread is removed only with its lock, when it has not changed since it was chosen. What is not understood is
 * kept. Does not own the choice (`RetentionPolicy`).
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Effect from "effect/Effect"
import { ThreadStoreError } from "../../../services/thread/ThreadStore.ts"
import { Catalog, type RolloutFile } from "./Folder.ts"
import * as Lock from "./Lock.ts"
import { isRecord, millisOf } from "./Line.ts"
import { firstLine, refersTo } from "./Lineage.ts"
import {
  DayMillis,
  type Expired,
  expiredIn,
  hasLimit,
  type RetentionPolicy,
  type StoredThread
} from "./RetentionPolicy.ts"
import { inSteps } from "./Slices.ts"
import { type Source, withSource } from "./Source.ts"

/** Files that are looked at between two pauses. */
const FilesPerSlice = 64

/** How far before the end of a file its last line is sought, in bytes. */
const TailBytes = 64 * 1024

/**
 * What became of a thread: `used` by another program, `referenced` by a fork, `changed` since it was chosen, or `unreadable`.
 * All but `removed` mean that it is kept.
 */
export type Outcome = "removed" | "used" | "referenced" | "changed" | "unreadable"

export interface Retention {
  /** The threads that exceed a limit, in the order in which they can be removed. */
  readonly excess: (policy: RetentionPolicy, now: number) => Effect.Effect<ReadonlyArray<Expired>, ThreadStoreError>
  /** What `remove` would do after the calls before, except that nobody knows whether the thread is in use. */
  readonly examine: (expired: Expired) => Effect.Effect<Outcome, ThreadStoreError>
  /** Removes one of them. Fails when files cannot be locked or removed here. */
  readonly remove: (expired: Expired) => Effect.Effect<Outcome, ThreadStoreError>
}

const unavailable = (cause: unknown) => new ThreadStoreError({ operation: "delete", reason: "unavailable", cause })

const attempt = <A>(run: () => A): Effect.Effect<A, ThreadStoreError> => Effect.try({ try: run, catch: unavailable })

type Facts = Pick<StoredThread, "bytes" | "changedAt">

/** Size and last change of a thread's files. One that is gone counts as nothing. */
const factsOf = (files: ReadonlyArray<RolloutFile>): Facts => {
  const stats = files.flatMap(({ path }) => Fs.lstatSync(path, { throwIfNoEntry: false }) ?? [])
  return {
    bytes: stats.reduce((sum, { size }) => sum + size, 0),
    changedAt: stats.reduce((latest, { mtimeMs }) => Math.max(latest, mtimeMs), 0)
  }
}

/** The time of the last line, in Unix milliseconds; 0 when it is not near the end. */
const lastTime = (source: Source): number => {
  const tail = Buffer.alloc(Math.min(TailBytes, source.size))
  source.read(tail, source.size - tail.length)
  const times = tail.toString("utf8").matchAll(/(?:^|\n)\{"timestamp":"([^"\n]{1,40})"/g)
  return millisOf(Array.from(times).at(-1)?.[1] ?? "")
}

/** The time of a file's last line; undefined for a file that is not one of the thread that its name says. */
const lastWrite = (file: RolloutFile | undefined): number | undefined => {
  if (file === undefined) return undefined
  try {
    return withSource(file.path, (source) => {
      const { line } = firstLine(source)
      const isMeta = line?.type === "session_meta" && isRecord(line.payload) && line.payload["id"] === file.threadId
      return isMeta ? lastTime(source) : undefined
    })
  } catch {
    return undefined
  }
}

class Home {
  readonly #catalog: Catalog
  /** The thread that a file refers to, by path; the first line of a file never changes. Null: none. */
  readonly #bases = new Map<string, string | null>()
  /** Threads that would be removed. */
  readonly #supposed = new Set<string>()

  constructor(home: string) {
    this.#catalog = new Catalog(home)
  }

  /** All threads; a step per file. */
  *threads(): Generator<void, ReadonlyArray<StoredThread>> {
    const all: Array<StoredThread> = []
    for (const [id, files] of this.#catalog.all()) {
      all.push({ id, isArchived: files.at(-1)?.isArchived === true, refersTo: [], ...factsOf(files) })
      yield
    }
    return all
  }

  /** The same threads with what they refer to, which is in the files. */
  *withReferences(threads: ReadonlyArray<StoredThread>): Generator<void, ReadonlyArray<StoredThread>> {
    const all = this.#catalog.all()
    const found: Array<StoredThread> = []
    for (const thread of threads) {
      found.push({ ...thread, refersTo: (all.get(thread.id) ?? []).flatMap(({ path }) => this.#baseOf(path) ?? []) })
      yield
    }
    return found
  }

  #baseOf(path: string): string | null {
    const known = this.#bases.get(path)
    if (known !== undefined) return known
    const base = refersTo(path) ?? null
    // The first line of an empty file is still to come.
    if ((Fs.lstatSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) this.#bases.set(path, base)
    return base
  }

  /** Whether a file of another thread refers to this one. Files are read once. */
  #isReferenced(all: ReadonlyMap<string, ReadonlyArray<RolloutFile>>, threadId: string): boolean {
    for (const [id, files] of all) {
      if (id === threadId || this.#supposed.has(id)) continue
      for (const { path } of files) if (this.#baseOf(path) === threadId) return true
    }
    return false
  }

  /** Whether something speaks against the removal of a thread; `removed` when nothing does. */
  examine({ limit, thread: { bytes, changedAt, id } }: Expired, before: number) {
    const all = this.#catalog.all()
    const files = all.get(id) ?? []
    const now = factsOf(files)
    const outcome = (): Outcome => {
      if (now.bytes !== bytes || now.changedAt !== changedAt) return "changed"
      const writtenAt = lastWrite(files.at(-1))
      if (writtenAt === undefined) return "unreadable"
      // A file whose time was set back.
      if (limit === "age" && writtenAt >= before) return "changed"
      return this.#isReferenced(all, id) ? "referenced" : "removed"
    }
    return { files, outcome: outcome() }
  }

  /** As `examine`; later calls suppose that the thread is gone. */
  suppose(expired: Expired, before: number): Outcome {
    const { outcome } = this.examine(expired, before)
    if (outcome === "removed") this.#supposed.add(expired.thread.id)
    return outcome
  }

  /** Removes a thread. Its lock is held. */
  remove(expired: Expired, before: number): Outcome {
    const { files, outcome } = this.examine(expired, before)
    // The head goes first: an older file alone is a complete thread, a head alone is not.
    if (outcome === "removed") for (const { path } of files.toReversed()) Fs.rmSync(path, { force: true })
    return outcome
  }
}

/** Runs steps with pauses. */
const inSlices = <A>(steps: Generator<void, A>) => Effect.mapError(inSteps(steps, FilesPerSlice), unavailable)

/** What removes the threads of a home. It keeps what it has read, so it is made anew for each pass. */
export const make = Effect.fnUntraced(function* (folder: string): Effect.fn.Return<Retention> {
  const home = new Home(folder)
  const locks = yield* Lock.make(folder)
  /** Threads that changed before this time are too old. */
  let before = 0

  const excess = Effect.fnUntraced(function* (policy: RetentionPolicy, now: number) {
    if (!hasLimit(policy)) return []
    before = policy.days === null ? 0 : now - policy.days * DayMillis
    const threads = yield* inSlices(home.threads())
    // References only keep threads, so that most passes need not read them.
    if (expiredIn(policy, threads, now).length === 0) return []
    return expiredIn(policy, yield* inSlices(home.withReferences(threads)), now)
  })

  const remove = (expired: Expired): Effect.Effect<Outcome, ThreadStoreError> =>
    Effect.uninterruptible(
      Effect.matchEffect(locks.acquire(expired.thread.id), {
        onFailure: (error) =>
          error instanceof Lock.Locked ? Effect.succeed<Outcome>("used") : Effect.fail(unavailable(error)),
        onSuccess: (free) =>
          Effect.ensuring(
            attempt(() => home.remove(expired, before)),
            free
          )
      })
    )

  return { excess, examine: (expired) => attempt(() => home.suppose(expired, before)), remove }
})
