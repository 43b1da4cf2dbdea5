/**
 * The threads that are loaded: their opening, unloading and end.
 *
 * Each thread has its own scope, which ends its tools and its turn. A thread is unloaded after `IdleUnload` without a subscriber
 * and a running turn. Does not own how a thread is set up or where its state comes from (`Threads`).
 *
 * ```
 *  open ──► loaded ──IdleUnload without subscribers and turns──► closing ──► not loaded
 *             └────────────────── stop ─────────────────────────────┘
 * ```
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { Position } from "../../protocol/extensions/Sequence.ts"
import type { ConfigWarning } from "../config/Config.ts"
import { contribute } from "../observability/Diagnostics.ts"
import { beginTurns } from "../observability/MetricRegistry.ts"
import { ToolRegistry } from "../tool/ToolRegistry.ts"
import { goOn } from "./turn/RecoveredTurn.ts"
import * as IdleThreads from "./IdleThreads.ts"
import * as RunningTurns from "./RunningTurns.ts"
import { Thread } from "./Thread.ts"
import { ThreadContext, type ThreadServices } from "./ThreadContext.ts"
import type { ThreadEvent } from "./ThreadEvent.ts"
import { ThreadJournal } from "./ThreadJournal.ts"
import type { ThreadSetup } from "./ThreadSetup.ts"
import type { ThreadState } from "./ThreadState.ts"
import type { ThreadStore, ThreadStoreError } from "./ThreadStore.ts"
import * as ThreadTools from "./ThreadTools.ts"

/** Delay before a started thread prepares its model, so that the response to thread/start is sent first. */
const PrepareDelay = Duration.millis(100)

/** How long the unloading of a thread waits for its tools to close. */
export const UnloadGrace = Context.Reference("spindle/UnloadGrace", { defaultValue: () => Duration.seconds(10) })

/** A thread to open. */
export interface Opening<E> {
  readonly threadId: string
  readonly setup: ThreadSetup
  /** Frees the right to write to the thread. It runs after the thread's last event was stored. */
  readonly release: Effect.Effect<void>
  /** Stores or reads the thread, after its rules were read. */
  readonly state: Effect.Effect<ThreadState, E>
  /** Events that opening adds. They are committed before the thread is visible. */
  readonly changes: (state: ThreadState) => ReadonlyArray<ThreadEvent>
  /** The position of its notifications that they continue. Default: they start over. */
  readonly mark?: Position | null
}

/** An opened thread, and the warnings about its command rules. */
export interface Opened {
  readonly thread: Thread
  readonly configWarnings: ReadonlyArray<ConfigWarning>
}

interface Loaded {
  readonly thread: Thread
  readonly journal: ThreadJournal
  readonly scope: Scope.Closeable
  /** The scope of the tools, within that of the thread. */
  readonly toolScope: Scope.Closeable
  /** Frees the right to write to the thread. */
  readonly release: Effect.Effect<void>
  isUnloading: boolean
  /** Closes the scope of a thread that is unloaded. */
  closing: Fiber.Fiber<void> | undefined
}

/** Services for opening threads. */
interface Engine {
  readonly services: ThreadServices
  readonly store: ThreadStore["Service"]
  readonly tools: Effect.Success<typeof ThreadTools.make>
  readonly threads: Map<string, Loaded>
  readonly activity: RunningTurns.TurnActivity
  /** Starts the idle timer of an unused thread, or stops that of a used one. */
  readonly touch: (threadId: string) => void
  /** The scope of the server. */
  readonly scope: Scope.Scope
}

