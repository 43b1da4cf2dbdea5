/**
 * Answers queries over all threads from the index, and from the files where the index cannot answer.
 *
 * Before an answer, the index is compared with the files; what differs is indexed first. While most files are not indexed yet,
 * and whenever the database cannot be used, `WalkIndex` answers. The rest is indexed in the background.
 *
 * A change that another program makes to a file is seen by the next query when the file is new or among those that changed
 * last, else at the latest by the first query a second later. A query about one thread sees every change of the thread's file,
 * and within a second a file that takes its place.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import type { ThreadPageRequest, ThreadSummary } from "../../../../services/thread/ThreadStore.ts"
import { cursorsOf, isLeft } from "../../Query.ts"
import { refersTo } from "../Lineage.ts"
import { asError, pauseAfter } from "../Slices.ts"
import type { ThreadIndex } from "../ThreadIndex.ts"
import { WalkIndex, type WalkIndexOptions } from "../WalkIndex.ts"
import { Keeper, StepMillis } from "./Keeper.ts"
import { isPlain, rows } from "./Queries.ts"
import { search } from "./Search.ts"
import { summaryIn, type Tables } from "./Tables.ts"

/** Files that a query indexes before it answers. When there are more, it does without the index. */
const MaxInline = 256

/** How long a comparison of all files counts, in milliseconds. */
const SweepMillis = 1000

/** How often a query starts again because a file was changed while it ran. */
const MaxTries = 4

/** The background leaves this many milliseconds to others after each step, and waits longer for a database in use. */
const RestMillis = 4
const BusyRestMillis = 500

export interface IndexedThreadsOptions extends WalkIndexOptions {
  readonly home: string
}

/** Whether files that are not on the page can only change it by being new. */
const isByCreation = ({ filter, sortKey }: ThreadPageRequest): boolean =>
  sortKey === "created_at" && filter.text === null && filter.attachment === null && filter.section === null

export class IndexedThreads implements ThreadIndex {
  readonly keeper: Keeper
  readonly #catalog: WalkIndexOptions["catalog"]
  readonly #walk: WalkIndex
  readonly #wake = Latch.makeUnsafe(false)
  #sweptAt = Number.NEGATIVE_INFINITY

  constructor(options: IndexedThreadsOptions) {
    this.#catalog = options.catalog
    this.#walk = new WalkIndex(options)
    this.keeper = new Keeper(options)
  }

  readonly changed = (threadId: string): void => this.keeper.changed(threadId)

  /** Indexes what differs, in steps, when it is woken. */
  get fill(): Effect.Effect<never> {
    return Effect.forever(
      Effect.gen({ self: this }, function* () {
        yield* this.#wake.await
        this.#wake.closeUnsafe()
        if (yield* this.#compare(true)) {
          while (this.keeper.behind > 0) {
            const isWritten = yield* this.#advance()
            yield* Effect.sleep(isWritten ? RestMillis : BusyRestMillis)
          }
        }
      }).pipe(Effect.catchCause((cause) => Effect.logWarning("the index of threads could not be filled", cause)))
    )
  }

  /** Uses the database; undefined when it cannot be used. */
  use<A>(run: (tables: Tables) => A): Effect.Effect<A | undefined, Error> {
    return Effect.try({ try: () => this.keeper.use(run), catch: asError })
  }

