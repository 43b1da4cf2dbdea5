/**
 * Changes of threads that need not be loaded: facts, archiving, deletion, revert.
 *
 * A loaded thread is changed through its journal. A thread that is not loaded is read, changed in the store, and not loaded.
 * Owns that nothing loads a thread while it is being changed here. Does not own which events a change has (the callers), nor
 * loading (`Threads`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { Thread as ThreadView, ThreadReadState } from "../../protocol/v2/thread/Thread.ts"
import type * as LoadedThreads from "./LoadedThreads.ts"
import type { Sections } from "./Sections.ts"
import { isOnRecord, readState } from "./StoredThread.ts"
import type { Thread } from "./Thread.ts"
import type { ThreadServices } from "./ThreadContext.ts"
import {
  EphemeralThread,
  type InvalidThreadId,
  type ThreadClosing,
  StalePath,
  ThreadInUse,
  ThreadNotFound,
  TurnNotFound
} from "./ThreadError.ts"
import type { ThreadEvent } from "./ThreadEvent.ts"
import { checkId } from "./ThreadId.ts"
import type { Changed, Decision, Notification } from "./ThreadJournal.ts"
import { fold, type ThreadState } from "./ThreadState.ts"
import type { ThreadStore, ThreadStoreError, ThreadSummary } from "./ThreadStore.ts"
import { readStateOf, summaryOf, toThread } from "./ThreadView.ts"

/** Errors of all changes. */
export type ChangeError = InvalidThreadId | ThreadNotFound | ThreadClosing | ThreadStoreError

