/**
 * Queries over threads that every store shares: filters, order, pages and snippets.
 *
 * These are functions of summaries and states. Where those come from is the store's.
 *
 * @module
 */
import * as ThreadCursor from "../../services/thread/ThreadCursor.ts"
import type { ThreadState } from "../../services/thread/ThreadState.ts"
import type {
  SourceKind,
  ThreadFilter,
  ThreadPage,
  ThreadPageRequest,
  ThreadSummary
} from "../../services/thread/ThreadStore.ts"

/** Characters shown before and after the match. */
const SnippetBefore = 48
const SnippetBehind = 96

const sourceKindOf = ({ origin: { source } }: ThreadSummary): SourceKind => {
  if (typeof source === "string") return source
  return "custom" in source ? "custom" : "subAgent"
}

/** Whether a thread has had a turn and passes the filter. */
export const matches =
  (filter: ThreadFilter) =>
  (thread: ThreadSummary): boolean =>
    thread.turns > 0 &&
    thread.archived === filter.archived &&
    (filter.sourceKinds?.includes(sourceKindOf(thread)) ?? true) &&
    (filter.modelProviders?.includes(thread.modelProvider) ?? true) &&
    (filter.cwds?.includes(thread.cwd) ?? true) &&
    (filter.text === null || thread.preview.includes(filter.text) || thread.name?.includes(filter.text) === true) &&
    !filter.excludedIds.includes(thread.origin.id)

/** The value that a list is sorted by, in Unix milliseconds. */
export const sortValue = (thread: ThreadSummary, key: ThreadPageRequest["sortKey"]): number =>
  key === "created_at" ? thread.origin.createdAt * 1000 : thread.updatedAt

/** Newer ids sort after older ones, so threads with equal times have a stable order. */
export const compare =
  ({ sortDirection, sortKey }: Pick<ThreadPageRequest, "sortDirection" | "sortKey">) =>
  (a: ThreadSummary, b: ThreadSummary): number => {
    const ascending = sortValue(a, sortKey) - sortValue(b, sortKey) || (a.origin.id < b.origin.id ? -1 : 1)
    return sortDirection === "asc" ? ascending : -ascending
  }

/** Whether a thread comes after the position at which a page begins. */
export const follows =
  ({ cursor, sortDirection, sortKey }: ThreadPageRequest) =>
  (thread: ThreadSummary): boolean =>
    cursor === null || ThreadCursor.isAfter(sortValue(thread, sortKey), thread.origin.id, cursor, sortDirection)

/** A page of the given threads. */
export const page = (threads: ReadonlyArray<ThreadSummary>, request: ThreadPageRequest): ThreadPage => {
  const { sortKey, sortDirection } = request
  const left = threads.filter(matches(request.filter)).filter(follows(request)).sort(compare(request))
  const shown = left.slice(0, request.limit)
  const first = shown[0]
  const last = shown.at(-1)
  return {
    threads: shown,
    nextCursor:
      last === undefined || shown.length === left.length
        ? null
        : ThreadCursor.behind(sortValue(last, sortKey), last.origin.id),
    backwardsCursor: first === undefined ? null : ThreadCursor.backTo(sortValue(first, sortKey), sortDirection)
  }
}

/** The searchable text of a thread: messages, answers, and commands with their output. */
export const textsOf = (state: ThreadState): ReadonlyArray<string> =>
  state.turns.flatMap((turn) =>
    turn.items.flatMap((item) => {
      switch (item.type) {
        case "userMessage":
          return item.content.flatMap((part) => (part.type === "text" ? [part.text] : []))
        case "agentMessage":
          return [item.text]
        case "commandExecution":
          return [item.command, item.aggregatedOutput ?? ""]
        default:
          return []
      }
    })
  )

/** The text around the first occurrence, in any case; undefined when there is none. */
export const snippetIn = (texts: ReadonlyArray<string>, sought: string): string | undefined => {
  const needle = sought.toLowerCase()
  for (const text of texts) {
    const found = text.toLowerCase().indexOf(needle)
    if (found !== -1) return text.slice(Math.max(0, found - SnippetBefore), found + sought.length + SnippetBehind)
  }
  return undefined
}