const openIn = Effect.fnUntraced(function* <E>(
  { activity, services, store, threads, tools, touch }: Engine,
  { changes, mark, release, setup, state: stored, threadId }: Opening<E>,
  scope: Scope.Closeable
) {
  const { config, instructions, provider, reread } = setup
  const toolScope = yield* Scope.fork(scope)
  const { shell, warnings: configWarnings } = yield* Scope.provide(tools.openShell(threadId, config), toolScope)
  const { model, router } = services
  const registry = new ToolRegistry()
  const { cwd } = setup.settings.value
  const beginMcp = yield* Scope.provide(tools.openMcp(router, { threadId, cwd, config, reread, registry }), toolScope)
  const state = yield* stored
  const onDegraded = (error: ThreadStoreError) => threads.get(threadId)?.thread.failTurn(error)
  const journal = new ThreadJournal({ state, store, router, onDegraded })
  // Closed before the tools. What runs in it is interrupted all at once.
  const running = yield* Scope.fork(scope, "parallel")
  const context = new ThreadContext({
    services,
    journal,
    instructions,
    registry,
    shell,
    config,
    scope: running,
    provider
  })
  yield* journal.commit(changes(state))
  if (!context.hooks.isOpen) yield* Effect.forkIn(context.hooks.load, running, { startImmediately: true })
  if (model.prepare !== undefined) {
    yield* Effect.forkIn(Effect.delay(model.prepare(journal.state.settings.modelProvider), PrepareDelay), scope)
  }
  const thread = new Thread({ context, activity, instructionSources: instructions.documents.sources, scope: running })
  yield* tools.openTools(context, registry, config, toolScope)
  // Deferred, because the client that starts the thread subscribes in this step.
  yield* Effect.forkIn(Effect.andThen(Effect.yieldNow, beginMcp), toolScope)
  if (mark != null) router.continueAfter(threadId, mark)
  services.serverRequests.reserve(journal.state.lastRequestId)
  // Before clients can find the thread and start another turn.
  yield* goOn(context, (turn, task) => thread.runTask(turn, task))
  threads.set(threadId, { thread, journal, scope, toolScope, release, isUnloading: false, closing: undefined })
  touch(threadId)
  return { thread, configWarnings } satisfies Opened
})

/** Opens a thread. A failure or an interrupt releases everything. */
const open = <E>(engine: Engine, opening: Opening<E>): Effect.Effect<Opened, E | ThreadTools.OpenError> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Scope.fork(engine.scope), (scope) =>
      Effect.onError(restore(openIn(engine, opening, scope)), (cause) => Scope.close(scope, Exit.failCause(cause)))
    )
  )

/** Stores where clients that return have to be, as the last event of the thread. */
const marked = ({ services: { clock, router } }: Engine, { journal, thread }: Loaded): Effect.Effect<void> =>
  Effect.suspend(() => {
    const position = router.kept(thread.id)
    if (position === undefined || !journal.state.isRecorded) return Effect.void
    return journal.commit([{ _tag: "SequenceMarked", at: clock.currentTimeMillisUnsafe(), ...position }])
  })

/** Closes the scope of a thread, but waits for its tools no longer than the grace. Tools that are abandoned store and publish nothing. */
const closeInTime = Effect.fnUntraced(function* (engine: Engine, loaded: Loaded) {
  const { journal, release, scope, thread } = loaded
  const grace = yield* UnloadGrace
  // A fiber of its own, so that it can be abandoned. Until then the stop of all threads waits for it.
  const closing = yield* Effect.forkDetach(Scope.close(scope, Exit.void), { startImmediately: true })
  loaded.closing = closing
  const closed = yield* Effect.timeoutOption(Fiber.await(closing), grace)
  // An abandoned tool may still do something.
  const mark = Option.isSome(closed) ? marked(engine, loaded) : Effect.void
  yield* Effect.ensuring(Effect.andThen(mark, thread.flush), release)
  if (Option.isSome(closed)) return
  journal.closeNow()
  yield* Effect.logError(
    `the tools of thread ${thread.id} did not close within ${Duration.format(grace)} and were abandoned`
  )
})

/** `isLast` is false for a thread that is loaded again at once. */
const unload = Effect.fnUntraced(function* (engine: Engine, loaded: Loaded, isLast: boolean) {
  const {
    services: { router },
    threads
  } = engine
  const threadId = loaded.thread.id
  yield* closeInTime(engine, loaded)
  // One step: a client may load the thread again while its end is still being published to slow clients.
  yield* Effect.suspend(() => {
    threads.delete(threadId)
    engine.services.agents.changed(threadId)
    const waits = [
      router.publishNow("thread/status/changed", { threadId, status: { type: "notLoaded" } }, threadId),
      ...(isLast ? [router.publishNow("thread/closed", { threadId }, threadId)] : [])
    ]
    router.forget(threadId)
    return Effect.forEach(waits, (wait) => wait ?? Effect.void, { discard: true })
  })
})

