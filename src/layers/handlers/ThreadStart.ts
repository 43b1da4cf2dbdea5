/**
 * Handlers that start, resume and fork threads and subscribe the client.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { ParamsOf, ResultOf } from "../../protocol/Methods.ts"
import { positionIn } from "../../protocol/extensions/Sequence.ts"
import type { Connection } from "../../services/connection/Connection.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import * as Reply from "../../services/connection/Reply.ts"
import { warningsFor } from "../../services/decoding/ParameterDecisions.ts"
import type { OutboundMessage } from "../../services/routing/OutboundMessage.ts"
import { OutboundRouter } from "../../services/routing/OutboundRouter.ts"
import { invalidRequest, type RequestError } from "../../services/routing/RequestError.ts"
import { ServerRequests } from "../../services/routing/ServerRequests.ts"
import type { ForkPoint } from "../../services/thread/StoredThread.ts"
import type { Thread } from "../../services/thread/Thread.ts"
import { type LoadedThread, Threads } from "../../services/thread/Threads.ts"
import { toTurn } from "../../services/thread/ThreadView.ts"
import { turnsIn } from "../../services/thread/History.ts"
import { pageSize } from "../../services/thread/HistoryPages.ts"
import { toGoal } from "../../services/thread/ThreadGoal.ts"
import { backwardsCursors, paged } from "./HistoryCursors.ts"
import { configWarning } from "./ConfigWarning.ts"
import { type Routing, subscribe } from "./Subscribe.ts"
import { warn } from "./Warnings.ts"

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

/** The first page of the history, as in `thread/turns/list`. */
const firstPage = ({ state }: Thread, page: NonNullable<ParamsOf<"thread/resume">["initialTurnsPage"]>) => {
  const limit = pageSize(page.limit)
  const range = { from: null, direction: page.sortDirection ?? "desc", limit: limit + 1 }
  const { shown, ...cursors } = paged(state.origin.id, "turns", turnsIn(state, range), limit)
  return { data: shown.map((turn) => toTurn(turn, page.itemsView ?? "summary")), ...cursors }
}

const resumedThread = (thread: Thread, params: ParamsOf<"thread/resume">): ResultOf<"thread/resume"> => ({
  ...startedThread(thread, params.excludeTurns !== true),
  collaborationMode: thread.settings.collaborationMode,
  initialTurnsPage: params.initialTurnsPage == null ? null : firstPage(thread, params.initialTurnsPage),
  ...backwardsCursors(thread.state)
})

const unservedAtStart = warningsFor("thread/start")
const unservedAtResume = warningsFor("thread/resume")
const unservedAtFork = warningsFor("thread/fork")

/** Sends the warnings of loading the thread. */
const publishWarnings = (
  router: OutboundRouter["Service"],
  { configWarnings, thread, warnings }: LoadedThread,
  unserved: ReadonlyArray<string>
): Effect.Effect<void> =>
  Effect.andThen(
    warn(router, thread.id, [...warnings, ...unserved]),
    Effect.forEach(configWarnings, (one) => router.notify("configWarning", configWarning(one), thread.id), {
      discard: true
    })
  )

/** Sends the token usage to a client that subscribes; nothing before the first usage. */
const usageFor = (
  router: OutboundRouter["Service"],
  connection: Connection,
  { id: threadId, state: { usage } }: Thread,
  now: number
): ReadonlyArray<OutboundMessage> => {
  if (usage === null) return []
  const params = { threadId, turnId: usage.turnId, tokenUsage: usage.tokens }
  const message = router.message(connection, "thread/tokenUsage/updated", params, now)
  return message === undefined ? [] : [message]
}

/** Sent after the response to a client that resumes without a position. */
const catchUp = (
  router: OutboundRouter["Service"],
  connection: Connection,
  thread: Thread,
  now: number
): ReadonlyArray<OutboundMessage> => {
  const { id: threadId, state } = thread
  const goal =
    state.goal === null
      ? router.message(connection, "thread/goal/cleared", { threadId }, now)
      : router.message(
          connection,
          "thread/goal/updated",
          { threadId, turnId: null, goal: toGoal(threadId, state.goal) },
          now
        )
  return [...usageFor(router, connection, thread, now), ...(goal === undefined ? [] : [goal])]
}

/** The client's declared identity. Handlers run only for initialized connections. */
const originatorOf = (connection: Connection): string => connection.session?.client.name ?? ""

