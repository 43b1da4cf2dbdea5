/**
 * Threads: starting, resuming, forking and the loaded ones.
 *
 * These are operations of the engine, for handlers, sub-agents, reviews and recovery alike. They take data and no
 * connection; receivers of a thread's events subscribe at the router. Owns the order of set-up, tools and store. Does not
 * own loaded threads (`LoadedThreads`) nor operations on one (`Thread`).
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as RcMap from "effect/RcMap"
import * as Semaphore from "effect/Semaphore"
import type { DynamicToolSpec } from "../../protocol/v2/thread/Requests.ts"
import type { ThreadSettings } from "../../protocol/v2/thread/Settings.ts"
import type { ConfigError, ConfigWarning } from "../config/Config.ts"
import { ServerInfo } from "../config/ServerInfo.ts"
import { SmallFiles } from "../config/SmallFiles.ts"
import { ModelCatalog } from "../model/ModelCatalog.ts"
import { ModelProvider } from "../model/ModelProvider.ts"
import { OutboundRouter } from "../routing/OutboundRouter.ts"
import type { RequestError } from "../routing/RequestError.ts"
import { ServerRequests } from "../routing/ServerRequests.ts"
import { Agents } from "./agent/Agents.ts"
import { claimed, createdBy, type Engine } from "./Creation.ts"
import * as LoadedThreads from "./LoadedThreads.ts"
import * as HookDesk from "./HookDesk.ts"
import * as GitFacts from "./GitFacts.ts"
import * as Sections from "./Sections.ts"
import * as Settings from "./Settings.ts"
import * as ThreadChanges from "./ThreadChanges.ts"
import { type ForkPoint, forkLength, interruptions, isOnRecord, readEvents, readState } from "./StoredThread.ts"
import type { Thread } from "./Thread.ts"
import { changesOfLoading, turnToGoOn } from "./Recovery.ts"
import type { ThreadServices } from "./ThreadContext.ts"
import {
  type InvalidThreadId,
  ServerDraining,
  ThreadArchived,
  type ThreadError,
  ThreadNotFound
} from "./ThreadError.ts"
import type { ThreadEvent } from "./ThreadEvent.ts"
import { factsOfFork } from "./ThreadFacts.ts"
import { checkId } from "./ThreadId.ts"
import * as Setup from "./ThreadSetup.ts"
import { fold, foldAll, initial, type ThreadState } from "./ThreadState.ts"
import { ThreadStore, type ThreadStoreError } from "./ThreadStore.ts"
import type { OpenError } from "./ThreadTools.ts"

/** A new thread. */
export interface StartThread {
  readonly overrides: Setup.ThreadOverrides
  /** Kept in memory only. */
  readonly ephemeral: boolean
  /** The client that creates the thread, by its declared name. */
  readonly originator: string
  readonly threadSource: string | null
  /** Tools that the clients of the thread run. Default: none. A fork has those of its source. */
  readonly dynamicTools?: ReadonlyArray<DynamicToolSpec>
}

/** A thread to resume. */
export interface ResumeThread {
  readonly threadId: string
  /** Used only when the thread is not loaded, or is loaded again. */
  readonly overrides: Setup.ThreadOverrides
  /** The caller was subscribed before: it may resume a thread that is loaded but not stored. */
  readonly returning: boolean
}

/** A new thread with the history of another one. */
export interface ForkThread extends StartThread {
  /** The source. It must be stored; it may be loaded and have a running turn. */
  readonly threadId: string
  readonly point: ForkPoint
}

/** A loaded thread, and warnings about its loading. */
export interface LoadedThread {
  readonly thread: Thread
  readonly warnings: ReadonlyArray<string>
  readonly configWarnings: ReadonlyArray<ConfigWarning>
}

/** Errors of starting, resuming and forking. */
export type LoadError = ConfigError | RequestError | ThreadError | ThreadStoreError | OpenError