  #advance(only?: string): Effect.Effect<boolean, Error> {
    return Effect.try({ try: () => this.keeper.advance(only), catch: asError })
  }

  /** Finds the files that differ. False without a database. */
  #compare(isComplete: boolean): Effect.Effect<boolean, Error> {
    return Effect.gen({ self: this }, function* () {
      const { keeper } = this
      const isFirst = yield* this.use((tables) => {
        const isFirst = keeper.look(tables)
        keeper.lookAtRecent()
        return isFirst
      })
      if (isFirst === undefined) return false
      if (isFirst || (isComplete && performance.now() - this.#sweptAt > SweepMillis)) {
        const pause = pauseAfter(StepMillis)
        const steps = keeper.sweep()
        const next = Effect.try({ try: () => steps.next().done === true, catch: asError })
        while (!(yield* next)) yield* pause
        this.#sweptAt = performance.now()
      }
      while (true) {
        const isMore = yield* this.use((tables) => keeper.rename(tables))
        if (isMore !== true) return isMore === false
        yield* Effect.yieldNow
      }
    })
  }

  /** Makes the index equal to the files; false when that takes too long or is not possible. */
  #refresh(isComplete: boolean): Effect.Effect<boolean, Error> {
    return Effect.gen({ self: this }, function* () {
      if (!(yield* this.#compare(isComplete))) return false
      if (this.keeper.behind > MaxInline) this.#wake.openUnsafe()
      if (!isComplete && performance.now() - this.#sweptAt > SweepMillis) this.#wake.openUnsafe()
      if (this.keeper.behind > MaxInline) return false
      while (this.keeper.behind > 0) {
        if (!(yield* this.#advance())) return false
        if (this.keeper.behind > 0) yield* Effect.yieldNow
      }
      return true
    })
  }

  /** The answer of the index, or of the files. `run` returns undefined when a file was changed, and is run again. */
  #answer<A, E>(
    isComplete: boolean,
    run: Effect.Effect<A | "again" | undefined, E>,
    otherwise: Effect.Effect<A, Error>
  ): Effect.Effect<A, Error> {
    return Effect.gen({ self: this }, function* () {
      for (let tries = 0; tries < MaxTries; tries++) {
        if (!(yield* Effect.orElseSucceed(this.#refresh(isComplete), () => false))) break
        const found = yield* Effect.orElseSucceed(run, () => undefined)
        if (found === undefined) break
        if (found === "again") continue
        this.#walk.release()
        return found
      }
      return yield* otherwise
    }).pipe(Effect.mapError(asError))
  }

  readonly page = (request: ThreadPageRequest) => {
    const { text } = request.filter
    const otherwise = this.#walk.page(request)
    if (text !== null && !isPlain(text)) return otherwise
    return this.#answer(
      isByCreation(request),
      this.use((tables) => this.#page(tables, request)),
      otherwise
    )
  }

  #page(tables: Tables, request: ThreadPageRequest) {
    const { limit } = request
    const isShown = isLeft(request)
    const found: Array<ThreadSummary> = []
    let isCurrent = true
    for (let skip = 0; found.length <= limit; skip += limit + 1) {
      const some = rows(tables, request, limit + 1, skip)
      for (const row of some) {
        const summary = summaryIn(row)
        if (summary === null || found.length > limit) continue
        if (!this.keeper.check(String(row["thread"]))) isCurrent = false
        if (isShown(summary)) found.push(summary)
      }
      if (some.length <= limit) break
    }
    if (!isCurrent) return "again" as const
    const threads = found.slice(0, limit)
    return { threads, ...cursorsOf(threads, found.length > limit, request) }
  }

  /** Whether the history of another thread refers to this one; undefined when only the files can tell. */
  isReferenced(threadId: string): Effect.Effect<boolean | undefined, Error> {
    return Effect.gen({ self: this }, function* () {
      this.#sweptAt = Number.NEGATIVE_INFINITY
      if (!(yield* this.#refresh(true))) return undefined
      const isBase = yield* this.use((tables) => tables.isBase(threadId))
      if (isBase !== false) return isBase
      // The index has nothing of a file that cannot be read.
      const ids = Array.from(this.keeper.unreadable).filter((id) => id !== threadId)
      return ids.some((id) => this.#catalog.filesOf(id).some(({ path }) => refersTo(path) === threadId))
    })
  }

  readonly summary = (threadId: string) => {
    const run = Effect.gen({ self: this }, function* () {
      if (!(yield* this.current(threadId))) return undefined
      return yield* this.use((tables) => {
        const row = tables.get(
          "SELECT summary, name, archived FROM threads JOIN details USING (id) WHERE thread = ?",
          threadId
        )
        return row === undefined ? undefined : { summary: summaryIn(row) }
      })
    })
    return Effect.gen({ self: this }, function* () {
      const found = yield* Effect.orElseSucceed(run, () => undefined)
      return found === undefined ? yield* this.#walk.summary(threadId) : found.summary
    })
  }

  /** Makes the index equal to the file of one thread; false when it cannot be. */
  current(threadId: string): Effect.Effect<boolean, Error> {
    return Effect.gen({ self: this }, function* () {
      const { keeper } = this
      for (let steps = 0; ; steps++) {
        const state = yield* this.use((tables) => {
          keeper.look(tables, threadId)
          while (keeper.rename(tables));
          const isCurrent = keeper.check(threadId)
          return keeper.isDirty(threadId) ? "behind" : isCurrent ? "current" : "unknown"
        })
        if (state !== "behind") return state === "current"
        if (!(yield* this.#advance(threadId))) return false
        if (steps > 0) yield* Effect.yieldNow
      }
    })
  }

  readonly search = (request: Parameters<ThreadIndex["search"]>[0]) =>
    this.#answer(
      true,
      Effect.suspend(() => this.#search(request)),
      this.#walk.search(request)
    )

  #search(request: Parameters<ThreadIndex["search"]>[0]) {
    return Effect.gen({ self: this }, function* () {
      const { filter, limit } = request
      if (filter.text !== null && !isPlain(filter.text)) return undefined
      const isCurrent = (threadId: string) => this.keeper.check(threadId)
      const found = yield* this.#steps((tables) => search({ tables, isCurrent }, request))
      if (found === undefined || found === "again") return found
      const matches = found.slice(0, limit)
      const threads = matches.map(({ thread }) => thread)
      return { matches, ...cursorsOf(threads, found.length > limit, request) }
    })
  }

  /** Runs steps that use the database, with pauses. Undefined when it cannot be used until their end. */
  #steps<A>(make: (tables: Tables) => Generator<void, A>): Effect.Effect<A | undefined, Error> {
    return Effect.gen({ self: this }, function* () {
      const pause = pauseAfter(StepMillis)
      let begun: { readonly tables: Tables; readonly steps: Generator<void, A> } | undefined
      const next = this.use((tables) => {
        begun ??= { tables, steps: make(tables) }
        return begun.tables === tables ? begun.steps.next() : undefined
      })
      const ended = Effect.sync(() => void begun?.steps.return(undefined as A))
      return yield* Effect.ensuring(
        Effect.gen(function* () {
          while (true) {
            const step = yield* next
            if (step === undefined || step.done === true) return step?.value
            yield* pause
          }
        }),
        ended
      )
    })
  }
}

/** An index that is filled and closed with the scope. */
export const make = (options: IndexedThreadsOptions): Effect.Effect<IndexedThreads, never, Scope.Scope> =>
  Effect.gen(function* () {
    const index = yield* Effect.acquireRelease(
      Effect.sync(() => new IndexedThreads(options)),
      ({ keeper }) => Effect.sync(() => keeper.close())
    )
    yield* Effect.forkScoped(index.fill)
    return index
  })
