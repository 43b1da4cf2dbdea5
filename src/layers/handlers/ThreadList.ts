/**
 * The list of stored threads: filters, order, pages.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ParamsOf } from "../../protocol/Methods.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import { invalidRequest, RequestError } from "../../services/routing/RequestError.ts"
import * as ThreadCursor from "../../services/thread/ThreadCursor.ts"
import { problemOf } from "../../services/thread/ThreadId.ts"
import { Threads } from "../../services/thread/Threads.ts"
import { type SourceKind, type ThreadFilter, ThreadStore } from "../../services/thread/ThreadStore.ts"
import { toThread } from "../../services/thread/ThreadView.ts"

/** Default page size. */
const DefaultLimit = 25

/** Maximum number of characters of a refused cursor in the error. */
const MaxEchoed = 128

type Filters = ParamsOf<"thread/list">

/** Interactive programs. They are the default filter of kinds. */
const interactive: ReadonlyArray<string> = ["cli", "vscode"]

const allKinds: ReadonlyArray<SourceKind> = ["cli", "vscode", "exec", "appServer", "unknown", "custom", "subAgent"]

/** An absent list and an empty one both mean no filter. */
const given = <A>(values: ReadonlyArray<A> | null | undefined): ReadonlyArray<A> | undefined =>
  values == null || values.length === 0 ? undefined : values

const filterOf = (params: Filters): ThreadFilter => ({
  archived: params.archived === true,
  sourceKinds: kindsOf(params),
  modelProviders: given(params.modelProviders) ?? null,
  cwds: typeof params.cwd === "string" ? [params.cwd] : (given(params.cwd) ?? null),
  text: params.searchTerm ?? null,
  excludedIds: params.excludedThreadIds ?? [],
  section: null,
  attachment: null
})

/** Threads of this server have no section, project, parent or attachment, so a filter by one matches none. */
const matchesNone = (params: Filters): boolean =>
  [params.sectionId, params.projectId, params.parentThreadId, params.ancestorThreadId, params.attachedToThreadId].some(
    (id) => id != null
  )

const kindsOf = (params: Filters): ReadonlyArray<SourceKind> => {
  const kinds: ReadonlyArray<string> = given(params.sourceKinds) ?? interactive
  return allKinds.filter((kind) => kinds.includes(kind))
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
    if (matchesNone(params)) return { data: [], nextCursor: null, backwardsCursor: null, readStates: null }
    const page = yield* store.list({
      filter: filterOf(params),
      cursor,
      limit: Math.max(1, params.limit ?? DefaultLimit),
      sortKey: params.sortKey === "updated_at" || params.sortKey === "recency_at" ? params.sortKey : "created_at",
      sortDirection: params.sortDirection ?? "desc"
    })
    return {
      data: page.threads.map(
        (summary) => threads.find(summary.origin.id)?.view(false) ?? toThread(summary, { type: "notLoaded" }, null)
      ),
      nextCursor: page.nextCursor,
      backwardsCursor: page.backwardsCursor,
      readStates: null
    }
  })

  return { "thread/list": list }
})
