/**
 * The threads that are loaded.
 *
 * Owns how threads come (started, or resumed from the store) and go (unloaded when nobody has followed them for a while, or
 * stopped with the server). Each thread lives in a scope of its own: its tools, its turn and its timer end with it.
 *
 * ```
 *  start ──┐                     30 min without followers and turns
 *          ├─► loaded ─────────────────────────────────► closing ─► not loaded
 *  load  ──┘     └────────────── server stops ─────────────┘
 * ```
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type { ThreadSettings } from "../../protocol/v2/thread/Settings.ts"
import type { ConfigWarning, EffectiveConfig, ModelProviderInfo } from "../config/Config.ts"
import type { PermittedSettings } from "../config/Permitted.ts"
import { contribute } from "../observability/Diagnostics.ts"
import { beginTurns } from "../observability/MetricRegistry.ts"
import { ModelCatalog } from "../model/ModelCatalog.ts"
import { ModelProvider } from "../model/ModelProvider.ts"
import { OutboundRouter } from "../routing/OutboundRouter.ts"
import { ServerRequests } from "../routing/ServerRequests.ts"
import { Version } from "../config/Identity.ts"
import { ServerInfo } from "../config/ServerInfo.ts"
import { SmallFiles } from "../config/SmallFiles.ts"
import { Thread } from "./Thread.ts"
import { Draining } from "./Draining.ts"
import type { Instructions } from "./Instructions.ts"
import { InvalidThreadId, ThreadNotFound } from "./ThreadError.ts"
import { switchedOn } from "./Switches.ts"
import { ThreadContext, type ThreadServices } from "./ThreadContext.ts"
import type { EventOf, ThreadEvent } from "./ThreadEvent.ts"
import { problemOf } from "./ThreadId.ts"
import { StoreTimeout, ThreadJournal } from "./ThreadJournal.ts"
import { fold, initial, type ThreadState } from "./ThreadState.ts"
import { ThreadStore, type ThreadStoreError } from "./ThreadStore.ts"
import { seconds } from "./ThreadView.ts"
import { type Tool, Toolset, type ToolsRefused } from "../tool/Tool.ts"

/** How long a thread stays loaded that nobody follows and that does nothing. */
export const IdleUnload = Context.Reference("spindle/IdleUnload", { defaultValue: () => Duration.minutes(30) })

/** How long after its start a thread's model gets ready. */
const PrepareDelay = Duration.millis(100)

/** How a thread is set up when it is loaded. */
export interface ThreadSetup {
  readonly settings: PermittedSettings
  readonly instructions: Instructions
  /** The model server its configuration names; undefined for one that it does not know. */
  readonly provider: ModelProviderInfo | undefined
  readonly config: EffectiveConfig
  /** Takes what the thread's tools warn of while they are opened. */
  readonly warn?: (warning: ConfigWarning) => void
}

/** The rest of a new one. */
export interface NewThread extends ThreadSetup {
  readonly ephemeral: boolean
  readonly originator: string
  readonly threadSource: string | null
}

export class Threads extends Context.Service<
  Threads,
  {
    readonly start: (thread: NewThread) => Effect.Effect<Thread, ThreadStoreError | ToolsRefused>
    /** The loaded thread. */
    readonly get: (threadId: string) => Effect.Effect<Thread, ThreadNotFound | InvalidThreadId>
    /** The loaded thread, if it is. */
    readonly find: (threadId: string) => Thread | undefined
    /** The stored state of a thread that has had a turn, to load it. */
    readonly stored: (
      threadId: string
    ) => Effect.Effect<ThreadState, ThreadNotFound | InvalidThreadId | ThreadStoreError>
    /** Loads a thread. What loading changes are events: turns that were cut are interrupted, and settings replaced. */
    readonly load: (state: ThreadState, setup: ThreadSetup) => Effect.Effect<Thread, ToolsRefused>
    /** Ids of the loaded threads, oldest first. */
    readonly loaded: () => ReadonlyArray<string>
    /** How many turns run. */
    readonly running: () => number
    /** From now on no turn starts; those that run may be added to. Ends when none runs any more. */
    readonly drain: Effect.Effect<void>
    /** Ends every thread with its turn, its tools and its commands, all at once. */
    readonly stop: Effect.Effect<void>
    /**
     * Gives up the threads that have not ended: from now on they store and publish nothing, and their tools are closed. What they
     * are, for the log.
     */
    readonly abandonNow: () => ReadonlyArray<string>
  }
>()("spindle/Threads") {}

/** Fails for an id that is not a UUID. */
export const checkId = (threadId: string, kind: "thread" | "session"): Effect.Effect<void, InvalidThreadId> => {
  const detail = problemOf(threadId)
  return detail === undefined ? Effect.void : Effect.fail(new InvalidThreadId({ kind, detail }))
}

