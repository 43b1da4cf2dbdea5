/**
 * The history of a thread in pages: turns, items, single items, occurrences of a text, and the timeline.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ParamsOf } from "../../protocol/Methods.ts"
import type { ThreadItemEntry } from "../../protocol/v2/thread/HistoryRequests.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import { invalidRequest, RequestError } from "../../services/routing/RequestError.ts"
import type { HistoryPosition } from "../../services/thread/History.ts"
import * as HistoryCursor from "../../services/thread/HistoryCursor.ts"
import { occurrences, pageSize, type ThreadHistory } from "../../services/thread/HistoryPages.ts"
import { InvalidCursor } from "../../services/thread/ThreadError.ts"
import { Threads } from "../../services/thread/Threads.ts"
import { paged } from "./HistoryCursors.ts"
import type { StoredItem } from "../../services/thread/ThreadState.ts"
import { ThreadStore } from "../../services/thread/ThreadStore.ts"
import { toTurn } from "../../services/thread/ThreadView.ts"
import { type History, openHistory } from "./OpenHistory.ts"
import { makeTimeline } from "./ThreadTimeline.ts"

/** Maximum number of characters of a refused cursor in the error. */
const MaxEchoed = 256

/** Default and maximum number of occurrences of a page. */
const DefaultOccurrences = 50
const MaxOccurrences = 1000

/** Maximum number of items that are read by id. */
const MaxItemIds = 100

/** Items that are read at a time while ids are looked up. */
const ReadAtOnce = 512

type ItemsParams = ParamsOf<"thread/items/list">

const invalidParams = (message: string) => new RequestError({ code: ErrorCode.InvalidParams, message })

const invalidCursor = (cursor: string) => new InvalidCursor({ cursor: cursor.slice(0, MaxEchoed) })

const positionOf = (threadId: string, kind: HistoryCursor.HistoryKind, cursor: string | null | undefined) => {
  if (cursor == null) return Effect.succeed(null)
  const position = HistoryCursor.parse(threadId, kind, cursor)
  return position === undefined ? Effect.fail(invalidCursor(cursor)) : Effect.succeed(position)
}

/** A command that succeeded with output, or a tool call of an MCP server that succeeded with text only. */
const isDeferred = (item: StoredItem["item"], defer: NonNullable<ItemsParams["deferOutput"]>): boolean => {
  if (item.type === "commandExecution")
    return defer.commandExecution === true && item.status === "completed" && (item.aggregatedOutput ?? "") !== ""
  if (item.type !== "mcpToolCall" || defer.mcpToolCall !== true || item.status !== "completed") return false
  const content = item.result?.content ?? []
  return content.length > 0 && content.every((part) => isText(part))
}

const isText = (part: unknown): boolean =>
  typeof part === "object" && part !== null && "type" in part && part.type === "text"

const withoutOutput = (item: StoredItem["item"]): StoredItem["item"] => {
  if (item.type === "commandExecution") return { ...item, aggregatedOutput: null }
  return item.type === "mcpToolCall" ? { ...item, result: null } : item
}

const entryOf = ({ item, turnId }: StoredItem, defer?: ItemsParams["deferOutput"]): ThreadItemEntry => {
  const times = { startedAtMs: item.startedAtMs ?? null, completedAtMs: item.completedAtMs ?? null }
  return defer != null && isDeferred(item, defer)
    ? { turnId, item: withoutOutput(item), outputDeferred: true, ...times }
    : { turnId, item, ...times }
}

/** The position of an anchor: an item of the requested turn. */
const anchorIn = Effect.fnUntraced(function* (history: ThreadHistory, turnId: string, itemId: string) {
  for (let from: HistoryPosition | null = null; ;) {
    const items: ReadonlyArray<StoredItem> = yield* history.items({ from, direction: "asc", limit: ReadAtOnce }, turnId)
    const found = items.find(({ item }) => item.id === itemId)
    if (found !== undefined) return { seq: found.seq, inclusive: false }
    const last = items.at(-1)
    if (last === undefined)
      return yield* invalidParams("cursor.itemId does not identify an item in the requested history scope")
    from = { seq: last.seq, inclusive: false }
  }
})

