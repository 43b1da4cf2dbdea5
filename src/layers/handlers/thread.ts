/**
 * Threads: start, resume, read, unsubscribe, and which are loaded.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import type { ParamsOf, ResultOf } from "../../protocol/Methods.ts"
import type { ThreadSettings } from "../../protocol/v2/thread/Settings.ts"
import { warningsFor } from "../../services/decoding/ParameterDecisions.ts"
import {
  Config,
  type ConfigWarning,
  type EffectiveConfig,
  offlineProvider,
  type RequestedSettings
} from "../../services/config/Config.ts"
import { configWarning } from "./configWarning.ts"
import { Answered, type Handler, type HandlersFor } from "../../services/connection/Handlers.ts"
import { ModelCatalog } from "../../services/model/ModelCatalog.ts"
import { ModelProvider } from "../../services/model/ModelProvider.ts"
import type { OutboundMessage } from "../../services/routing/OutboundMessage.ts"
import { OutboundRouter } from "../../services/routing/OutboundRouter.ts"
import { settled } from "../../services/routing/TieredQueue.ts"
import { positionIn } from "../../protocol/extensions/Sequence.ts"
import { ServerInfo } from "../../services/config/ServerInfo.ts"
import { SmallFiles } from "../../services/config/SmallFiles.ts"
import type { Thread } from "../../services/thread/Thread.ts"
import * as Instructions from "../../services/thread/Instructions.ts"
import * as Settings from "../../services/thread/Settings.ts"
import { HistoryUnavailable, ThreadNotFound } from "../../services/thread/ThreadError.ts"
import { checkId, readState, Threads } from "../../services/thread/Threads.ts"
import { invalidRequest } from "../../services/routing/RequestError.ts"
import { problemOf } from "../../services/thread/ThreadId.ts"
import { cut, summaryOf, toThread, toTurn } from "../../services/thread/ThreadView.ts"
import { ThreadStore } from "../../services/thread/ThreadStore.ts"
import { warn } from "./warnings.ts"

/** Characters of a refused cursor that the error repeats. */
const MaxEchoed = 128

/** The part of thread/start and thread/resume that says how the thread is to be set up. */
type Overrides = Pick<ParamsOf<"thread/start">, keyof ParamsOf<"thread/start"> & keyof ParamsOf<"thread/resume">> &
  Pick<ParamsOf<"thread/start">, "environments">

const startedThread = (thread: Thread, includeTurns: boolean): ResultOf<"thread/start"> => {
  const { settings } = thread
  return {
    thread: thread.view(includeTurns),
    model: settings.model,
    modelProvider: settings.modelProvider,
    serviceTier: settings.serviceTier,
    disabledPluginIds: settings.disabledPluginIds,
    cwd: settings.cwd,
    runtimeWorkspaceRoots: settings.environments?.[0]?.runtimeWorkspaceRoots ?? [],
    instructionSources: thread.instructionSources,
    approvalPolicy: settings.approvalPolicy,
    approvalsReviewer: settings.approvalsReviewer,
    sandbox: settings.sandboxPolicy,
    activePermissionProfile: settings.activePermissionProfile,
    reasoningEffort: settings.effort,
    multiAgentMode: settings.multiAgentMode
  }
}

const resumedThread = (thread: Thread, params: ParamsOf<"thread/resume">): ResultOf<"thread/resume"> => {
  const page = params.initialTurnsPage
  const view = page?.itemsView ?? "summary"
  const turns = thread.host.state.turns.map((turn) => toTurn(turn, view))
  const sorted = page?.sortDirection === "asc" ? turns : turns.toReversed()
  return {
    ...startedThread(thread, params.excludeTurns !== true),
    collaborationMode: thread.settings.collaborationMode,
    initialTurnsPage:
      page == null
        ? null
        : { data: sorted.slice(0, page.limit ?? sorted.length), nextCursor: null, backwardsCursor: null },
    turnsBackwardsCursor: null,
    itemsBackwardsCursor: null
  }
}

const unservedAtStart = warningsFor("thread/start")
const unservedAtResume = warningsFor("thread/resume")

