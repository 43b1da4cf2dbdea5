/**
 * Threads: start, resume, read, unsubscribe, and which are loaded.
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
import { invalidRequest } from "../../services/routing/RequestError.ts"
import { ServerRequests } from "../../services/routing/ServerRequests.ts"
import { readState } from "../../services/thread/StoredThread.ts"
import type { Thread } from "../../services/thread/Thread.ts"
import { HistoryUnavailable, ThreadNotFound } from "../../services/thread/ThreadError.ts"
import { problemOf } from "../../services/thread/ThreadId.ts"
import { checkId, type LoadedThread, Threads } from "../../services/thread/Threads.ts"
import { ThreadStore } from "../../services/thread/ThreadStore.ts"
import { cut, summaryOf, toThread, toTurn } from "../../services/thread/ThreadView.ts"
import { configWarning } from "./configWarning.ts"
import { subscribe } from "./subscribe.ts"
import { warn } from "./warnings.ts"

/** Characters of a refused cursor that the error repeats. */
const MaxEchoed = 128

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
  const turns = thread.state.turns.map((turn) => toTurn(turn, view))
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

export const make: Effect.Effect<
  HandlersFor<"thread/start" | "thread/resume" | "thread/read" | "thread/loaded/list" | "thread/unsubscribe">,
  never,
  OutboundRouter | ServerRequests | Threads | ThreadStore
> = Effect.gen(function* () {
  const router = yield* OutboundRouter
  const serverRequests = yield* ServerRequests
  const threads = yield* Threads
  const store = yield* ThreadStore

  /** What its user should know about how the thread was loaded. */
  const publishWarnings = ({ configWarnings, thread, warnings }: LoadedThread, unserved: ReadonlyArray<string>) =>
    Effect.andThen(
      warn(router, thread.id, [...warnings, ...unserved]),
      Effect.forEach(configWarnings, (one) => router.notify("configWarning", configWarning(one), thread.id), {
        discard: true
      })
    )

  const start: Handler<"thread/start"> = Effect.fnUntraced(function* (params, { connection }) {
    const loaded = yield* threads.start({
      overrides: params,
      ephemeral: params.ephemeral ?? false,
      originator: connection.session?.client.name ?? "",
      threadSource: params.threadSource ?? null
    })
    const { thread } = loaded
    return Reply.make(() => {
      const { extensions, following } = subscribe({ router, serverRequests }, connection, thread.id)
      const started = Effect.andThen(threads.announce(thread), publishWarnings(loaded, unservedAtStart(params)))
      return { result: startedThread(thread, false), extensions, commit: Effect.andThen(following, started) }
    })
  })

  /** Follows the answer to a client that resumes and has not said where it left off. */
  const catchUp = (thread: Thread, connection: Connection, now: number): ReadonlyArray<OutboundMessage> => {
    const { usage } = thread.state
    const threadId = thread.id
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

  const resume: Handler<"thread/resume"> = Effect.fnUntraced(function* (params, { connection, extensions }) {
    const after = positionIn(extensions)
    const loaded = yield* threads.resume({
      threadId: params.threadId,
      overrides: params,
      returning: after !== undefined
    })
    const { thread } = loaded
    const now = yield* Clock.currentTimeMillis
    return Reply.make(() => {
      const otherwise = catchUp(thread, connection, now)
      const { extensions, following } = subscribe({ router, serverRequests }, connection, thread.id, after, otherwise)
      const commit = Effect.andThen(following, publishWarnings(loaded, unservedAtResume(params)))
      return { result: resumedThread(thread, params), extensions, commit }
    })
  })

  const read: Handler<"thread/read"> = Effect.fnUntraced(function* (params) {
    const includeTurns = params.includeTurns === true
    const loaded = threads.find(params.threadId)
    if (loaded !== undefined) {
      if (includeTurns && loaded.state.turns.length === 0) return yield* new HistoryUnavailable()
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
