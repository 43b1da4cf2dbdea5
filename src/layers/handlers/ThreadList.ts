/**
 * The list of stored threads, and the search of them: filters, order, pages.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ParamsOf } from "../../protocol/Methods.ts"
import { canonicalId } from "../../protocol/ThreadIds.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import { invalidRequest, RequestError } from "../../services/routing/RequestError.ts"
import { pageSize } from "../../services/thread/HistoryPages.ts"
import * as ThreadCursor from "../../services/thread/ThreadCursor.ts"
import { InvalidCursor, InvalidThreadId } from "../../services/thread/ThreadError.ts"
import { checkId, problemOf } from "../../services/thread/ThreadId.ts"
import { Threads } from "../../services/thread/Threads.ts"
import {
  everyThread,
  type SourceKind,
  type ThreadFilter,
  type ThreadPageRequest,
  ThreadStore
} from "../../services/thread/ThreadStore.ts"

/** Maximum number of threads of a page. */
const MaxPage = 1000

/** Maximum number of characters of a refused cursor in the error. */
const MaxEchoed = 128

type Filters = ParamsOf<"thread/list">

/** Interactive programs. They are the default filter of kinds. */
const interactive: ReadonlyArray<string> = ["cli", "vscode"]

const subAgents: ReadonlyArray<SourceKind> = [
  "subAgentReview",
  "subAgentCompact",
  "subAgentThreadSpawn",
  "subAgentOther"
]

const allKinds: ReadonlyArray<SourceKind> = ["cli", "vscode", "exec", "appServer", "unknown", "custom", ...subAgents]

/** An absent list and an empty one both mean no filter. */
const given = <A>(values: ReadonlyArray<A> | null | undefined): ReadonlyArray<A> | undefined =>
  values == null || values.length === 0 ? undefined : values

const kindsOf = ({ sourceKinds }: Pick<Filters, "sourceKinds">): ReadonlyArray<SourceKind> => {
  const kinds: ReadonlyArray<string> = given(sourceKinds) ?? interactive
  const isAnyAgent = kinds.includes("subAgent")
  return allKinds.filter((kind) => kinds.includes(kind) || (isAnyAgent && subAgents.includes(kind)))
}

/** For `sectionId`, null is a value: threads in no section that exists. */
const sectionOf = (sectionId: Filters["sectionId"], known: () => ReadonlyArray<string>): ThreadFilter["section"] => {
  if (sectionId === undefined) return null
  if (sectionId === null) return { noneOf: known() }
  return { anyOf: known().filter((id) => id === sectionId) }
}

const filterOf = (params: Filters, known: () => ReadonlyArray<string>): ThreadFilter => ({
  archived: params.archived === true,
  sourceKinds: kindsOf(params),
  modelProviders: given(params.modelProviders) ?? null,
  cwds: typeof params.cwd === "string" ? [params.cwd] : (params.cwd ?? null),
  text: params.searchTerm ?? null,
  excludedIds: (params.excludedThreadIds ?? []).map(canonicalId),
  section: sectionOf(params.sectionId, known),
  attachment: null
})

const invalidParams = (message: string) => new RequestError({ code: ErrorCode.InvalidParams, message })

/** Threads of this server have no parent and no project, so a filter by one matches none. */
const matchesNone = (params: Filters): boolean =>
  [params.parentThreadId, params.ancestorThreadId, params.attachedToThreadId].some((id) => id != null)

const checkFilters = Effect.fnUntraced(function* (params: Filters) {
  if (given(params.originators) !== undefined)
    return yield* invalidParams("originator filtering is not supported by the local app-server")
  for (const id of params.excludedThreadIds ?? []) {
    const detail = problemOf(id)
    if (detail !== undefined)
      return yield* invalidParams(new InvalidThreadId({ kind: "excluded thread", detail }).message)
  }
  if (params.parentThreadId != null) yield* checkId(params.parentThreadId, "parent thread")
  if (params.ancestorThreadId != null) yield* checkId(params.ancestorThreadId, "ancestor thread")
  if (params.attachedToThreadId != null) yield* checkId(params.attachedToThreadId, "attached thread parent")
  if (params.projectId != null)
    return yield* invalidParams(`project not found: ${params.projectId.slice(0, MaxEchoed)}`)
  if (params.sortKey === "section_position" && params.sectionId == null)
    return yield* invalidRequest("section-position sorting requires a section filter")
})

const cursorIn = Effect.fnUntraced(function* (
  text: string | null | undefined,
  sortKey: ThreadPageRequest["sortKey"]
): Effect.fn.Return<ThreadCursor.ThreadCursor | null, InvalidCursor> {
  if (text == null) return null
  const cursor = ThreadCursor.parse(text, ThreadCursor.kindOf(sortKey))
  const id = cursor?.id ?? null
  if (cursor === undefined || (id !== null && problemOf(id) !== undefined))
    return yield* new InvalidCursor({ cursor: text.slice(0, MaxEchoed) })
  return id === null ? cursor : { ...cursor, id: canonicalId(id) }
})

const makeList = (threads: Threads["Service"], store: ThreadStore["Service"]): Handler<"thread/list"> =>
  Effect.fnUntraced(function* (params) {
    yield* checkFilters(params)
    const sortKey = params.sortKey ?? "created_at"
    const cursor = yield* cursorIn(params.cursor, sortKey)
    if (matchesNone(params)) return { data: [], nextCursor: null, backwardsCursor: null, readStates: {} }
    const known = params.sectionId === undefined ? [] : (yield* threads.sections.list).map(({ id }) => id)
    const page = yield* store.list({
      filter: filterOf(params, () => known),
      cursor,
      limit: pageSize(params.limit, MaxPage),
      sortKey,
      sortDirection: params.sortDirection ?? (sortKey === "section_position" ? "asc" : "desc")
    })
    const data = yield* Effect.forEach(page.threads, threads.stored.view)
    const readStates = page.threads.flatMap((summary) => {
      const readState = threads.stored.readState(summary)
      return readState === null ? [] : [[summary.origin.id, readState] as const]
    })
    return {
      data,
      nextCursor: page.nextCursor,
      backwardsCursor: page.backwardsCursor,
      readStates: Object.fromEntries(readStates)
    }
  })

const makeSearch = (threads: Threads["Service"], store: ThreadStore["Service"]): Handler<"thread/search"> =>
  Effect.fnUntraced(function* (params) {
    if (params.searchTerm.trim() === "") return yield* invalidRequest("thread/search requires a non-empty searchTerm")
    const sortKey = params.sortKey ?? "created_at"
    const { matches, ...cursors } = yield* store.search({
      text: params.searchTerm,
      filter: { ...everyThread, archived: params.archived === true, sourceKinds: kindsOf(params) },
      cursor: yield* cursorIn(params.cursor, sortKey),
      limit: pageSize(params.limit, MaxPage),
      sortKey,
      sortDirection: params.sortDirection ?? "desc"
    })
    const data = yield* Effect.forEach(matches, ({ snippet, thread }) =>
      Effect.map(threads.stored.view(thread), (view) => ({ thread: view, snippet }))
    )
    return { data, ...cursors }
  })

export const make: Effect.Effect<
  HandlersFor<"thread/list" | "thread/search">,
  never,
  Threads | ThreadStore
> = Effect.gen(function* () {
  const threads = yield* Threads
  const store = yield* ThreadStore
  return { "thread/list": makeList(threads, store), "thread/search": makeSearch(threads, store) }
})