/** Sets a thread up from its configuration and what the request says. */
const setUp = Effect.gen(function* () {
  const config = yield* Config
  const catalog = yield* ModelCatalog
  const path = yield* Path.Path
  const model = yield* ModelProvider
  const files = yield* SmallFiles
  const info = yield* ServerInfo

  const instructions = (cwd: string, effective: EffectiveConfig, params: Overrides) =>
    Instructions.load({
      home: config.home,
      cwd,
      timeZone: info.timeZone(),
      localDate: info.localDate,
      baseInstructions: params.baseInstructions ?? effective.baseInstructions,
      developerInstructions: params.developerInstructions ?? effective.developerInstructions,
      projectDocMaxBytes: effective.projectDocMaxBytes,
      environmentContext: effective.settings["include_environment_context"] !== false,
      environmentTime: effective.settings["include_environment_context_time"] !== false
    }).pipe(Effect.provideService(SmallFiles, files), Effect.provideService(Path.Path, path))

  return Effect.fnUntraced(function* (params: Overrides, recorded: ThreadSettings | null) {
    yield* Settings.refuseBoth(params.permissions, "sandbox", params.sandbox)
    const cwd = path.resolve(info.cwd, Settings.folderIn(params) ?? recorded?.cwd ?? ".")
    const requested = recorded === null ? params : requestedAgain(params, recorded)
    const effective = yield* config.effective({ cwd, overrides: params.config ?? {}, requested })
    const name = model.answersAs?.(effective.modelProvider)
    const settings = yield* Settings.initial(Settings.named(effective, name), cwd, catalog.defaultModel, params)
    const unused = Settings.unusedModel(name, params.model)
    const told = yield* instructions(cwd, effective, params)
    return {
      settings,
      instructions: told,
      provider: effective.providers[settings.value.modelProvider],
      config: effective,
      warnings: [...effective.warnings, ...(unused === undefined ? [] : [unused]), ...told.warnings]
    }
  })
})

/** Settings of `config` that choose the sandbox. */
const sandboxKeys = ["sandbox_mode", "sandbox_workspace_write", "default_permissions", "permissions"]

/**
 * What a resumed thread asks for: what the request says, and else the model and the policies that it had. They are checked
 * like any others, because requirements may have come since.
 */
const requestedAgain = (params: Overrides, recorded: ThreadSettings): RequestedSettings => {
  const overridden = new Set(Object.keys(params.config ?? {}).map((key) => key.split(".")[0]))
  const { activePermissionProfile, approvalPolicy, approvalsReviewer, sandboxPolicy } = recorded
  // No other provider has the model of the offline one.
  const model = recorded.modelProvider === offlineProvider ? null : recorded.model
  return {
    ...params,
    model: params.model ?? model,
    approvalPolicy: params.approvalPolicy ?? (overridden.has("approval_policy") ? null : approvalPolicy),
    approvalsReviewer: params.approvalsReviewer ?? (overridden.has("approvals_reviewer") ? null : approvalsReviewer),
    recorded: sandboxKeys.some((key) => overridden.has(key))
      ? null
      : { sandboxPolicy, profile: activePermissionProfile?.id ?? null }
  }
}

export const make: Effect.Effect<
  HandlersFor<"thread/start" | "thread/resume" | "thread/read" | "thread/loaded/list" | "thread/unsubscribe">,
  never,
  Config | ModelCatalog | ModelProvider | OutboundRouter | Path.Path | ServerInfo | SmallFiles | Threads | ThreadStore