const pointOf = ({ beforeTurnId, lastTurnId }: ParamsOf<"thread/fork">): Effect.Effect<ForkPoint, RequestError> => {
  if (beforeTurnId != null && lastTurnId != null) {
    return Effect.fail(invalidRequest("`beforeTurnId` cannot be combined with `lastTurnId`"))
  }
  if (lastTurnId != null) return Effect.succeed({ through: lastTurnId })
  return Effect.succeed(beforeTurnId == null ? null : { before: beforeTurnId })
}

const makeStart = (routing: Routing, threads: Threads["Service"]): Handler<"thread/start"> =>
  Effect.fnUntraced(function* (params, { connection }) {
    const loaded = yield* threads.start({
      overrides: params,
      ephemeral: params.ephemeral ?? false,
      originator: originatorOf(connection),
      threadSource: params.threadSource ?? null,
      dynamicTools: params.dynamicTools ?? []
    })
    const { thread } = loaded
    return Reply.make(() => {
      const { extensions, following } = subscribe(routing, connection, thread.id)
      const warnings = publishWarnings(routing.router, loaded, unservedAtStart(params))
      const commit = following.pipe(Effect.andThen(threads.announce(thread)), Effect.andThen(warnings))
      return { result: startedThread(thread, false), extensions, commit }
    })
  })

/** Refuses a conversation that is to replace that of the thread. An empty one requests nothing. */
const refuseHistory = (
  threads: Threads["Service"],
  threadId: string,
  history: ParamsOf<"thread/resume">["history"]
): Effect.Effect<void, RequestError> => {
  if (history == null || history.length === 0) return Effect.void
  const isLoaded = threads.find(threadId) !== undefined
  return Effect.fail(
    invalidRequest(
      isLoaded
        ? `cannot resume thread ${threadId} with history while it is already running`
        : "`thread/resume.history` is not supported by this server yet"
    )
  )
}

const makeResume = (routing: Routing, threads: Threads["Service"]): Handler<"thread/resume"> =>
  Effect.fnUntraced(function* (params, context) {
    const { connection } = context
    const threadId = yield* threads.stored.locate(params.threadId, params.path)
    yield* refuseHistory(threads, threadId, params.history)
    const served = threads.stored.hasFiles ? { ...params, path: null } : params
    const after = positionIn(context.extensions)
    const loaded = yield* threads.resume({ threadId, overrides: params, returning: after !== undefined })
    const { thread } = loaded
    const now = yield* Clock.currentTimeMillis
    return Reply.make(() => {
      const otherwise = catchUp(routing.router, connection, thread, now)
      const { extensions, following } = subscribe(routing, connection, threadId, after, otherwise)
      const agents = threads.agentsOf(thread).map((id) => subscribe(routing, connection, id).following)
      const commit = following.pipe(
        Effect.andThen(Effect.all(agents, { discard: true })),
        Effect.andThen(publishWarnings(routing.router, loaded, unservedAtResume(served))),
        Effect.andThen(thread.goal.start)
      )
      return { result: resumedThread(thread, params), extensions, commit }
    })
  })

const makeFork = (routing: Routing, threads: Threads["Service"]): Handler<"thread/fork"> =>
  Effect.fnUntraced(function* (params, { connection }) {
    const { excludeTurns = false, ephemeral = false, threadId } = params
    const point = yield* pointOf(params)
    if (ephemeral && !excludeTurns) {
      return yield* invalidRequest("ephemeral paginated thread/fork requires `excludeTurns: true`")
    }
    const originator = originatorOf(connection)
    const threadSource = params.threadSource ?? null
    const loaded = yield* threads.fork({ threadId, overrides: params, ephemeral, originator, threadSource, point })
    const { thread } = loaded
    const now = yield* Clock.currentTimeMillis
    return Reply.make(() => {
      const usage = usageFor(routing.router, connection, thread, now)
      const { extensions, following } = subscribe(routing, connection, thread.id, undefined, usage)
      const warnings = publishWarnings(routing.router, loaded, unservedAtFork(params))
      const commit = following.pipe(Effect.andThen(threads.announce(thread)), Effect.andThen(warnings))
      return { result: startedThread(thread, !excludeTurns), extensions, commit }
    })
  })

export const make: Effect.Effect<
  HandlersFor<"thread/start" | "thread/resume" | "thread/fork">,
  never,
  OutboundRouter | ServerRequests | Threads
> = Effect.gen(function* () {
  const routing = { router: yield* OutboundRouter, serverRequests: yield* ServerRequests }
  const threads = yield* Threads
  return {
    "thread/start": makeStart(routing, threads),
    "thread/resume": makeResume(routing, threads),
    "thread/fork": makeFork(routing, threads)
  }
})