/** Events that are read at a time. */
const ReadLimit = 1024

/** The stored state of a thread, or null when the store does not know it. */
export const readState = Effect.fnUntraced(function* (store: ThreadStore["Service"], threadId: string) {
  let state: ThreadState | null = null
  for (let from = 0; ; from += ReadLimit) {
    const page = yield* store.read(threadId, { from, limit: ReadLimit })
    const events = page.map(({ event }) => event)
    const [first, ...rest] = events
    if (state !== null) state = fold(state, events)
    else if (first?._tag === "Created") state = fold(initial(first), rest)
    if (page.length < ReadLimit || state === null) return state
  }
})

/** Turns that no server runs any more, because it died, were interrupted. */
const interruptions = (state: ThreadState, at: number): ReadonlyArray<EventOf<"TurnEnded">> =>
  state.turns
    .filter(({ status }) => status === "inProgress")
    .map(({ id }) => ({ _tag: "TurnEnded", at, turnId: id, status: "interrupted", error: null }))

const overrides = (state: ThreadState, settings: ThreadSettings, at: number): ReadonlyArray<ThreadEvent> =>
  JSON.stringify(settings) === JSON.stringify(state.settings) ? [] : [{ _tag: "SettingsChanged", at, settings }]

interface Loaded {
  readonly thread: Thread
  readonly journal: ThreadJournal
  readonly scope: Scope.Closeable
  /** Of the tools, within the scope. */
  readonly toolScope: Scope.Closeable
  /** Completed, and made anew, whenever something happens that may start or stop the idle clock. */
  activity: Deferred.Deferred<void>
}

/** The tools of a thread that is being loaded. */
interface OpenTools {
  readonly tools: ReadonlyArray<Tool>
  readonly threadScope: Scope.Closeable
  readonly toolScope: Scope.Closeable
}

const services = Effect.gen(function* () {
  const catalog = yield* ModelCatalog
  return {
    router: yield* OutboundRouter,
    serverRequests: yield* ServerRequests,
    model: yield* ModelProvider,
    store: yield* ThreadStore,
    random: yield* SecureRandom.SecureRandom,
    files: yield* SmallFiles,
    clock: yield* Clock.Clock,
    contextWindow: (model: string) => catalog.metadata(model).contextWindow
  }
})