/** Ends a thread with its turn, its tools and its commands. */
const end = Effect.fnUntraced(function* (engine: Engine, loaded: Loaded) {
  const { closing, release, scope, thread } = loaded
  yield* thread.stop
  yield* closing === undefined ? Scope.close(scope, Exit.void) : Fiber.await(closing)
  if (!loaded.isUnloading) yield* marked(engine, loaded)
  yield* release
  engine.threads.delete(thread.id)
})

const contributeThreads = ({ services: { router }, threads }: Engine) =>
  contribute("threads", () =>
    Array.from(threads, ([id, { thread }]) => ({
      id,
      status: thread.status.type,
      running: thread.isRunning,
      subscribers: router.subscribers(id).map((connection) => connection.id),
      published: router.position(id).seq
    }))
  )

const makeIdleUnload = Effect.fnUntraced(function* (engine: Engine) {
  const { scope, services, threads } = engine
  const touch = yield* IdleThreads.make({
    isInUse: (threadId) =>
      threads.get(threadId)?.thread.isInUse === true || services.router.subscribers(threadId).length > 0,
    unload: (threadId) =>
      Effect.suspend(() => {
        const loaded = threads.get(threadId)
        if (loaded === undefined) return Effect.void
        // A closing thread accepts no subscriber.
        loaded.isUnloading = true
        loaded.thread.close()
        return Effect.asVoid(Effect.forkIn(unload(engine, loaded, true), scope))
      })
  })
  return (threadId: string): void => {
    services.agents.changed(threadId)
    if (threads.get(threadId)?.isUnloading === false) touch(threadId)
  }
})

export const make = Effect.fnUntraced(function* (services: ThreadServices, store: ThreadStore["Service"]) {
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const threads = new Map<string, Loaded>()
  const touch = (threadId: string) => idleUnload(threadId)
  const turns = RunningTurns.make(touch)
  const { activity } = turns
  const tools = yield* ThreadTools.make
  const engine: Engine = { services, store, tools, threads, activity, touch, scope: yield* Effect.scope }
  const idleUnload = yield* makeIdleUnload(engine)
  yield* services.router.onAudienceChange(touch)
  yield* beginTurns
  yield* contributeThreads(engine)

  const endAll = Effect.suspend(() =>
    Effect.forEach(Array.from(threads.values()), (loaded) => end(engine, loaded), {
      concurrency: "unbounded",
      discard: true
    })
  )
  // Requests that still run may have opened others meanwhile.
  const stop = Effect.whileLoop({ while: () => threads.size > 0, body: () => endAll, step: () => {} })
  yield* Effect.addFinalizer(() => stop)

  return {
    open: <E>(opening: Opening<E>) => open(engine, opening),
    /** Unloads a thread that is loaded again at once. `thread/closed` is not published. */
    replace: (threadId: string): Effect.Effect<void> =>
      Effect.suspend(() => {
        const loaded = threads.get(threadId)
        if (loaded === undefined || loaded.isUnloading) return Effect.void
        loaded.isUnloading = true
        loaded.thread.close()
        const unloaded = Effect.forkIn(unload(engine, loaded, false), engine.scope, { startImmediately: true })
        return Effect.asVoid(Effect.flatMap(unloaded, Fiber.await))
      }),
    find: (threadId: string): Thread | undefined => threads.get(threadId)?.thread,
    /** Ids of the loaded threads, oldest first. */
    ids: (): ReadonlyArray<string> => Array.from(threads.keys()),
    /** False while the server drains: no turn may start. */
    isAdmitting: activity.isAdmitting,
    /** Number of running turns. */
    running: turns.count,
    drain: turns.drain,
    /** Ends every thread with its turn, its tools and its commands, concurrently. */
    stop,
    /**
     * Abandons the threads that have not ended: they can no longer store or publish, and their tools are closed. Returns their
     * descriptions for the log.
     */
    abandonNow: (): ReadonlyArray<string> =>
      Array.from(threads.values(), ({ journal, release, thread, toolScope }) => {
        journal.closeNow()
        fork(release)
        fork(Scope.close(toolScope, Exit.void))
        return thread.isRunning ? `the turn that runs in thread ${thread.id}` : `the tools of thread ${thread.id}`
      })
  }
})
