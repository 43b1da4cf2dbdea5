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
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { EventOf, NumberedEvent, ThreadEvent } from "../../../services/thread/ThreadEvent.ts"
import { ThreadStore, ThreadStoreError } from "../../../services/thread/ThreadStore.ts"
import { networkAdvice, networkAt } from "./FileSystemType.ts"
import { isStorable } from "./Folder.ts"
import * as Lock from "./Lock.ts"
import { Locked, type Locks } from "./Lock.ts"
import { FileChanged } from "./Log.ts"
import * as Sections from "./Sections.ts"
import { Conflict, RolloutFiles } from "./RolloutFiles.ts"
import * as History from "./sqlite/History.ts"
import * as IndexedThreads from "./sqlite/IndexedThreads.ts"
import { asError, inSteps } from "./Slices.ts"

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

/** Files whose first line is read between two pauses. */
const FilesPerSlice = 64

type Operation = ThreadStoreError["operation"]

const errorOf = (operation: Operation, error: unknown): ThreadStoreError => {
  if (error instanceof ThreadStoreError) return error
  if (error instanceof Locked) {
    return new ThreadStoreError({ operation, reason: "locked", threadId: error.threadId, cause: error })
  }
  const isConflict = error instanceof Conflict || error instanceof FileChanged
  return new ThreadStoreError({ operation, reason: isConflict ? "conflict" : "unavailable", cause: error })
}

const attempt = <A>(operation: Operation, run: () => A): Effect.Effect<A, ThreadStoreError> =>
  Effect.try({ try: run, catch: (error) => errorOf(operation, error) })

/** Repeats a step, with pauses, while it reports that there is more. */
const inSlices = (operation: Operation, step: () => boolean): Effect.Effect<void, ThreadStoreError> =>
  Effect.flatMap(attempt(operation, step), (isMore) =>
    isMore ? Effect.andThen(Effect.yieldNow, inSlices(operation, step)) : Effect.void
  )

const turnEvents: ReadonlySet<ThreadEvent["_tag"]> = new Set(["TurnStarted", "TurnClaimed", "TurnEnded"])

const isDue = (policy: FsyncPolicy, events: ReadonlyArray<ThreadEvent>): boolean =>
  policy === "always" || (policy === "turn" && events.some(({ _tag }) => turnEvents.has(_tag)))

/** Flushes a file without blocking the server. */
const sync = (descriptor: number): Effect.Effect<void, ThreadStoreError> =>
  Effect.callback((resume) => {
    Fs.fdatasync(descriptor, (error) => resume(error === null ? Effect.void : Effect.fail(errorOf("append", error))))
  })

/** What the operations share. */
interface Backend {
  readonly files: RolloutFiles
  readonly index: IndexedThreads.IndexedThreads
  readonly fsync: FsyncPolicy
  readonly locks: Locks
  /** The locks of new threads, which are taken in the background. */
  readonly pending: Map<string, Fiber.Fiber<Effect.Effect<void>, Error>>
  /** The scope of the store. */
  readonly scope: Scope.Scope
  readonly warn: (message: string) => void
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

/** Appends to a log that was read to its end. */
const write = (
  { files, fsync, index }: Backend,
  threadId: string,
  expectedSeq: number,
  events: ReadonlyArray<ThreadEvent>
): Effect.Effect<void, ThreadStoreError> =>
  Effect.suspend(() => {
    const isFlushed = isDue(fsync, events)
    let unflushed: number | undefined
    try {
      files.append(threadId, expectedSeq, events, (descriptor, staysOpen) => {
        if (isFlushed && staysOpen) unflushed = descriptor
        else if (isFlushed) Fs.fdatasyncSync(descriptor)
      })
    } catch (error) {
      return Effect.fail(errorOf("append", error))
    }
    index.changed(threadId)
    if (unflushed === undefined) return Effect.void
    return Effect.tapError(sync(unflushed), () => Effect.ignore(attempt("append", () => files.undo(threadId))))
  })

const append = (
  backend: Backend,
  threadId: string,
  expectedSeq: number,
  events: ReadonlyArray<ThreadEvent>
): Effect.Effect<void, ThreadStoreError> =>
  Effect.andThen(scanned(backend.files, "append", threadId), write(backend, threadId, expectedSeq, events))

/** Waits for the lock of a new thread. A new thread is also written where files cannot be locked. */
const settleNew = ({ pending, warn }: Backend, threadId: string): Effect.Effect<void, ThreadStoreError> => {
  const fiber = pending.get(threadId)
  if (fiber === undefined) return Effect.void
  return Effect.flatMap(Fiber.await(fiber), (exit) => {
    pending.delete(threadId)
    if (Exit.isSuccess(exit)) return Effect.void
    const error = Cause.squash(exit.cause)
    if (error instanceof Locked) return Effect.fail(errorOf("append", error))
    return Effect.sync(() => warn(`thread ${threadId} is written without a lock: ${asError(error).message}`))
  })
}

/** Runs a change with the thread's lock, unless this store holds it. */
const locked = <A>(
  { files, locks }: Backend,
  operation: Operation,
  threadId: string,
  change: Effect.Effect<A, ThreadStoreError>
): Effect.Effect<A, ThreadStoreError> =>
  files.isHeld(threadId) || !isStorable(threadId)
    ? change
    : Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(
          Effect.mapError(locks.acquire(threadId), (error) => errorOf(operation, error)),
          (free) => Effect.ensuring(restore(change), free)
        )
      )

