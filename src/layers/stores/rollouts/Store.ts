/**
 * The store of threads on rollout files, as a layer.
 *
 * Owns the pace of the work on files: it is synchronous in slices, between which the server does other things. An append is
 * one write of whole lines; when it has returned, the events survive the end of the process. What survives a loss of power is
 * the setting `fsync`.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { EventOf, NumberedEvent, ThreadEvent } from "../../../services/thread/ThreadEvent.ts"
import { ThreadStore, ThreadStoreError } from "../../../services/thread/ThreadStore.ts"
import { FileChanged } from "./Log.ts"
import * as Sections from "./Sections.ts"
import { Conflict, RolloutFiles } from "./RolloutFiles.ts"
import type { ThreadIndex } from "./ThreadIndex.ts"
import { asError, WalkIndex } from "./WalkIndex.ts"

/**
 * When events are flushed to the disk, for the case of a power failure. The end of the process alone never loses events.
 *
 * - `never`: when the operating system does it, usually within 30 seconds. No cost.
 * - `turn`: at the begin and the end of a turn. About 1 to 10 milliseconds twice per turn.
 * - `always`: with each append. About 1 to 10 milliseconds for each item.
 */
export type FsyncPolicy = "never" | "turn" | "always"

export interface RolloutStoreOptions {
  /** The folder that has `sessions`; absolute. It is made with the first thread. */
  readonly home: string
  /** Default: `never`. */
  readonly fsync?: FsyncPolicy
}

/** Lines that are decoded between two pauses. */
const LinesPerSlice = 512

type Operation = ThreadStoreError["operation"]

const errorOf = (operation: Operation, error: unknown): ThreadStoreError =>
  new ThreadStoreError({
    operation,
    reason: error instanceof Conflict || error instanceof FileChanged ? "conflict" : "unavailable",
    cause: error
  })

const attempt = <A>(operation: Operation, run: () => A): Effect.Effect<A, ThreadStoreError> =>
  Effect.try({ try: run, catch: (error) => errorOf(operation, error) })

/** Repeats a step, with pauses, while it says that there is more. */
const inSlices = (operation: Operation, step: () => boolean): Effect.Effect<void, ThreadStoreError> =>
  Effect.flatMap(attempt(operation, step), (isMore) =>
    isMore ? Effect.andThen(Effect.yieldNow, inSlices(operation, step)) : Effect.void
  )

const isDue = (policy: FsyncPolicy, events: ReadonlyArray<ThreadEvent>): boolean =>
  policy === "always" ||
  (policy === "turn" && events.some(({ _tag }) => _tag === "TurnStarted" || _tag === "TurnEnded"))

/** Flushes a file without blocking the server. */
const sync = (descriptor: number): Effect.Effect<void, ThreadStoreError> =>
  Effect.callback((resume) => {
    Fs.fdatasync(descriptor, (error) => resume(error === null ? Effect.void : Effect.fail(errorOf("append", error))))
  })

/** What the operations share. */
interface Backend {
  readonly files: RolloutFiles
  readonly index: ThreadIndex
  readonly fsync: FsyncPolicy
}

const read = (files: RolloutFiles, threadId: string, range: { readonly from: number; readonly limit: number }) =>
  Effect.suspend(() => {
    const into: Array<NumberedEvent> = []
    const step = () => files.read(threadId, range.from, range.limit, into, LinesPerSlice)
    return Effect.as(inSlices("read", step), into)
  })

/** Reads a thread's file to its end. */
const scanned = (files: RolloutFiles, operation: Operation, threadId: string) =>
  inSlices(operation, () => files.log(threadId)?.scan(LinesPerSlice) ?? false)

const append = (
  { files, fsync, index }: Backend,
  threadId: string,
  expectedSeq: number,
  events: ReadonlyArray<ThreadEvent>
) => {
  const write = Effect.suspend(() => {
    const isFlushed = isDue(fsync, events)
    let unflushed: number | undefined
    const written = attempt("append", () =>
      files.append(threadId, expectedSeq, events, (descriptor, staysOpen) => {
        if (isFlushed && staysOpen) unflushed = descriptor
        else if (isFlushed) Fs.fdatasyncSync(descriptor)
      })
    )
    return Effect.flatMap(written, () => {
      index.changed(threadId)
      return unflushed === undefined ? Effect.void : sync(unflushed)
    })
  })
  return Effect.andThen(scanned(files, "append", threadId), write)
}

const forked = Effect.fnUntraced(function* (
  { files, index }: Backend,
  sourceId: string,
  atSeq: number,
  created: EventOf<"Created">
) {
  yield* scanned(files, "fork", sourceId)
  const steps = files.fork(sourceId, atSeq, created)
  const copied = inSlices("fork", () => {
    for (let count = 0; count < LinesPerSlice; count++) if (steps.next().done === true) return false
    return true
  })
  // An interrupted copy removes its file.
  yield* Effect.ensuring(
    copied,
    Effect.sync(() => void steps.return(undefined))
  )
  index.changed(created.origin.id)
})

const summary = ({ files, index }: Backend, threadId: string) =>
  Effect.suspend(() => {
    const draft = files.draftSummary(threadId)
    return draft === null ? index.summary(threadId) : Effect.succeed(draft)
  })

const makeBackend = Effect.fnUntraced(function* ({ fsync = "never", home }: RolloutStoreOptions) {
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const warn = (message: string) => void fork(Effect.logWarning(message))
  const files = new RolloutFiles({
    home,
    onCorrupt: (path, position) => warn(`${path}: the line at byte ${position} is not readable and was passed over`)
  })
  const index = new WalkIndex({
    catalog: files.catalog,
    names: files.names,
    read: (threadId, range) => read(files, threadId, range),
    onUnreadable: (path, error) => warn(`${path} was not listed: ${asError(error).message}`)
  })
  return { files, index, fsync } satisfies Backend
})

export const make = Effect.fnUntraced(function* (options: RolloutStoreOptions) {
  const backend = yield* makeBackend(options)
  const { files, index } = backend
  return ThreadStore.of({
    append: (...args) => append(backend, ...args),
    read: (...args) => read(files, ...args),
    summary: (threadId) => Effect.mapError(summary(backend, threadId), (error) => errorOf("read", error)),
    list: (request) => Effect.mapError(index.page(request), (error) => errorOf("list", error)),
    search: (request) => Effect.mapError(index.search(request), (error) => errorOf("search", error)),
    fork: (...args) => forked(backend, ...args),
    pathOf: (thread) => files.pathOf(thread),
    threadAt: (path) => attempt("read", () => files.threadAt(path)),
    sections: {
      load: attempt("read", () => Sections.load(files.home)),
      save: (sections) => attempt("append", () => Sections.save(files.home, sections))
    },
    delete: (threadId) =>
      Effect.map(
        attempt("delete", () => files.delete(threadId)),
        () => index.changed(threadId)
      )
  })
})

/** A store on the rollout files of a home. */
export const layer = (options: RolloutStoreOptions): Layer.Layer<ThreadStore> =>
  Layer.effect(ThreadStore, make(options))