/** The threads of a server: those in memory, and loading them from the store. */
export class Threads extends Context.Service<
  Threads,
  {
    /** Creates a thread, and stores it unless it is ephemeral. */
    readonly start: (request: StartThread) => Effect.Effect<LoadedThread, LoadError>
    /**
     * The thread, loaded from the store if necessary. Loading adds events: unfinished turns are interrupted or go on
     * (`Recovery`), and changed settings are recorded. A loaded thread without subscribers is loaded again for overrides that change it.
     */
    readonly resume: (request: ResumeThread) => Effect.Effect<LoadedThread, LoadError>
    /** A running turn of the source is interrupted in the fork and continues in the source. */
    readonly fork: (request: ForkThread) => Effect.Effect<LoadedThread, LoadError>
    /** Publishes `thread/started`. The caller of `start` or `fork` runs it: a handler after its response. */
    readonly announce: (thread: Thread) => Effect.Effect<void>
    /** The loaded thread. */
    readonly get: (threadId: string) => Effect.Effect<Thread, ThreadNotFound | InvalidThreadId>
    /** The thread, if it is loaded. */
    readonly find: (threadId: string) => Thread | undefined
    /** Whether the stored threads are lost when the process ends. */
    readonly volatile: Effect.Effect<boolean>
    /** Ids of the loaded threads of a thread's agents, and of their agents. */
    readonly agentsOf: (thread: Thread) => ReadonlyArray<string>
    /** Ids of the loaded threads, oldest first. */
    readonly loaded: () => ReadonlyArray<string>
    /** Operations on threads that need not be loaded. */
    readonly stored: ThreadChanges.ThreadChanges
    /** The definitions of sections. */
    readonly sections: Sections.Sections
    /** Number of running turns. */
    readonly running: () => number
    /** Prevents new turns and waits until none runs. Running turns still accept input. */
    readonly drain: Effect.Effect<void>
    /** Ends every thread with its turn, its tools and its commands, concurrently. */
    readonly stop: Effect.Effect<void>
    /**
     * Abandons the threads that have not ended: they can no longer store or publish, and their tools are closed. Returns their
     * descriptions for the log.
     */
    readonly abandonNow: () => ReadonlyArray<string>
  }
>()("spindle/Threads") {}

const settingsChange = (state: ThreadState, settings: ThreadSettings, at: number): ReadonlyArray<ThreadEvent> =>
  JSON.stringify(settings) === JSON.stringify(state.settings) ? [] : [{ _tag: "SettingsChanged", at, settings }]

/** A fork has its source's name, at any fork point. */
const named = (state: ThreadState, name: string | null, at: number): ReadonlyArray<ThreadEvent> =>
  state.name === name ? [] : [{ _tag: "NameSet", at, name }]

/** A fork has the facts of the repository as it is now, not those of its source. */
const gitOfFork = ({ gitInfo, origin }: ThreadState): ReadonlyArray<ThreadEvent> =>
  JSON.stringify(gitInfo) === JSON.stringify(origin.gitInfo)
    ? []
    : [{ _tag: "GitInfoSet", at: origin.createdAt * 1000, gitInfo: origin.gitInfo }]

const makeServices = Effect.fnUntraced(function* (store: ThreadStore["Service"]) {
  const catalog = yield* ModelCatalog
  const random = yield* SecureRandom.SecureRandom
  const sections = yield* Sections.make(store.sections, random)
  const files = yield* SmallFiles
  const services = {
    ...(yield* HookDesk.shared),
    gitFacts: GitFacts.make(files, yield* Path.Path),
    router: yield* OutboundRouter,
    serverRequests: yield* ServerRequests,
    model: yield* ModelProvider,
    random,
    files,
    clock: yield* Clock.Clock,
    modelMetadata: catalog.metadata,
    listedModels: Effect.suspend(() => catalog.list({})).pipe(
      Effect.orDie,
      Effect.map(({ data }) => data.map(({ model }) => model))
    ),
    agents: new Agents(),
    lookup: { section: sections.find, path: (thread) => store.pathOf?.(thread) ?? null }
  } satisfies ThreadServices
  return { services, sections }
})

const notOnRecord = (threadId: string) => new ThreadNotFound({ threadId, sought: "record" })