const makeItems = (history: History): Handler<"thread/items/list"> =>
  Effect.fnUntraced(function* (params) {
    const { cursor, deferOutput, threadId } = params
    const direction = params.sortDirection ?? "asc"
    const turnId = params.turnId ?? null
    const anchor = cursor == null || typeof cursor === "string" ? null : cursor
    if (anchor !== null && (turnId ?? "") === "")
      return yield* invalidParams("turnId is required when cursor is an item anchor")
    const items = yield* history(threadId, "thread/items/list")
    const from =
      anchor === null || turnId === null
        ? yield* positionOf(threadId, "itemsByCreatedAtOrdinal", typeof cursor === "string" ? cursor : null)
        : yield* anchorIn(items, turnId, anchor.itemId)
    const limit = pageSize(params.limit)
    const found = yield* items.items({ from, direction, limit: limit + 1 }, turnId)
    const { shown, ...cursors } = paged(threadId, "itemsByCreatedAtOrdinal", found, limit)
    // Outputs are deferred in pages of one turn only, where they can be read by id.
    const defer = (turnId ?? "") === "" ? null : deferOutput
    return { data: shown.map((item) => entryOf(item, defer)), ...cursors }
  })

const makeRead = (history: History): Handler<"thread/items/read"> =>
  Effect.fnUntraced(function* ({ itemIds, threadId, turnId }) {
    const items = yield* history(threadId, "thread/items/read")
    if (itemIds.length === 0 || itemIds.length > MaxItemIds)
      return yield* invalidRequest(`itemIds must contain 1 to ${MaxItemIds} IDs`)
    const sought = new Set(itemIds)
    const data: Array<ThreadItemEntry> = []
    for (let from: HistoryPosition | null = null; ;) {
      const found: ReadonlyArray<StoredItem> = yield* items.items({ from, direction: "asc", limit: ReadAtOnce }, turnId)
      data.push(...found.filter(({ item }) => sought.has(item.id)).map((item) => entryOf(item)))
      const last = found.at(-1)
      if (last === undefined || found.length < ReadAtOnce) return { data }
      from = { seq: last.seq, inclusive: false }
    }
  })

const makeOccurrences = (history: History): Handler<"thread/searchOccurrences"> =>
  Effect.fnUntraced(function* ({ cursor, limit, searchTerm, threadId }) {
    const read = yield* history(threadId, "thread/searchOccurrences")
    if (searchTerm.trim() === "")
      return yield* invalidRequest("thread/searchOccurrences requires a non-empty searchTerm")
    const from = cursor == null ? { seq: 0, index: 0 } : HistoryCursor.parseOccurrence(threadId, searchTerm, cursor)
    if (from === undefined) return yield* invalidCursor(cursor ?? "")
    const size = pageSize(limit, MaxOccurrences, DefaultOccurrences)
    const { found, next } = yield* occurrences(read, searchTerm, from, size)
    return {
      data: found.map(({ end, itemId, snippet, start, turnId, turnSeq }) => ({
        turnId,
        itemId,
        snippet,
        snippetMatchRange: { start, end },
        turnCursor: HistoryCursor.textOf(threadId, "turns", { seq: turnSeq, inclusive: true })
      })),
      nextCursor: next === null ? null : HistoryCursor.textOfOccurrence(threadId, searchTerm, next)
    }
  })

const makeTurns = (history: History): Handler<"thread/turns/list"> =>
  Effect.fnUntraced(function* (params) {
    const { threadId } = params
    const view = params.itemsView ?? "summary"
    const turns = yield* history(threadId, "list_turns")
    const from = yield* positionOf(threadId, "turns", params.cursor)
    const limit = pageSize(params.limit)
    const range = { from, direction: params.sortDirection ?? "desc", limit: limit + 1 }
    const { shown, ...cursors } = paged(threadId, "turns", yield* turns.turns(range, view), limit)
    return { data: shown.map((turn) => toTurn(turn, view)), ...cursors }
  })

export const make: Effect.Effect<
  HandlersFor<
    | "thread/turns/list"
    | "thread/items/list"
    | "thread/items/read"
    | "thread/searchOccurrences"
    | "thread/timeline/list"
  >,
  never,
  Threads | ThreadStore
> = Effect.gen(function* () {
  const threads = yield* Threads
  const store = yield* ThreadStore

  const history = openHistory(threads, store)

  return {
    "thread/turns/list": makeTurns(history),
    "thread/items/list": makeItems(history),
    "thread/items/read": makeRead(history),
    "thread/searchOccurrences": makeOccurrences(history),
    "thread/timeline/list": makeTimeline(history)
  }
})
