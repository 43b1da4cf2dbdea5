/**
 * The threads that are loaded: how they are opened and unloaded, and how many turns run.
 *
 * Each thread lives in a scope of its own: its tools and its turn end with it. A thread is unloaded when it has had neither a
 * subscriber nor a running turn for `IdleUnload`. Does not own how a thread is set up or where its state comes from (`Threads`).
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
import * as FiberMap from "effect/FiberMap"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { ConfigWarning } from "../config/Config.ts"
import { contribute } from "../observability/Diagnostics.ts"
import { beginTurns } from "../observability/MetricRegistry.ts"
import type { RulesUnavailable } from "../tool/ExecRules.ts"
import { ToolRegistry } from "../tool/ToolRegistry.ts"
import { type TurnActivity, Thread } from "./Thread.ts"
import { ThreadContext, type ThreadServices } from "./ThreadContext.ts"
import type { ThreadEvent } from "./ThreadEvent.ts"
import { ThreadJournal } from "./ThreadJournal.ts"
import type { ThreadSetup } from "./ThreadSetup.ts"
import type { ThreadState } from "./ThreadState.ts"
import type { ThreadStore, ThreadStoreError } from "./ThreadStore.ts"
import * as ThreadTools from "./ThreadTools.ts"

/** How long a thread stays loaded that nobody follows and that does nothing. */
export const IdleUnload = Context.Reference("spindle/IdleUnload", { defaultValue: () => Duration.minutes(30) })

/** How long after its start a thread's model gets ready: not before the answer to thread/start is out. */
const PrepareDelay = Duration.millis(100)

/** A thread to open. */
export interface Opening<E> {
  readonly threadId: string
  readonly setup: ThreadSetup
  /** Stores or reads the thread, once its rules are read. */
  readonly state: Effect.Effect<ThreadState, E>
  /** What opening changes. It is committed before anybody can see the thread. */
  readonly changes: (state: ThreadState) => ReadonlyArray<ThreadEvent>
}

/** A thread that has been opened, and what its rules about commands warn of. */
export interface Opened {
  readonly thread: Thread
  readonly configWarnings: ReadonlyArray<ConfigWarning>
}

interface Loaded {
  readonly thread: Thread
  readonly journal: ThreadJournal
  readonly scope: Scope.Closeable
  /** Of the tools, within the scope. */
  readonly toolScope: Scope.Closeable
  isUnloading: boolean
}

