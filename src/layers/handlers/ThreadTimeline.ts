/**
 * The timeline of a thread, in pages from its end.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ThreadTimelineEntry } from "../../protocol/v2/thread/HistoryRequests.ts"
import type { Handler } from "../../services/connection/Handlers.ts"
import { invalidRequest } from "../../services/routing/RequestError.ts"
import * as HistoryCursor from "../../services/thread/HistoryCursor.ts"
import { pageSize } from "../../services/thread/HistoryPages.ts"
import { Kind, type TimelineEntry, timelineOf } from "../../services/thread/Timeline.ts"
import { toTurn } from "../../services/thread/ThreadView.ts"
import type { History } from "./OpenHistory.ts"

const shown = (entry: TimelineEntry): ThreadTimelineEntry => {
  const { position } = entry
  if (entry.kind === Kind.item) return { type: "item", position, turnId: entry.stored.turnId, item: entry.stored.item }
  const { completedAt, durationMs, error, id: turnId, startedAt, status } = toTurn(entry.turn, "notLoaded")
  return entry.kind === Kind.turnStarted
    ? { type: "turnStarted", position, turnId, startedAt }
    : { type: "turnCompleted", position, turnId, status, error, startedAt, completedAt, durationMs }
}

/** The place that a cursor names. */
const endOf = (threadId: string, text: string | null | undefined) => {
  if (text == null) return Effect.succeed(null)
  const cursor = HistoryCursor.parseTimeline(text)
  if (cursor === undefined) return Effect.fail(invalidRequest("invalid thread timeline cursor"))
  return cursor.threadId === threadId
    ? Effect.succeed(cursor)
    : Effect.fail(invalidRequest("thread timeline cursor belongs to another thread"))
}

export const makeTimeline = (history: History): Handler<"thread/timeline/list"> =>
  Effect.fnUntraced(function* ({ cursor, limit, threadId }) {
    const read = yield* history(threadId, "thread/timeline/list")
    const end = yield* endOf(threadId, cursor)
    const size = pageSize(limit)
    // One more than the page, to know whether an older entry exists.
    const entries = yield* timelineOf(read, end, size + 1)
    const data = entries.slice(-size)
    const first = data[0]
    return {
      data: data.map(shown),
      nextCursor:
        entries.length > size && first !== undefined
          ? HistoryCursor.textOfTimeline({ threadId, position: first.position, kind: first.kind, id: first.id })
          : null,
      activeRealtimeSessionAtPageStart: null
    }
  })