> = Effect.gen(function* () {
  const prepare = yield* setUp
  const router = yield* OutboundRouter
  const threads = yield* Threads
  const store = yield* ThreadStore

  const publish = (thread: Thread, warnings: ReadonlyArray<ConfigWarning>) =>
    Effect.forEach(warnings, (warning) => router.notify("configWarning", configWarning(warning), thread.id), {
      discard: true
    })

  const start: Handler<"thread/start"> = Effect.fnUntraced(function* (params, context) {
    const { connection } = context
    const { warnings, ...setup } = yield* prepare(params, null)
    const found: Array<ConfigWarning> = []
    const thread = yield* threads.start({
      ...setup,
      warn: (warning) => found.push(warning),
      ephemeral: params.ephemeral ?? false,
      originator: connection.session?.client.name ?? "",
      threadSource: params.threadSource ?? null
    })
    const placed = thread.subscribeWithSnapshot(connection, undefined, [], (following, extensions) =>
      context.respondNow(startedThread(thread, false), following, extensions)
    )
    yield* settled(placed)
    yield* router.notify("thread/started", { thread: thread.view(false) }, thread.id)
    yield* warn(router, thread.id, [...warnings, ...unservedAtStart(params)])
    yield* publish(thread, found)
    return Answered
  })

  /** What is told right behind the answer to a client that joins. */
  const welcome = (
    thread: Thread,
    context: Parameters<Handler<"thread/resume">>[1]
  ): ReadonlyArray<OutboundMessage> => {
    const { usage } = thread.host.state
    const threadId = thread.id
    const now = thread.host.now()
    const { connection } = context
    return [
      usage === null
        ? undefined
        : router.message(
            connection,
            "thread/tokenUsage/updated",
            { threadId, turnId: usage.turnId, tokenUsage: usage.tokens },
            now
          ),
      router.message(connection, "thread/goal/cleared", { threadId }, now)
    ].filter((message) => message !== undefined)
  }

  const loadStored = Effect.fnUntraced(function* (params: ParamsOf<"thread/resume">) {
    const state = yield* threads.stored(params.threadId)
    const { warnings, ...setup } = yield* prepare(params, state.settings)
    const found: Array<ConfigWarning> = []
    const thread = yield* threads.load(state, { ...setup, warn: (warning) => found.push(warning) })
    yield* router.notify("thread/status/changed", { threadId: thread.id, status: thread.host.status }, thread.id)
    return { thread, warnings, found }
  })

  const resume: Handler<"thread/resume"> = Effect.fnUntraced(function* (params, context) {
    const loaded = threads.find(params.threadId)
    const after = positionIn(context.extensions)
    // Who was here and comes back goes on with what there is, though it is not on record yet or never will be.
    const isOnRecord = loaded !== undefined && loaded.host.state.turns.length > 0 && !loaded.host.state.origin.ephemeral
    if (loaded !== undefined && !isOnRecord && after === undefined) {
      return yield* new ThreadNotFound({ threadId: params.threadId, sought: "record" })
    }
    const { found, thread, warnings } =
      loaded === undefined ? yield* loadStored(params) : { thread: loaded, warnings: [], found: [] }
    yield* thread.open(true)
    const placed = thread.subscribeWithSnapshot(
      context.connection,
      after,
      welcome(thread, context),
      (following, extensions) => context.respondNow(resumedThread(thread, params), following, extensions)
    )
    yield* settled(placed)
    const unused = loaded === undefined ? undefined : Settings.unusedModel(thread.answersAs, params.model)
    const also = unused === undefined ? warnings : [...warnings, unused]
    yield* warn(router, thread.id, [...also, ...unservedAtResume(params)])
    yield* publish(thread, found)
    return Answered
  })

  const read: Handler<"thread/read"> = Effect.fnUntraced(function* (params) {
    const includeTurns = params.includeTurns === true
    const loaded = threads.find(params.threadId)
    if (loaded !== undefined) {
      if (includeTurns && loaded.host.state.turns.length === 0) return yield* new HistoryUnavailable()
      return { thread: loaded.view(includeTurns), readState: null }
    }
    yield* checkId(params.threadId, "thread")
    const status = { type: "notLoaded" } as const
    if (!includeTurns) {
      const summary = yield* store.summary(params.threadId)
      if (summary === null) return yield* new ThreadNotFound({ threadId: params.threadId, sought: "readable" })
      return { thread: toThread(summary, status, null), readState: null }
    }
    const state = yield* readState(store, params.threadId)
    if (state === null) return yield* new ThreadNotFound({ threadId: params.threadId, sought: "readable" })
    const turns = state.turns.map((turn) => toTurn(cut(turn), "full"))
    return { thread: toThread(summaryOf(state), status, null, turns), readState: null }
  })

  const loadedList: Handler<"thread/loaded/list"> = (params) =>
    Effect.suspend(() => {
      const { cursor } = params
      if (cursor != null && problemOf(cursor) !== undefined) {
        return Effect.fail(invalidRequest(`invalid cursor: ${cursor.slice(0, MaxEchoed)}`))
      }
      // In the order of their ids, so that a page goes on behind a thread that is no longer loaded.
      const ids = threads.loaded().toSorted()
      const behind = cursor == null ? 0 : ids.findIndex((id) => id > cursor.toLowerCase())
      const from = behind === -1 ? ids.length : behind
      const data = ids.slice(from, params.limit == null ? undefined : from + Math.max(1, params.limit))
      return Effect.succeed({ data, nextCursor: from + data.length < ids.length ? (data.at(-1) ?? null) : null })
    })

  const unsubscribe: Handler<"thread/unsubscribe"> = Effect.fnUntraced(function* (params, { connection }) {
    yield* checkId(params.threadId, "thread")
    if (threads.find(params.threadId) === undefined) return { status: "notLoaded" as const }
    const followed = router.unsubscribe(params.threadId, connection)
    return { status: followed ? ("unsubscribed" as const) : ("notSubscribed" as const) }
  })

  return {
    "thread/start": start,
    "thread/resume": resume,
    "thread/read": read,
    "thread/loaded/list": loadedList,
    "thread/unsubscribe": unsubscribe
  }
})