export const make = Effect.gen(function* () {
  const threads = new Map<string, Loaded>()
  const running = () => Array.from(threads.values()).filter(({ thread }) => thread.isRunning).length
  const draining = new Draining(running)
  const threadServices: ThreadServices = { ...(yield* services), isDraining: () => draining.isOn }
  const { router, store, random } = threadServices
  const toolset = yield* Toolset
  const info = yield* ServerInfo
  const idleUnload = yield* IdleUnload
  const storeTimeout = yield* StoreTimeout
  const scope = yield* Effect.scope
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  yield* beginTurns
  yield* contribute("threads", () =>
    Array.from(threads, ([id, { thread }]) => ({
      id,
      status: thread.host.status.type,
      running: thread.isRunning,
      subscribers: router.subscribers(id).map((connection) => connection.id)
    }))
  )

  const touch = (threadId: string): void => {
    const loaded = threads.get(threadId)
    if (loaded === undefined) return
    const { activity } = loaded
    loaded.activity = Deferred.makeUnsafe()
    Deferred.doneUnsafe(activity, Exit.void)
    draining.touch()
  }
  yield* router.onAudienceChange(touch)

  const unload = Effect.fnUntraced(function* (loaded: Loaded) {
    const { id } = loaded.thread
    yield* Scope.close(loaded.scope, Exit.void)
    // One step: who loads the thread again, while slow clients are still being told, begins anew.
    yield* Effect.suspend(() => {
      threads.delete(id)
      const waits = [
        router.publishNow("thread/status/changed", { threadId: id, status: { type: "notLoaded" } }, id),
        router.publishNow("thread/closed", { threadId: id }, id)
      ]
      router.forget(id)
      return Effect.forEach(waits, (wait) => wait ?? Effect.void, { discard: true })
    })
  })

  const isFollowed = (thread: Thread): boolean => thread.isRunning || router.subscribers(thread.id).length > 0

  const watch = Effect.fnUntraced(function* (loaded: Loaded) {
    while (true) {
      const { thread, activity } = loaded
      const changed = Deferred.await(activity)
      if (isFollowed(thread)) {
        yield* changed
        continue
      }
      const expired = yield* Effect.raceFirst(Effect.as(Effect.sleep(idleUnload), true), Effect.as(changed, false))
      // Somebody may have come in the very moment; once it is closing nobody can.
      if (!expired || isFollowed(thread)) continue
      thread.close()
      // Not in the thread's own scope, which it closes.
      return yield* Effect.asVoid(Effect.forkIn(unload(loaded), scope))
    }
  })

  /** The scope of a thread, with its tools. Nothing of it is left where they refuse. */
  const openTools = Effect.fnUntraced(function* (threadId: string, { config, warn }: ThreadSetup) {
    const threadScope = yield* Scope.fork(scope)
    const toolScope = yield* Scope.fork(threadScope)
    const opened = toolset.open({ threadId, config, ...(warn === undefined ? {} : { warn }) })
    const tools = yield* Scope.provide(opened, toolScope).pipe(
      Effect.onError(() => Scope.close(threadScope, Exit.void))
    )
    return { tools: switchedOn(tools, config), threadScope, toolScope }
  })

  const open = Effect.fnUntraced(function* (
    state: ThreadState,
    { instructions, provider }: ThreadSetup,
    { threadScope, toolScope, tools }: OpenTools,
    events: ReadonlyArray<ThreadEvent>
  ) {
    const threadId = state.origin.id
    const journal = new ThreadJournal({
      state,
      store,
      router,
      storeTimeout,
      scope: threadScope,
      onDegraded: (error) => threads.get(threadId)?.thread.failTurn(error)
    })
    const context = new ThreadContext({
      services: threadServices,
      journal,
      preamble: instructions.preamble,
      tools,
      provider
    })
    const thread = new Thread(context, instructions.sources, threadScope, () => touch(threadId))
    const loaded: Loaded = {
      thread,
      journal,
      scope: threadScope,
      toolScope,
      activity: Deferred.makeUnsafe()
    }
    yield* journal.commit(events)
    threads.set(threadId, loaded)
    const { prepare } = threadServices.model
    if (prepare !== undefined) {
      // Not before the answer to thread/start is out: loading occupies the thread of the process.
      yield* Effect.forkIn(Effect.delay(prepare(journal.state.settings.modelProvider), PrepareDelay), threadScope)
    }
    yield* Effect.forkIn(watch(loaded), threadScope)
    return thread
  })

  const start = Effect.fnUntraced(function* (options: NewThread) {
    const id = yield* random.uuidV7()
    const settings = options.settings.value
    const at = threadServices.clock.currentTimeMillisUnsafe()
    const origin = {
      id,
      sessionId: id,
      forkedFromId: null,
      createdAt: seconds(at),
      cwd: settings.cwd,
      ephemeral: options.ephemeral,
      cliVersion: Version,
      originator: options.originator,
      source: info.sessionSource,
      threadSource: options.threadSource,
      gitInfo: null
    }
    const created = { _tag: "Created", at, origin, settings } as const
    const tools = yield* openTools(id, options)
    if (!options.ephemeral) {
      yield* Effect.onError(store.append(id, 0, [created]), () => Scope.close(tools.threadScope, Exit.void))
    }
    return yield* open(initial(created), options, tools, [])
  })

  const find = (threadId: string) => threads.get(threadId)?.thread

  const get = Effect.fnUntraced(function* (threadId: string) {
    const thread = find(threadId)
    if (thread !== undefined) return thread
    yield* checkId(threadId, "thread")
    return yield* new ThreadNotFound({ threadId, sought: "loaded" })
  })

  const stored = Effect.fnUntraced(function* (threadId: string) {
    yield* checkId(threadId, "session")
    const state = yield* readState(store, threadId)
    if (state === null || state.turns.length === 0) return yield* new ThreadNotFound({ threadId, sought: "record" })
    return state
  })

  const end = Effect.fnUntraced(function* (loaded: Loaded) {
    yield* loaded.thread.stop
    yield* Scope.close(loaded.scope, Exit.void)
    threads.delete(loaded.thread.id)
  })

  const stop = Effect.suspend(() =>
    Effect.forEach(Array.from(threads.values()), end, { concurrency: "unbounded", discard: true })
  )

  const abandonNow = (): ReadonlyArray<string> => {
    const left = Array.from(threads.values())
    for (const { journal, toolScope } of left) {
      journal.closeNow()
      fork(Scope.close(toolScope, Exit.void))
    }
    return left.map(({ thread }) =>
      thread.isRunning ? `the turn that runs in thread ${thread.id}` : `the tools of thread ${thread.id}`
    )
  }
  yield* Effect.addFinalizer(() => stop)

  return Threads.of({
    start,
    get,
    find,
    stored,
    load: (state, setup) =>
      Effect.flatMap(openTools(state.origin.id, setup), (tools) => {
        const at = threadServices.clock.currentTimeMillisUnsafe()
        const events = [...interruptions(state, at), ...overrides(state, setup.settings.value, at)]
        return open(state, setup, tools, events)
      }),
    loaded: () => Array.from(threads.keys()),
    running,
    drain: draining.run,
    stop,
    abandonNow
  })
})

export const layer = Layer.effect(Threads, make)
