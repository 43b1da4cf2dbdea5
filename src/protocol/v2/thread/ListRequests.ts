/**
 * Requests that list and search threads.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, named, nullable, optional, page, pageOf, twoWayPageOf } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { SortDirection } from "./Sorting.ts"
import { Thread, ThreadReadState } from "./Thread.ts"

/** The source kinds that a list can be filtered by. Sub-agents have four kinds and one for all of them. */
export const ThreadSourceKind = lazy(() =>
  Schema.Literals([
    "cli",
    "vscode",
    "exec",
    "appServer",
    "subAgent",
    "subAgentReview",
    "subAgentCompact",
    "subAgentThreadSpawn",
    "subAgentOther",
    "unknown"
  ])
)
export type ThreadSourceKind = Of<typeof ThreadSourceKind>

/**
 * Filters of the list. For `sectionId` and `projectId`, null is a value: threads without one. An absent or empty
 * `sourceKinds` means the interactive kinds.
 */
export const ThreadListParams = lazy(() =>
  Schema.Struct({
    ...page,
    sortKey: optional(Schema.Literals(["created_at", "updated_at", "recency_at", "section_position"])),
    sortDirection: optional(SortDirection()),
    modelProviders: optional(Schema.Array(Schema.String)),
    sourceKinds: optional(Schema.Array(ThreadSourceKind())),
    originators: optional(Schema.Array(Schema.String)),
    archived: optional(Schema.Boolean),
    sectionId: optional(Schema.String),
    projectId: optional(Schema.String),
    cwd: optional(
      Schema.Union([Schema.String, Schema.Array(Schema.String)]).annotate({ identifier: "ThreadListCwdFilter" })
    ),
    searchTerm: optional(Schema.String),
    excludedThreadIds: optional(Schema.Array(Schema.String)),
    parentThreadId: optional(Schema.String),
    ancestorThreadId: optional(Schema.String),
    attachedToThreadId: optional(Schema.String),
    includeAttachedThreads: absent(Schema.Boolean),
    currentAccountOnly: absent(Schema.Boolean),
    useStateDbOnly: absent(Schema.Boolean)
  }).annotate({ identifier: "ThreadListParams" })
)
export type ThreadListParams = Of<typeof ThreadListParams>

/** `readStates` is keyed by thread id. */
export const ThreadListResponse = lazy(() =>
  Schema.Struct({
    ...twoWayPageOf(Thread()).fields,
    readStates: nullable(Schema.Record(Schema.String, ThreadReadState()))
  })
)
export type ThreadListResponse = Of<typeof ThreadListResponse>

export const ThreadLoadedListParams = lazy(() => named("ThreadLoadedListParams", page))
export type ThreadLoadedListParams = Of<typeof ThreadLoadedListParams>

/** Ids of the threads in memory. */
export const ThreadLoadedListResponse = lazy(() => pageOf(Schema.String))
export type ThreadLoadedListResponse = Of<typeof ThreadLoadedListResponse>

/** Threads in whose messages, answers or commands the text occurs, in any case. */
export const ThreadSearchParams = lazy(() =>
  named("ThreadSearchParams", {
    includeAttachedThreads: absent(Schema.Boolean),
    currentAccountOnly: absent(Schema.Boolean),
    ...page,
    sortKey: optional(Schema.Literals(["created_at", "updated_at", "recency_at"])),
    sortDirection: optional(SortDirection()),
    sourceKinds: optional(Schema.Array(ThreadSourceKind())),
    archived: optional(Schema.Boolean),
    searchTerm: Schema.String
  })
)
export type ThreadSearchParams = Of<typeof ThreadSearchParams>

export const ThreadSearchResponse = lazy(() =>
  twoWayPageOf(Schema.Struct({ thread: Thread(), snippet: Schema.String }))
)
export type ThreadSearchResponse = Of<typeof ThreadSearchResponse>

/** By method name. */
export const listRequests = {
  /** The stored threads, paginated. */
  "thread/list": Method.clientRequest({
    params: ThreadListParams,
    result: ThreadListResponse,
    experimentalFields: [
      { field: "includeAttachedThreads", unused: [false] },
      { field: "projectId", unused: [] },
      "parentThreadId",
      "ancestorThreadId",
      "attachedToThreadId"
    ]
  }),

  /** The ids of the threads in memory. */
  "thread/loaded/list": Method.clientRequest({
    params: ThreadLoadedListParams,
    result: ThreadLoadedListResponse
  }),

  /** Searches the stored threads. */
  "thread/search": Method.clientRequest({
    params: ThreadSearchParams,
    result: ThreadSearchResponse
  })
} as const
