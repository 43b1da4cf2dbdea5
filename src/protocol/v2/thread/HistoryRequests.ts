/**
 * Requests that read the history of a thread in pages, search it, or change it.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import {
  absent,
  EmptyResult,
  I64,
  named,
  nullable,
  optional,
  page,
  pageOf,
  twoWayPageOf,
  U32,
  U64,
  UnixMillis,
  UnixSeconds
} from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { ThreadItem } from "../item/Item.ts"
import { ThreadRealtimeItem } from "../realtime/Realtime.ts"
import { TurnError } from "../turn/ErrorInfo.ts"
import { TurnItemsView, TurnsPage, TurnStatus } from "../turn/Turn.ts"
import { SortDirection } from "./Sorting.ts"
import { Thread } from "./Thread.ts"

/** Newest first unless `sortDirection` is set. The default of `itemsView` is `summary`. */
export const ThreadTurnsListParams = lazy(() =>
  named("ThreadTurnsListParams", {
    threadId: Schema.String,
    ...page,
    sortDirection: optional(SortDirection()),
    itemsView: optional(TurnItemsView())
  })
)
export type ThreadTurnsListParams = Of<typeof ThreadTurnsListParams>

export const ThreadTurnsListResponse = TurnsPage
export type ThreadTurnsListResponse = Of<typeof ThreadTurnsListResponse>

/** A position right behind an item in ascending order, right before it in descending order. */
export const ThreadItemsListAnchor = lazy(() =>
  Schema.Struct({ type: Schema.Literal("item"), itemId: Schema.String }).annotate({
    identifier: "ThreadItemsListAnchor"
  })
)
export type ThreadItemsListAnchor = Of<typeof ThreadItemsListAnchor>

/** Which outputs of items are left out of a page of one turn; `thread/items/read` returns them. */
export const ThreadItemOutputDeferral = lazy(() =>
  named("ThreadItemOutputDeferral", {
    commandExecution: absent(Schema.Boolean),
    mcpToolCall: absent(Schema.Boolean)
  })
)
export type ThreadItemOutputDeferral = Of<typeof ThreadItemOutputDeferral>

/** Oldest first unless `sortDirection` is set. An anchor as cursor needs a `turnId`. */
export const ThreadItemsListParams = lazy(() =>
  named("ThreadItemsListParams", {
    threadId: Schema.String,
    turnId: optional(Schema.String),
    cursor: optional(
      Schema.Union([Schema.String, ThreadItemsListAnchor()]).annotate({ identifier: "ThreadItemsListCursor" })
    ),
    limit: optional(U32),
    sortDirection: optional(SortDirection()),
    deferOutput: optional(ThreadItemOutputDeferral())
  })
)
export type ThreadItemsListParams = Of<typeof ThreadItemsListParams>

/** An item with its turn. `outputDeferred` is present and true when the item's output was left out. */
export const ThreadItemEntry = lazy(() =>
  Schema.Struct({
    turnId: Schema.String,
    item: ThreadItem(),
    outputDeferred: absent(Schema.Boolean),
    startedAtMs: nullable(UnixMillis),
    completedAtMs: nullable(UnixMillis)
  })
)
export type ThreadItemEntry = Of<typeof ThreadItemEntry>

export const ThreadItemsListResponse = lazy(() => twoWayPageOf(ThreadItemEntry()))
export type ThreadItemsListResponse = Of<typeof ThreadItemsListResponse>

/** One to 100 ids of items of one turn. Unknown ids are left out of the result. */
export const ThreadItemsReadParams = lazy(() =>
  named("ThreadItemsReadParams", {
    threadId: Schema.String,
    turnId: Schema.String,
    itemIds: Schema.Array(Schema.String)
  })
)
export type ThreadItemsReadParams = Of<typeof ThreadItemsReadParams>

/** In the order of the turn. */
export const ThreadItemsReadResponse = lazy(() => Schema.Struct({ data: Schema.Array(ThreadItemEntry()) }))
export type ThreadItemsReadResponse = Of<typeof ThreadItemsReadResponse>

export const ThreadSearchOccurrencesParams = lazy(() =>
  named("ThreadSearchOccurrencesParams", {
    threadId: Schema.String,
    searchTerm: Schema.String,
    ...page
  })
)
export type ThreadSearchOccurrencesParams = Of<typeof ThreadSearchOccurrencesParams>

/** An occurrence in a message or an answer. The range counts UTF-16 units of the snippet. */
export const ThreadSearchOccurrence = lazy(() =>
  Schema.Struct({
    turnId: Schema.String,
    itemId: Schema.String,
    snippet: Schema.String,
    snippetMatchRange: Schema.Struct({ start: U32, end: U32 }),
    /** A cursor of `thread/turns/list` that begins with this turn. */
    turnCursor: Schema.String
  })
)
export type ThreadSearchOccurrence = Of<typeof ThreadSearchOccurrence>