const start = Effect.fnUntraced(function* (
  engine: Engine,
  request: StartThread
): Effect.fn.Return<LoadedThread, LoadError> {
  yield* Setup.checkTools(request.dynamicTools ?? [])
  const setup = yield* engine.setUp(request.overrides, null)
  const created = yield* createdBy(engine, request, setup.settings.value, null)
  const threadId = created.origin.id
  const stored = request.ephemeral ? Effect.void : engine.store.append(threadId, 0, [created])
  const state = Effect.as(stored, initial(created))
  const opened = yield* claimed(engine, threadId, request.ephemeral ? "unstored" : "new", (release) =>
    engine.threads.open({ threadId, setup, release, state, changes: () => [] })
  )
  return { ...opened, warnings: setup.warnings }
})

/** Loads an unloaded thread. It is read when no other process can write to it any more. */
const load = (engine: Engine, request: ResumeThread): Effect.Effect<LoadedThread, LoadError> =>
  Effect.andThen(
    checkId(request.threadId, "session"),
    claimed(engine, request.threadId, "stored", (release) => loadClaimed(engine, request, release))
  )

const loadClaimed = Effect.fnUntraced(function* (
  { sections, services: { clock, router }, setUp, store, threads }: Engine,
  { overrides, threadId }: ResumeThread,
  release: Effect.Effect<void>
): Effect.fn.Return<LoadedThread, LoadError> {
  const state = yield* readState(store, threadId)
  if (state === null || !isOnRecord(state)) return yield* notOnRecord(threadId)
  if (state.archived) return yield* new ThreadArchived({ threadId })
  if (state.section !== null) yield* sections.list
  const setup = yield* setUp(overrides, state.settings)
  const at = clock.currentTimeMillisUnsafe()
  const turn = turnToGoOn(state, setup.config)
  if (turn !== undefined && !threads.isAdmitting()) return yield* new ServerDraining()
  const changes = () => [...changesOfLoading(state, turn, at), ...settingsChange(state, setup.settings.value, at)]
  const opened = yield* threads.open({
    threadId,
    setup,
    release,
    state: Effect.succeed(state),
    changes,
    mark: state.mark
  })
  yield* router.notify("thread/status/changed", { threadId, status: opened.thread.status }, threadId)
  return { ...opened, warnings: setup.warnings }
})

/** The possible overrides of a resume, and whether a thread's settings contain them. */
const isShown: Readonly<Record<Exclude<keyof Setup.ThreadOverrides, "environments">, boolean>> = {
  model: true,
  modelProvider: true,
  serviceTier: true,
  cwd: true,
  runtimeWorkspaceRoots: true,
  approvalPolicy: true,
  approvalsReviewer: true,
  sandbox: true,
  permissions: true,
  personality: true,
  config: false,
  baseInstructions: false,
  developerInstructions: false
}

const asked = (overrides: Setup.ThreadOverrides): ReadonlyArray<boolean> =>
  Object.entries(isShown).flatMap(([name, shown]) =>
    (overrides[name as keyof typeof isShown] ?? undefined) === undefined ? [] : [shown]
  )

/** Closes a loaded, unused thread when the overrides change it, as the release does. */
const makeWay = Effect.fnUntraced(function* (
  { services: { router }, setUp, threads }: Engine,
  thread: Thread,
  { overrides, returning }: ResumeThread
): Effect.fn.Return<void, LoadError> {
  const isUnused = () => !thread.isRunning && router.subscribers(thread.id).length === 0
  const shown = asked(overrides)
  if (shown.length === 0 || returning || !isOnRecord(thread.state) || !isUnused()) return
  const { settings } = yield* setUp(overrides, thread.settings)
  if (shown.every(Boolean) && settingsChange(thread.state, settings.value, 0).length === 0) return
  yield* thread.stored
  if (isUnused()) yield* threads.replace(thread.id)
})

/** Resumes a loaded thread. */
const join = Effect.fnUntraced(function* (
  thread: Thread,
  { overrides, returning, threadId }: ResumeThread
): Effect.fn.Return<LoadedThread, LoadError> {
  if (!isOnRecord(thread.state) && !returning) return yield* notOnRecord(threadId)
  yield* thread.checkOpen(true)
  const unused = Settings.unusedModel(thread.answersAs, overrides.model)
  return { thread, warnings: unused === undefined ? [] : [unused], configWarnings: [] }
})

