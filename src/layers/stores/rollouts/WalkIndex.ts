/**
 * Answers queries over all threads from the files themselves, without an index that is stored.
 *
 * A file's name and its time of change bound the values that a list is sorted by. A page therefore needs only the files that
 * can still belong to it. Summaries are cached until their file changes; the cache is bounded.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Effect from "effect/Effect"
import { readState } from "../../../services/thread/StoredThread.ts"
import type {
  ThreadFilter,
  ThreadMatch,
  ThreadPageRequest,
  ThreadStore,
  ThreadSummary
} from "../../../services/thread/ThreadStore.ts"
import { summaryOf } from "../../../services/thread/ThreadView.ts"
import { compare, cursorsOf, isLeft, page, snippetIn, sortValue, textsOf } from "../Query.ts"
import type { Catalog, RolloutFile } from "./Folder.ts"
import { LaterVersion } from "./Line.ts"
import type { Names } from "./Names.ts"
import { skim, type Skimmed } from "./Skim.ts"
import { asError, pauseAfter } from "./Slices.ts"
import { LineTooLong, occursIn, withSource } from "./Source.ts"
import { isEqual, type Stamp, stampOf } from "./Stamp.ts"
import type { ThreadIndex } from "./ThreadIndex.ts"

/** Limit on the cached summaries. */
const MaxSummaries = 16_384

/** Limit on the skims that are kept to be continued. */
const MaxSkims = 16

/** The longest preview that is cached, in characters. */
const MaxCachedPreview = 1024

/** Milliseconds of work between two pauses, in which the server does other things. */
const SliceMillis = 8

/** How far the local time in a file's name can be from UTC. */
const ZoneMillis = 26 * 3_600_000

/** Time zones differ by a multiple of this, in milliseconds. */
const ZoneStep = 15 * 60_000

/** The time in a UUID of version 7, in Unix milliseconds. */
const timeIn = (threadId: string): number | undefined =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-7/.test(threadId) ? Number.parseInt(threadId.slice(0, 13).replace("-", ""), 16) : undefined

interface Cached {
  readonly stamp: Stamp
  readonly summary: ThreadSummary | null
  /** The last name that the file has. */
  readonly name: Skimmed["decoder"]["name"]
}

/** Drops the oldest entries beyond a limit. */
const bound = (map: Map<string, unknown>, limit: number): void => {
  for (const key of map.keys()) {
    if (map.size <= limit) return
    map.delete(key)
  }
}

export interface WalkIndexOptions {
  readonly catalog: Catalog
  readonly names: Names
  /** Reads a thread, for a search. */
  readonly read: ThreadStore["Service"]["read"]
  /** Called for a file that cannot be read. */
  readonly onUnreadable: (path: string, error: unknown) => void
}

/** The bounds of a file's sort value, in Unix milliseconds. */
const boundsOf = (file: RolloutFile, { sortKey }: ThreadPageRequest): readonly [low: number, high: number] => {
  if (sortKey === "section_position") return everything
  if (sortKey === "created_at") {
    const { time } = file
    const named = Date.parse(`${time.slice(0, 10)}T${time.slice(11).replaceAll("-", ":")}Z`)
    if (Number.isNaN(named)) return everything
    const made = timeIn(file.threadId)
    // The same moment in some time zone.
    const difference = made === undefined ? Number.NaN : Math.abs((made - named) % ZoneStep)
    const isSame = made !== undefined && Math.abs(made - named) < ZoneMillis
    if (isSame && Math.min(difference, ZoneStep - difference) < 5000) return [made - 60_000, made + 60_000]
    return [named - ZoneMillis, named + ZoneMillis]
  }
  // A list by time of change has no lower bound: a file may have been touched.
  const changed = Fs.lstatSync(file.path, { throwIfNoEntry: false })?.mtimeMs
  return changed === undefined ? everything : [Number.NEGATIVE_INFINITY, changed + 1000]
}

const everything = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const

export class WalkIndex implements ThreadIndex {
  readonly #options: WalkIndexOptions
  readonly #cached = new Map<string, Cached>()
  readonly #skims = new Map<string, Skimmed & { readonly ino: number }>()

  constructor(options: WalkIndexOptions) {
    this.#options = options
  }

  readonly changed = (_threadId: string): void => {
    // A file's size and time show its changes.
  }

  readonly summary = (threadId: string): Effect.Effect<ThreadSummary | null, Error> =>
    Effect.try({
      try: () => {
        const file = this.#options.catalog.filesOf(threadId).at(-1)
        return file === undefined ? null : this.summarize(file)
      },
      catch: asError
    })

  /** Drops the cached summaries, for a caller that has them elsewhere. */
  release(): void {
    this.#cached.clear()
    this.#skims.clear()
  }