export interface ThreadChanges {
  /**
   * Changes a thread, loaded or not. Fails with `ThreadNotFound` (`record`) for a thread that is neither loaded nor stored.
   * `decide` runs when no other change is under way.
   */
  readonly change: <A, E>(
    threadId: string,
    decide: (state: ThreadState) => Effect.Effect<Decision<A>, E>
  ) => Effect.Effect<Changed<A>, E | ChangeError>
  /** Ends the thread, if it is loaded. It stays stored. */
  readonly end: (threadId: string) => Effect.Effect<void, ChangeError>
  /** Runs the effect while nothing loads, unloads or changes the thread. */
  readonly locked: <A, E>(threadId: string, effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** Ends the thread and marks it as archived. */
  readonly archive: (threadId: string) => Effect.Effect<void, ChangeError>
  /** Removes the mark. The thread is not loaded. */
  readonly unarchive: (threadId: string) => Effect.Effect<ThreadView, ChangeError | ThreadInUse>
  /** Ends the thread and removes it from the store. */
  readonly remove: (threadId: string) => Effect.Effect<void, ChangeError | EphemeralThread>
  /** Removes the turn and all later ones from a loaded thread. A running turn is interrupted. */
  readonly revert: (
    thread: Thread,
    beforeTurnId: string
  ) => Effect.Effect<void, ChangeError | TurnNotFound | EphemeralThread>
  /** Whether threads are kept in files that requests can name. */
  readonly hasFiles: boolean
  /** The id of the thread that is to be resumed: that of its file, if one is named. The file of a loaded thread must be its own. */
  readonly locate: (
    threadId: string,
    path: string | null | undefined
  ) => Effect.Effect<string, StalePath | ThreadNotFound | ThreadStoreError>
  /** The state of a thread, loaded or not; null for an unknown one. */
  readonly state: (threadId: string) => Effect.Effect<ThreadState | null, InvalidThreadId | ThreadStoreError>
  /** The thread as clients see it. */
  readonly view: (summary: ThreadSummary) => Effect.Effect<ThreadView, ThreadStoreError>
  /** How far a listed thread was read. */
  readonly readState: (summary: ThreadSummary) => ThreadReadState | null
}

interface Engine {
  readonly services: ThreadServices
  readonly store: ThreadStore["Service"]
  readonly threads: Effect.Success<ReturnType<typeof LoadedThreads.make>>
  readonly sections: Sections
  /** Nothing loads the thread meanwhile. */
  readonly locked: <A, E>(threadId: string, effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
}

/** Publishes to the clients that hear of threads which are not loaded. */
const publishAll = (
  { services: { router } }: Engine,
  notifications: ReadonlyArray<Notification>
): Effect.Effect<void> =>
  Effect.forEach(notifications, ({ method, params }) => router.notify(method, params, null), { discard: true })

const changeStored = Effect.fnUntraced(function* <A, E>(
  engine: Engine,
  threadId: string,
  decide: (state: ThreadState) => Effect.Effect<Decision<A>, E>
): Effect.fn.Return<Changed<A>, E | ChangeError> {
  const before = yield* readState(engine.store, threadId)
  if (before === null) return yield* new ThreadNotFound({ threadId, sought: "record" })
  const { events, notifications = [], value } = yield* decide(before)
  if (events.length > 0) yield* engine.store.append(threadId, before.nextSeq, events)
  return { value, state: fold(before, events), publish: publishAll(engine, notifications) }
})

const makeChange =
  (engine: Engine): ThreadChanges["change"] =>
  (threadId, decide) => {
    const changed = Effect.suspend(() => {
      const thread = engine.threads.find(threadId)
      return thread === undefined ? changeStored(engine, threadId, decide) : thread.change(decide)
    })
    return Effect.andThen(checkId(threadId, "thread"), engine.locked(threadId, changed))
  }

/** Ends a loaded thread. Other clients see it as not loaded. */
const endLoaded = Effect.fnUntraced(function* (
  { threads }: Engine,
  thread: Thread,
  last: Effect.Effect<void, ChangeError>
): Effect.fn.Return<void, ChangeError> {
  yield* thread.checkOpen(false)
  yield* thread.stored
  yield* thread.withoutTurn(last)
  yield* threads.replace(thread.id)
})

const marked = (thread: Thread, event: ThreadEvent): Effect.Effect<void, ChangeError> =>
  Effect.andThen(
    thread.change(() => Effect.succeed({ events: [event], value: undefined })),
    thread.stored
  )

const makeArchive = (engine: Engine): ThreadChanges["archive"] =>
  Effect.fnUntraced(function* (threadId) {
    yield* checkId(threadId, "session")
    const missing = new ThreadNotFound({ threadId, sought: "record" })
    const event: ThreadEvent = { _tag: "Archived", at: engine.services.clock.currentTimeMillisUnsafe() }
    const archived = Effect.gen(function* () {
      const thread = engine.threads.find(threadId)
      if (thread?.state.origin.ephemeral === true) return yield* missing
      if (thread !== undefined) return yield* endLoaded(engine, thread, marked(thread, event))
      yield* changeStored(engine, threadId, (state) =>
        state.archived ? Effect.fail(missing) : Effect.succeed({ events: [event], value: undefined })
      )
    })
    yield* engine.locked(threadId, archived)
  })

const makeUnarchive = (engine: Engine): ThreadChanges["unarchive"] =>
  Effect.fnUntraced(function* (threadId) {
    yield* checkId(threadId, "session")
    const missing = new ThreadNotFound({ threadId, sought: "archived record" })
    const event: ThreadEvent = { _tag: "Unarchived", at: engine.services.clock.currentTimeMillisUnsafe() }
    const unarchived = Effect.gen(function* () {
      const loaded = engine.threads.find(threadId)
      if (loaded !== undefined) {
        return yield* loaded.state.origin.ephemeral ? missing : new ThreadInUse({ threadId })
      }
      const state = yield* readState(engine.store, threadId)
      if (state?.archived !== true) return yield* missing
      return yield* changeStored(engine, threadId, () => Effect.succeed({ events: [event], value: undefined }))
    })
    const { state } = yield* engine.locked(threadId, unarchived)
    return yield* viewOf(engine, summaryOf(state))
  })

const makeRemove = (engine: Engine): ThreadChanges["remove"] =>
  Effect.fnUntraced(function* (threadId) {
    yield* checkId(threadId, "thread")
    const removed = Effect.gen(function* () {
      const thread = engine.threads.find(threadId)
      if (thread?.state.origin.ephemeral === true)
        return yield* new EphemeralThread({ threadId, unsupported: "deletion" })
      if (thread !== undefined) yield* endLoaded(engine, thread, Effect.void)
      else if ((yield* engine.store.summary(threadId)) === null)
        return yield* new ThreadNotFound({ threadId, sought: "record" })
      yield* engine.store.delete(threadId)
    })
    yield* engine.locked(threadId, removed)
  })

/** The read state after a revert: it must not point to a turn that is gone. */
const readAfterRevert = (
  state: ThreadState,
  kept: number,
  revision: string,
  at: number
): Effect.Effect<Decision<void>> => {
  const turns = state.turns.length - kept
  const rolledBack: ThreadEvent = { _tag: "RolledBack", at, turns }
  const unread = state.readState?.firstUnread
  const isGone = unread?.type === "turn" && state.turns.findIndex(({ id }) => id === unread.turnId) >= kept
  if (!isGone) return Effect.succeed({ events: [rolledBack], value: undefined })
  const readState: ThreadReadState = { firstUnread: null, revision }
  return Effect.succeed({
    events: [rolledBack, { _tag: "ReadStateSet", at, readState }],
    notifications: [{ method: "thread/readState/changed", params: { threadId: state.origin.id, readState } }],
    value: undefined
  })
}

const makeRevert = (engine: Engine): ThreadChanges["revert"] =>
  Effect.fnUntraced(function* (thread, beforeTurnId) {
    const { clock, random, router } = engine.services
    const { id: threadId } = thread
    if (thread.state.origin.ephemeral) return yield* new EphemeralThread({ threadId, unsupported: "thread/revert" })
    const find = (state: ThreadState) => state.turns.findLastIndex(({ id }) => id === beforeTurnId)
    const unknown = new TurnNotFound({ turnId: beforeTurnId })
    if (find(thread.state) === -1) return yield* unknown
    yield* thread.stored
    const revision = yield* random.uuidV7()
    const reverted = thread.change((state) => {
      const kept = find(state)
      return kept === -1
        ? Effect.fail(unknown)
        : readAfterRevert(state, kept, revision, clock.currentTimeMillisUnsafe())
    })
    const { publish } = yield* thread.withoutTurn(reverted)
    yield* thread.stored
    // Clients that show the thread read it again.
    yield* router.notify("thread/status/changed", { threadId, status: { type: "notLoaded" } }, threadId)
    yield* publish
    yield* router.notify("thread/status/changed", { threadId, status: thread.status }, threadId)
  })

const viewOf = Effect.fnUntraced(function* (
  { sections, services: { lookup }, threads }: Engine,
  summary: ThreadSummary
) {
  if (summary.section !== null) yield* sections.list
  return threads.find(summary.origin.id)?.view(false) ?? toThread(summary, { type: "notLoaded" }, null, [], lookup)
})

/** Maximum number of characters of a path in an error. */
const MaxEchoed = 1024

const makeLocate =
  ({ services: { lookup }, store, threads }: Engine): ThreadChanges["locate"] =>
  (threadId, path) => {
    const { threadAt } = store
    if (path == null || path === "" || threadAt === undefined) return Effect.succeed(threadId)
    const loaded = threads.find(threadId)
    if (loaded !== undefined) {
      const active = lookup.path(summaryOf(loaded.state))
      const requested = path.slice(0, MaxEchoed)
      return active === path ? Effect.succeed(threadId) : Effect.fail(new StalePath({ threadId, requested, active }))
    }
    return Effect.flatMap(threadAt(path), (found) =>
      found === null ? Effect.fail(new ThreadNotFound({ threadId, sought: "record" })) : Effect.succeed(found)
    )
  }

export const make = (engine: Engine): ThreadChanges => ({
  hasFiles: engine.store.threadAt !== undefined,
  locate: makeLocate(engine),
  change: makeChange(engine),
  locked: engine.locked,
  end: (threadId) => {
    const ended = Effect.suspend(() => {
      const thread = engine.threads.find(threadId)
      return thread === undefined ? Effect.void : endLoaded(engine, thread, Effect.void)
    })
    return engine.locked(threadId, ended)
  },
  archive: makeArchive(engine),
  unarchive: makeUnarchive(engine),
  remove: makeRemove(engine),
  revert: makeRevert(engine),
  state: Effect.fnUntraced(function* (threadId) {
    const loaded = engine.threads.find(threadId)
    if (loaded !== undefined) return loaded.state
    yield* checkId(threadId, "thread")
    return yield* readState(engine.store, threadId)
  }),
  view: (summary) => viewOf(engine, summary),
  readState: (summary) => {
    const loaded = engine.threads.find(summary.origin.id)
    return loaded === undefined ? readStateOf(summary, true) : readStateOf(loaded.state, isOnRecord(loaded.state))
  }
})