export const make = Effect.fnUntraced(function* (services: ThreadServices, store: ThreadStore["Service"]) {
  const { model, router } = services
  const tools = yield* ThreadTools.make
  const idleUnload = yield* IdleUnload
  const scope = yield* Effect.scope
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const threads = new Map<string, Loaded>()
  const running = yield* SubscriptionRef.make(0)
  const timers = yield* FiberMap.make<string, void>()
  const startTimer = yield* FiberMap.runtime(timers)<never>()
  let isDraining = false
  yield* beginTurns
  yield* contribute("threads", () =>
    Array.from(threads, ([id, { thread }]) => ({
      id,
      status: thread.status.type,
      running: thread.isRunning,
      subscribers: router.subscribers(id).map((connection) => connection.id)
    }))
  )

  const unload = Effect.fnUntraced(function* ({ thread, scope: threadScope }: Loaded) {
    const threadId = thread.id
    yield* Scope.close(threadScope, Exit.void)
    yield* thread.flush
    // One step: a client that loads the thread again, while the end is still being published to slow clients, begins anew.
    yield* Effect.suspend(() => {
      threads.delete(threadId)
      const waits = [
        router.publishNow("thread/status/changed", { threadId, status: { type: "notLoaded" } }, threadId),
        router.publishNow("thread/closed", { threadId }, threadId)
      ]
      router.forget(threadId)
      return Effect.forEach(waits, (wait) => wait ?? Effect.void, { discard: true })
    })
  })

  const isInUse = (thread: Thread): boolean => thread.isRunning || router.subscribers(thread.id).length > 0

  const unloadLater = (threadId: string) =>
    Effect.andThen(
      Effect.sleep(idleUnload),
      Effect.suspend(() => {
        const loaded = threads.get(threadId)
        // A client may have come in the very moment; once the thread is closing none can.
        if (loaded === undefined || isInUse(loaded.thread)) return Effect.void
        loaded.isUnloading = true
        loaded.thread.close()
        return Effect.asVoid(Effect.forkIn(unload(loaded), scope))
      })
    )

  /** Starts the idle clock of a thread that is not in use, and stops it for one that is. */
  const touch = (threadId: string): void => {
    const loaded = threads.get(threadId)
    if (loaded === undefined || loaded.isUnloading) return
    if (!isInUse(loaded.thread)) startTimer(threadId, unloadLater(threadId), { onlyIfMissing: true })
    else Option.getOrUndefined(FiberMap.getUnsafe(timers, threadId))?.interruptUnsafe()
  }
  yield* router.onAudienceChange(touch)

  const changeRunning = (threadId: string, by: number) =>
    Effect.andThen(
      SubscriptionRef.update(running, (turns) => turns + by),
      Effect.sync(() => touch(threadId))
    )
  const activity: TurnActivity = {
    isAdmitting: () => !isDraining,
    began: (threadId) => changeRunning(threadId, 1),
    ended: (threadId) => changeRunning(threadId, -1)
  }

  const openIn = Effect.fnUntraced(function* <E>(opening: Opening<E>, threadScope: Scope.Closeable) {
    const { setup, threadId } = opening
    const { config, instructions, provider } = setup
    const toolScope = yield* Scope.fork(threadScope)
    const { shell, warnings: configWarnings } = yield* Scope.provide(tools.openShell(threadId, config), toolScope)
    const state = yield* opening.state
    const onDegraded = (error: ThreadStoreError) => threads.get(threadId)?.thread.failTurn(error)
    const journal = new ThreadJournal({ state, store, router, onDegraded })
    const { preamble, sources } = instructions
    const registry = new ToolRegistry()
    const scope = threadScope
    const context = new ThreadContext({ services, journal, preamble, registry, shell, config, scope, provider })
    yield* journal.commit(opening.changes(state))
    if (model.prepare !== undefined) {
      yield* Effect.forkIn(Effect.delay(model.prepare(journal.state.settings.modelProvider), PrepareDelay), threadScope)
    }
    const thread = new Thread({ context, activity, instructionSources: sources, scope: threadScope })
    yield* tools.openTools(context, registry, config, toolScope)
    threads.set(threadId, { thread, journal, scope: threadScope, toolScope, isUnloading: false })
    touch(threadId)
    return { thread, configWarnings } satisfies Opened
  })

  /** Opens a thread. Nothing of it is left when that fails or is interrupted. */
  const open = <E>(opening: Opening<E>): Effect.Effect<Opened, E | RulesUnavailable> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Scope.fork(scope), (threadScope) =>
        Effect.onError(restore(openIn(opening, threadScope)), (cause) =>
          Scope.close(threadScope, Exit.failCause(cause))
        )
      )
    )

  const drain = Effect.suspend(() => {
    isDraining = true
    return SubscriptionRef.changes(running).pipe(
      Stream.takeWhile((turns) => turns > 0),
      Stream.runForEach((turns) => Effect.logInfo(`draining: waiting for ${turns} running turn(s) to end`))
    )
  })

  const end = Effect.fnUntraced(function* ({ scope, thread }: Loaded) {
    yield* thread.stop
    yield* Scope.close(scope, Exit.void)
    threads.delete(thread.id)
  })

  const stop = Effect.suspend(() =>
    Effect.forEach(Array.from(threads.values()), end, { concurrency: "unbounded", discard: true })
  )
  yield* Effect.addFinalizer(() => stop)

  const abandonNow = (): ReadonlyArray<string> =>
    Array.from(threads.values(), ({ journal, thread, toolScope }) => {
      journal.closeNow()
      fork(Scope.close(toolScope, Exit.void))
      return thread.isRunning ? `the turn that runs in thread ${thread.id}` : `the tools of thread ${thread.id}`
    })

  return {
    open,
    find: (threadId: string): Thread | undefined => threads.get(threadId)?.thread,
    /** Ids of the loaded threads, oldest first. */
    ids: (): ReadonlyArray<string> => Array.from(threads.keys()),
    /** How many turns run. */
    running: (): number => SubscriptionRef.getUnsafe(running),
    drain,
    /** Ends every thread with its turn, its tools and its commands, all at once. */
    stop,
    /**
     * Gives up the threads that have not ended: from now on they store and publish nothing, and their tools are closed. What they
     * are, for the log.
     */
    abandonNow
  }
})