  /** The summary of a file's thread; null when it has none. Throws when it cannot be read. */
  summarize(file: RolloutFile): ThreadSummary | null {
    const stamp = stampOf(file.path)
    if (stamp === undefined) throw new Error(`${file.path} does not exist`)
    const { ino, size } = stamp
    const known = this.#cached.get(file.path)
    if (known !== undefined && isEqual(known.stamp, stamp)) return this.#current(file, known)
    const earlier = this.#skims.get(file.path)
    const isContinued = earlier?.ino === ino && size >= earlier.offset && !file.isCompressed
    const skimmed = skim(file, (id) => this.#options.catalog.filesOf(id), isContinued ? earlier : undefined)
    const summary = skimmed.state === undefined ? null : summaryOf(skimmed.state)
    this.#skims.delete(file.path)
    this.#skims.set(file.path, { ...skimmed, ino })
    bound(this.#skims, MaxSkims)
    const entry: Cached = { stamp, summary, name: skimmed.decoder.name }
    this.#cached.delete(file.path)
    if (summary === null || summary.preview.length <= MaxCachedPreview) {
      this.#cached.set(file.path, entry)
      bound(this.#cached, MaxSummaries)
    }
    return this.#current(file, entry)
  }

  /** The folder and the index of names know more recent facts than the file. */
  #current(file: RolloutFile, { name: known, summary }: Cached): ThreadSummary | null {
    if (summary === null || summary.origin.id !== file.threadId) return null
    const named = this.#options.names.newer(file.threadId, known)
    const name = named === undefined ? summary.name : named.name
    return summary.archived === file.isArchived && name === summary.name
      ? summary
      : { ...summary, name, archived: file.isArchived }
  }

  #remember({ path }: RolloutFile, summary: null): void {
    const stamp = stampOf(path)
    if (stamp !== undefined) this.#cached.set(path, { stamp, summary, name: null })
  }

  /** The summary, or null for a file that cannot be read: the other threads are still listed. */
  #readable(file: RolloutFile): ThreadSummary | null {
    try {
      return this.summarize(file)
    } catch (error) {
      // The same file gives the same error again.
      if (error instanceof LineTooLong || error instanceof LaterVersion) this.#remember(file, null)
      this.#options.onUnreadable(file.path, error)
      return null
    }
  }

  #heads(filter: ThreadFilter): ReadonlyArray<RolloutFile> {
    const excluded = new Set(filter.excludedIds)
    return Array.from(this.#options.catalog.all().values()).flatMap((files) => {
      const head = files.at(-1)
      return head === undefined || excluded.has(head.threadId)
        ? []
        : (filter.archived ?? head.isArchived) === head.isArchived
          ? [head]
          : []
    })
  }

  readonly page = (request: ThreadPageRequest) =>
    Effect.gen({ self: this }, function* () {
      const { limit, sortDirection, sortKey } = request
      const isDescending = sortDirection === "desc"
      const [isShown, order] = [isLeft(request), compare(request)]
      const pause = pauseAfter(SliceMillis)
      /** The best ones so far, and one more, which shows that another page follows. */
      const found: Array<ThreadSummary> = []
      for (const { bounds, file } of yield* Effect.try({ try: () => this.#candidates(request), catch: asError })) {
        const last = found.length > limit ? found[limit - 1] : undefined
        const edge = last === undefined ? undefined : sortValue(last, sortKey)
        // No further file can belong to this page.
        if (edge !== undefined && (isDescending ? bounds[1] < edge : bounds[0] > edge)) break
        yield* pause
        const summary = this.#readable(file)
        if (summary === null || !isShown(summary)) continue
        found.push(summary)
        if (found.length <= limit) continue
        found.sort(order)
        found.length = limit + 1
      }
      return page(found, request)
    }).pipe(Effect.mapError(asError))

  /** The files that a page may need, the most promising first. */
  #candidates(request: ThreadPageRequest) {
    const { cursor, filter, sortDirection } = request
    const isDescending = sortDirection === "desc"
    const all = this.#heads(filter).map((file) => ({ file, bounds: boundsOf(file, request) }))
    const left =
      cursor === null
        ? all
        : all.filter(({ bounds: [low, high] }) => (isDescending ? low <= cursor.value : high >= cursor.value))
    return left.sort((a, b) => (isDescending ? b.bounds[1] - a.bounds[1] : a.bounds[0] - b.bounds[0]))
  }

  readonly search = (request: Parameters<ThreadIndex["search"]>[0]) =>
    Effect.gen({ self: this }, function* () {
      const { filter, limit, text } = request
      const [isShown, pause] = [isLeft(request), pauseAfter(SliceMillis)]
      const needle = JSON.stringify(text).slice(1, -1).toLowerCase()
      const threads: Array<ThreadSummary> = []
      for (const file of yield* Effect.try({ try: () => this.#heads(filter), catch: asError })) {
        yield* pause
        if (!mayContain(file, needle)) continue
        const summary = this.#readable(file)
        if (summary !== null && isShown(summary)) threads.push(summary)
      }
      const found: Array<ThreadMatch> = []
      for (const thread of threads.sort(compare(request))) {
        if (found.length > limit) break
        const state = yield* readState(this.#options, thread.origin.id)
        const snippet = state === null ? undefined : snippetIn(textsOf(state), text)
        if (snippet !== undefined) found.push({ thread, snippet })
      }
      const matches = found.slice(0, limit)
      const shown = matches.map(({ thread }) => thread)
      return { matches, ...cursorsOf(shown, found.length > limit, request) }
    }).pipe(Effect.mapError(asError))
}

/** The largest file whose bytes are compared before it is read. */
const MaxCompared = 32 * 1024 * 1024

const baseMark = '"history_base"'

/** Whether a text can occur in a file, by its bytes. A file with a base, a compressed or a large one always may. */
const mayContain = (file: RolloutFile, needle: string): boolean => {
  // Half of a character has another form in a file.
  if (file.isCompressed || !/^[\x20-\x7e]*$/.test(needle) || needle.includes("\\ud")) return true
  try {
    return withSource(file.path, (source) => source.size > MaxCompared || occursIn(source, [needle, baseMark]))
  } catch {
    return false
  }
}
