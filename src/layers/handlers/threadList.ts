/**
 * The list of stored threads: filters, order, pages.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as ErrorCode from "../../protocol/ErrorCode.ts"
import type { SessionSource } from "../../protocol/Thread.ts"
import type { ParamsOf } from "../../protocol/methods/ClientRequests.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import { invalidRequest, RequestError } from "../../services/routing/RequestError.ts"
import * as ThreadCursor from "../../services/thread/ThreadCursor.ts"
import { problemOf } from "../../services/thread/ThreadId.ts"
import { Threads } from "../../services/thread/Threads.ts"
import { type ThreadRecord, toThread } from "../../services/thread/ThreadRecord.ts"
import { ThreadStore } from "../../services/thread/ThreadStore.ts"

/** Threads on a page when the client names no number. */
const DefaultLimit = 25

/** Characters of a refused cursor that the error repeats. */
const MaxEchoed = 128

type Filters = ParamsOf<"thread/list">

/** Programs a person sits in front of; what the list shows when no kinds are asked for. */
const interactive: ReadonlyArray<string> = ["cli", "vscode"]

const kindOf = (source: SessionSource): string => {
  if (typeof source === "string") return source
  return "custom" in source ? "custom" : "subAgent"
}

/** Absent and empty mean the same: no filter. */
const given = <A>(values: ReadonlyArray<A> | null | undefined): ReadonlyArray<A> | undefined =>
  values == null || values.length === 0 ? undefined : values

const matches =
  (filters: Filters) =>
  (record: ThreadRecord): boolean => {
    const { origin, settings } = record
    const cwds = typeof filters.cwd === "string" ? [filters.cwd] : given(filters.cwd)
    const kinds: ReadonlyArray<string> = given(filters.sourceKinds) ?? interactive
    return (
      filters.archived !== true &&
      kinds.includes(kindOf(origin.source)) &&
      (given(filters.modelProviders)?.includes(settings.modelProvider) ?? true) &&
      (cwds?.includes(settings.cwd) ?? true) &&
      (filters.searchTerm == null ||
        record.preview.includes(filters.searchTerm) ||
        record.name?.includes(filters.searchTerm) === true) &&
      filters.excludedThreadIds?.includes(origin.id) !== true &&
      // No thread of this server has a section, a project or a parent yet.
      filters.sectionId == null &&
      filters.projectId == null &&
      filters.parentThreadId == null &&
      filters.ancestorThreadId == null &&
      filters.attachedToThreadId == null
    )
  }

export const make: Effect.Effect<HandlersFor<"thread/list">, never, Threads | ThreadStore> = Effect.gen(function* () {
  const threads = yield* Threads
  const store = yield* ThreadStore

  const list: Handler<"thread/list"> = Effect.fnUntraced(function* (params) {
    if (given(params.originators) !== undefined) {
      const message = "originator filtering is not supported by the local app-server"
      return yield* new RequestError({ code: ErrorCode.InvalidParams, message })
    }
    const cursor = params.cursor == null ? null : ThreadCursor.parse(params.cursor)
    const id = cursor?.id ?? null
    if (cursor === undefined || (id !== null && problemOf(id) !== undefined))
      return yield* invalidRequest(`invalid cursor: ${params.cursor?.slice(0, MaxEchoed)}`)
    const page = yield* store.list({
      cursor,
      limit: Math.max(1, params.limit ?? DefaultLimit),
      sortKey: params.sortKey === "updated_at" || params.sortKey === "recency_at" ? params.sortKey : "created_at",
      sortDirection: params.sortDirection ?? "desc",
      matches: matches(params)
    })
    return {
      data: page.records.map((record) => {
        const loaded = threads.find(record.origin.id)
        return loaded?.view(false) ?? toThread(record, { type: "notLoaded" })
      }),
      nextCursor: page.nextCursor,
      backwardsCursor: page.backwardsCursor,
      readStates: null
    }
  })

  return { "thread/list": list }
})