/** A name may be given while another process has the thread. It becomes a line with the next append. */
const named = ({ files }: Backend, threadId: string, expectedSeq: number, events: ReadonlyArray<ThreadEvent>) =>
  Effect.andThen(
    scanned(files, "append", threadId),
    attempt("append", () => files.appendName(threadId, expectedSeq, events))
  )

const appendLocked = (
  backend: Backend,
  threadId: string,
  expectedSeq: number,
  events: ReadonlyArray<ThreadEvent>
): Effect.Effect<void, ThreadStoreError> =>
  Effect.suspend(() => {
    const { files, pending } = backend
    if (files.isOpen(threadId)) return write(backend, threadId, expectedSeq, events)
    const appended = append(backend, threadId, expectedSeq, events)
    if (pending.has(threadId) && files.isWritten(threadId, events)) {
      return Effect.andThen(settleNew(backend, threadId), appended)
    }
    if (files.isHeld(threadId)) return appended
    return Effect.flatMap(
      attempt("append", () => files.isWritten(threadId, events)),
      (isWritten) => {
        if (!isWritten) return appended
        const changed = locked(backend, "append", threadId, appended)
        if (!events.every(({ _tag }) => _tag === "NameSet")) return changed
        return Effect.catch(changed, (error) =>
          error.reason === "locked" ? named(backend, threadId, expectedSeq, events) : Effect.fail(error)
        )
      }
    )
  })

/** Whether the history of another thread refers to this one. Without an index, the first line of every file is read. */
const isReferenced = ({ files, index }: Backend, threadId: string): Effect.Effect<boolean, ThreadStoreError> => {
  const search = inSteps(files.references(threadId), FilesPerSlice)
  const indexed = Effect.orElseSucceed(index.isReferenced(threadId), () => undefined)
  return Effect.mapError(
    Effect.flatMap(indexed, (found) => (found === undefined ? search : Effect.succeed(found))),
    (error) => errorOf("delete", error)
  )
}

/** Deletes a thread, unless the history of another one refers to it. */
const removed = (backend: Backend, threadId: string): Effect.Effect<void, ThreadStoreError> =>
  Effect.gen(function* () {
    const { files, index } = backend
    if (yield* isReferenced(backend, threadId)) {
      const cause = new Error("another file refers to it")
      return yield* new ThreadStoreError({ operation: "delete", reason: "referenced", threadId, cause })
    }
    yield* attempt("delete", () => files.delete(threadId))
    index.changed(threadId)
  })

/** Claims a new thread: its lock is taken in the background, and its first file waits for it. */
const claimNew = ({ files, locks, pending, scope }: Backend, threadId: string) =>
  Effect.gen(function* () {
    files.holdNew(threadId)
    const fiber = yield* Effect.forkIn(locks.acquire(threadId), scope)
    pending.set(threadId, fiber)
    return Effect.suspend(() => {
      if (!files.isHeld(threadId)) return Effect.void
      files.release(threadId)
      pending.delete(threadId)
      return Effect.flatMap(Fiber.await(fiber), (exit) => (Exit.isSuccess(exit) ? exit.value : Effect.void))
    })
  })