const fork = Effect.fnUntraced(function* (
  engine: Engine,
  request: ForkThread
): Effect.fn.Return<LoadedThread, LoadError> {
  const { setUp, store, threads } = engine
  const sourceId = request.threadId
  yield* threads.find(sourceId)?.stored ?? checkId(sourceId, "session")
  const events = yield* readEvents(store, sourceId)
  const source = foldAll(events)
  if (source === undefined || !isOnRecord(source)) return yield* notOnRecord(sourceId)
  if (source.archived) return yield* new ThreadArchived({ threadId: sourceId })
  const length = yield* forkLength(events, source, request.point)
  const setup = yield* setUp(request.overrides, source.settings)
  const { dynamicTools = [] } = source.origin
  const created = yield* createdBy(engine, { ...request, dynamicTools }, setup.settings.value, sourceId)
  const threadId = created.origin.id
  const stored = request.ephemeral ? Effect.void : store.fork(sourceId, length, created)
  const changes = (state: ThreadState) => [
    ...interruptions(state, created.at),
    ...factsOfFork(state, created.at),
    ...gitOfFork(state),
    ...named(state, source.name, created.at),
    ...settingsChange(state, setup.settings.value, created.at)
  ]
  const state = Effect.map(stored, () => fold(initial(created), events.slice(1, length)))
  const opened = yield* claimed(engine, threadId, request.ephemeral ? "unstored" : "new", (release) =>
    threads.open({ threadId, setup, release, state, changes })
  )
  return { ...opened, warnings: setup.warnings }
})

/** The threads of one server, over its store, its model and its tools. They end with the scope. */
export const make = Effect.gen(function* () {
  const store = yield* ThreadStore
  const { sections, services } = yield* makeServices(store)
  const threads = yield* LoadedThreads.make(services, store)
  const { find } = threads
  const engine: Engine = { services, store, threads, sections, info: yield* ServerInfo, setUp: yield* Setup.make }
  /** One per thread that is being loaded, so that concurrent callers load it once. */
  const locks = yield* RcMap.make({ lookup: (_threadId: string) => Semaphore.make(1) })
  const locked = <A, E>(threadId: string, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.scoped(Effect.flatMap(RcMap.get(locks, threadId), (lock) => lock.withPermit(effect)))

  const resume = (request: ResumeThread): Effect.Effect<LoadedThread, LoadError> => {
    const resumed = Effect.gen(function* () {
      const loaded = find(request.threadId)
      if (loaded !== undefined) yield* makeWay(engine, loaded, request)
      const thread = find(request.threadId)
      return yield* thread === undefined ? load(engine, request) : join(thread, request)
    })
    return locked(request.threadId, resumed)
  }

  const get = Effect.fnUntraced(function* (threadId: string) {
    const thread = find(threadId)
    if (thread !== undefined) return thread
    yield* checkId(threadId, "thread")
    return yield* new ThreadNotFound({ threadId, sought: "loaded" })
  })

  const stored = ThreadChanges.make({ services, store, threads, sections, locked })
  services.agents.attach({
    find,
    ids: threads.ids,
    desk: (parent, rootTurnId) =>
      Effect.map(
        Effect.promise(() => import("./agent/AgentDesk.ts")),
        ({ make }) => make({ ...engine, stored }, parent, rootTurnId)
      )
  })

  return Threads.of({
    start: (request) => start(engine, request),
    resume,
    fork: (request) => fork(engine, request),
    announce: (thread) => services.router.notify("thread/started", { thread: thread.view(false) }, thread.id),
    get,
    find,
    volatile: store.volatile ?? Effect.succeed(false),
    loaded: threads.ids,
    stored,
    agentsOf: (thread) => services.agents.below(thread).map(({ id }) => id),
    sections,
    running: threads.running,
    drain: threads.drain,
    stop: threads.stop,
    abandonNow: threads.abandonNow
  })
})

/** See `make`. */
export const layer = Layer.effect(Threads, make)