export const ThreadSearchOccurrencesResponse = lazy(() => pageOf(ThreadSearchOccurrence()))
export type ThreadSearchOccurrencesResponse = Of<typeof ThreadSearchOccurrencesResponse>

export const ThreadTimelineListParams = lazy(() =>
  named("ThreadTimelineListParams", { threadId: Schema.String, ...page })
)
export type ThreadTimelineListParams = Of<typeof ThreadTimelineListParams>

const position = U64

const ofTurn = { position, turnId: Schema.String }

/**
 * The start or the end of a turn, or an item. Entries with the same position are in the order of the page. The members are
 * spelled as the released server sends them; the release's JSON Schema spells those of the turn with an underscore.
 */
export const ThreadTimelineEntry = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("turnStarted"), ...ofTurn, startedAt: nullable(UnixSeconds) }),
    Schema.Struct({ type: Schema.Literal("item"), ...ofTurn, item: ThreadItem() }),
    Schema.Struct({ type: Schema.Literal("realtime"), position, item: ThreadRealtimeItem() }),
    Schema.Struct({
      type: Schema.Literal("turnCompleted"),
      ...ofTurn,
      status: TurnStatus(),
      error: nullable(TurnError()),
      startedAt: nullable(UnixSeconds),
      completedAt: nullable(UnixSeconds),
      durationMs: nullable(I64)
    })
  ])
)
export type ThreadTimelineEntry = Of<typeof ThreadTimelineEntry>

/** The newest entries before the cursor, oldest first. */
export const ThreadTimelineListResponse = lazy(() =>
  Schema.Struct({
    ...pageOf(ThreadTimelineEntry()).fields,
    activeRealtimeSessionAtPageStart: nullable(Schema.String)
  })
)
export type ThreadTimelineListResponse = Of<typeof ThreadTimelineListResponse>

/** Removes the turn and all later ones from the history. Files stay as they are. */
export const ThreadRevertParams = lazy(() =>
  named("ThreadRevertParams", { threadId: Schema.String, beforeTurnId: Schema.String })
)
export type ThreadRevertParams = Of<typeof ThreadRevertParams>

/** `thread.turns` is empty. The cursors page backwards from the end of the kept history. */
export const ThreadRevertResponse = lazy(() =>
  Schema.Struct({
    thread: Thread(),
    turnsBackwardsCursor: nullable(Schema.String),
    itemsBackwardsCursor: nullable(Schema.String)
  })
)
export type ThreadRevertResponse = Of<typeof ThreadRevertResponse>

/** Entries of the conversation in the form of the model API. Clients do not see them in the history. */
export const ThreadInjectItemsParams = lazy(() =>
  named("ThreadInjectItemsParams", { threadId: Schema.String, items: Schema.Array(Schema.Json) })
)
export type ThreadInjectItemsParams = Of<typeof ThreadInjectItemsParams>

export const ThreadInjectItemsResponse = EmptyResult
export type ThreadInjectItemsResponse = Of<typeof ThreadInjectItemsResponse>

/** By method name. */
export const historyRequests = {
  /** The turns of a thread, paginated. */
  "thread/turns/list": Method.clientRequest({
    params: ThreadTurnsListParams,
    result: ThreadTurnsListResponse,
    schedule: Method.perThreadShared
  }),

  /** The items of a thread or of one turn, paginated. */
  "thread/items/list": Method.clientRequest({
    params: ThreadItemsListParams,
    result: ThreadItemsListResponse,
    schedule: Method.perThreadShared
  }),

  /** Items of one turn by id. */
  "thread/items/read": Method.clientRequest({
    params: ThreadItemsReadParams,
    result: ThreadItemsReadResponse,
    schedule: Method.perThreadShared
  }),

  /** Where a text occurs in the messages and answers of a thread. */
  "thread/searchOccurrences": Method.clientRequest({
    params: ThreadSearchOccurrencesParams,
    result: ThreadSearchOccurrencesResponse,
    schedule: Method.perThreadShared
  }),

  /** The starts and ends of the turns of a thread, and its items, paginated from the end. */
  "thread/timeline/list": Method.clientRequest({
    params: ThreadTimelineListParams,
    result: ThreadTimelineListResponse,
    schedule: Method.perThreadShared
  }),

  /** Removes turns from the end of the history. A running turn is interrupted first. */
  "thread/revert": Method.clientRequest({
    params: ThreadRevertParams,
    result: ThreadRevertResponse,
    schedule: Method.perThread
  }),

  /** Adds entries to the conversation with the model. */
  "thread/inject_items": Method.clientRequest({
    params: ThreadInjectItemsParams,
    result: ThreadInjectItemsResponse,
    schedule: Method.perThread
  })
} as const