/** Claims a stored thread. An unknown one needs no claim. */
const claimStored = (backend: Backend, threadId: string): Effect.Effect<Effect.Effect<void>, ThreadStoreError> =>
  Effect.gen(function* () {
    const { files, locks } = backend
    const isKnown = yield* attempt("claim", () => files.log(threadId) !== undefined)
    if (!isKnown) return Effect.void
    const free = yield* Effect.mapError(locks.acquire(threadId), (error) => errorOf("claim", error))
    const hold = Effect.andThen(
      scanned(files, "claim", threadId),
      attempt("claim", () => files.hold(threadId))
    )
    yield* Effect.onError(hold, () => free)
    return Effect.suspend(() => {
      if (!files.isHeld(threadId)) return Effect.void
      files.release(threadId)
      return free
    })
  })

const forked = Effect.fnUntraced(function* (
  backend: Backend,
  sourceId: string,
  atSeq: number,
  created: EventOf<"Created">
) {
  const { files, index } = backend
  const { id } = created.origin
  yield* settleNew(backend, id)
  yield* scanned(files, "fork", sourceId)
  const steps = files.fork(sourceId, atSeq, created)
  // An interrupted copy removes its file.
  yield* Effect.ensuring(
    Effect.mapError(inSteps(steps, LinesPerSlice), (error) => errorOf("fork", error)),
    Effect.sync(() => void steps.return(undefined))
  )
  index.changed(id)
  if (!files.isHeld(id)) return
  yield* scanned(files, "fork", id)
  yield* attempt("fork", () => files.hold(id))
})

const summary = ({ files, index }: Backend, threadId: string) =>
  Effect.suspend(() => {
    const draft = files.draftSummary(threadId)
    return draft === null ? index.summary(threadId) : Effect.succeed(draft)
  })

const makeBackend = Effect.fnUntraced(function* ({ fsync = "never", home }: RolloutStoreOptions) {
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const warn = (message: string) => void fork(Effect.logWarning(message))
  const network = networkAt(home)
  if (network !== undefined) {
    yield* Effect.logWarning(`the home ${home} is on a network file system (${network}): ${networkAdvice}`)
  }
  const files = new RolloutFiles({
    home,
    onCorrupt: (path, position) => warn(`${path}: the line at byte ${position} is not readable and was passed over`)
  })
  const index = yield* IndexedThreads.make({
    home,
    catalog: files.catalog,
    names: files.names,
    read: (threadId, range) => read(files, threadId, range),
    onUnreadable: (path, error) => warn(`${path} was not listed: ${asError(error).message}`)
  })
  return {
    files,
    index,
    fsync,
    locks: yield* Lock.make(home),
    pending: new Map(),
    scope: yield* Effect.scope,
    warn
  } satisfies Backend
})

export const make = Effect.fnUntraced(function* (options: RolloutStoreOptions) {
  const backend = yield* makeBackend(options)
  const { files, index } = backend
  const all = { read: (...args: Parameters<ThreadStore["Service"]["read"]>) => read(files, ...args) }
  return ThreadStore.of({
    append: (...args) => appendLocked(backend, ...args),
    claim: (threadId, isNew) =>
      isNew && isStorable(threadId) ? claimNew(backend, threadId) : claimStored(backend, threadId),
    ...all,
    readTurns: (...args) => History.readTurns(index, all, ...args),
    readItems: (...args) => History.readItems(index, all, ...args),
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
      Effect.flatMap(
        attempt("delete", () => files.log(threadId) !== undefined),
        (isKnown) =>
          isKnown
            ? locked(backend, "delete", threadId, removed(backend, threadId))
            : attempt("delete", () => files.delete(threadId))
      )
  })
})

/** A store on the rollout files of a home. */
export const layer = (options: RolloutStoreOptions): Layer.Layer<ThreadStore> =>
  Layer.effect(ThreadStore, make(options))
