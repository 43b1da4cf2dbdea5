/**
 * Handlers that read a thread, list the loaded ones, and unsubscribe from one.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import { OutboundRouter } from "../../services/routing/OutboundRouter.ts"
import { invalidRequest } from "../../services/routing/RequestError.ts"
import { isOnRecord, readState } from "../../services/thread/StoredThread.ts"
import { HistoryUnavailable, ThreadNotFound } from "../../services/thread/ThreadError.ts"
import { checkId, problemOf } from "../../services/thread/ThreadId.ts"
import { Threads } from "../../services/thread/Threads.ts"
import { ThreadStore } from "../../services/thread/ThreadStore.ts"
import { cut, readStateOf, summaryOf, toTurn } from "../../services/thread/ThreadView.ts"

/** Maximum number of characters of a refused cursor in the error. */
const MaxEchoed = 128

export const make: Effect.Effect<
  HandlersFor<"thread/read" | "thread/loaded/list" | "thread/unsubscribe">,
  never,
  OutboundRouter | Threads | ThreadStore
> = Effect.gen(function* () {
  const router = yield* OutboundRouter
  const threads = yield* Threads
  const store = yield* ThreadStore

  const read: Handler<"thread/read"> = Effect.fnUntraced(function* (params) {
    const includeTurns = params.includeTurns === true
    const loaded = threads.find(params.threadId)
    if (loaded !== undefined) {
      const { state } = loaded
      if (includeTurns && !state.isRecorded) return yield* new HistoryUnavailable({ operation: "list_turns" })
      return { thread: loaded.view(includeTurns), readState: readStateOf(state, isOnRecord(state)) }
    }
    yield* checkId(params.threadId, "thread")
    if (!includeTurns) {
      const summary = yield* store.summary(params.threadId)
      if (summary === null) return yield* new ThreadNotFound({ threadId: params.threadId, sought: "readable" })
      return { thread: yield* threads.stored.view(summary), readState: readStateOf(summary, true) }
    }
    const state = yield* readState(store, params.threadId)
    if (state === null) return yield* new ThreadNotFound({ threadId: params.threadId, sought: "readable" })
    const turns = state.turns.map((turn) => toTurn(cut(turn), "full"))
    const thread = yield* threads.stored.view(summaryOf(state))
    return { thread: { ...thread, turns }, readState: readStateOf(state, true) }
  })

  const loadedList: Handler<"thread/loaded/list"> = (params) =>
    Effect.suspend(() => {
      const { cursor } = params
      if (cursor != null && problemOf(cursor) !== undefined) {
        return Effect.fail(invalidRequest(`invalid cursor: ${cursor.slice(0, MaxEchoed)}`))
      }
      // Sorted by id, so that a page can continue after a thread that is no longer loaded.
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

  return { "thread/read": read, "thread/loaded/list": loadedList, "thread/unsubscribe": unsubscribe }
})
