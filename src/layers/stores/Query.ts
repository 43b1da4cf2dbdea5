/**
 * Queries over threads that every store shares: filters, order, pages and snippets.
 *
 * These are functions of summaries and states. Where those come from is the store's.
 *
 * @module
 */
import { matchesOf, snippetAt } from "../../services/thread/Snippet.ts"
import * as ThreadCursor from "../../services/thread/ThreadCursor.ts"
import type { ThreadItem } from "../../protocol/v2/item/Item.ts"
import type { ThreadState } from "../../services/thread/ThreadState.ts"
import type {
  AttachmentIdentity,
  SourceKind,
  ThreadFilter,
  ThreadMatch,
  ThreadMatches,
  ThreadPage,
  ThreadPageRequest,
  ThreadSummary
} from "../../services/thread/ThreadStore.ts"

/** The kind of program that a thread was started from. */
export const sourceKindOf = ({ origin: { source } }: ThreadSummary): SourceKind => {
  if (typeof source === "string") return source
  if ("custom" in source) return "custom"
  const { subAgent } = source
  if (subAgent === "review") return "subAgentReview"
  if (subAgent === "compact") return "subAgentCompact"
  return typeof subAgent === "object" && "thread_spawn" in subAgent ? "subAgentThreadSpawn" : "subAgentOther"
}

/** Whether a thread has had a turn, even one that was reverted. */
const hadTurn = ({ preview, turns }: ThreadSummary): boolean => turns > 0 || preview !== ""

const inSection = (thread: ThreadSummary, section: NonNullable<ThreadFilter["section"]>): boolean =>
  "anyOf" in section
    ? thread.section !== null && section.anyOf.includes(thread.section.id)
    : thread.section === null || !section.noneOf.includes(thread.section.id)

const hasAttachment = (thread: ThreadSummary, { attachmentType, identityKey }: AttachmentIdentity): boolean =>
  thread.attachments.some((one) => one.attachmentType === attachmentType && one.identityKey === identityKey)

/** Whether a thread has had a turn and passes the filter. */
export const matches =
  (filter: ThreadFilter) =>
  (thread: ThreadSummary): boolean =>
    (filter.attachment === null ? hadTurn(thread) : hasAttachment(thread, filter.attachment)) &&
    (filter.archived === null || thread.archived === filter.archived) &&
    (filter.section === null || inSection(thread, filter.section)) &&
    (filter.sourceKinds?.includes(sourceKindOf(thread)) ?? true) &&
    (filter.modelProviders?.includes(thread.modelProvider) ?? true) &&
    (filter.cwds?.includes(thread.cwd) ?? true) &&
    (filter.text === null || thread.preview.includes(filter.text) || thread.name?.includes(filter.text) === true) &&
    !filter.excludedIds.includes(thread.origin.id)

/** The value that a list is sorted by: Unix milliseconds, or the position in the section. */
export const sortValue = (thread: ThreadSummary, key: ThreadPageRequest["sortKey"]): number => {
  switch (key) {
    case "created_at":
      return thread.origin.createdAt * 1000
    case "updated_at":
      return thread.updatedAt
    case "recency_at":
      return thread.recencyAt
    case "section_position":
      return thread.section?.position ?? 0
  }
}

/** Newer ids sort after older ones, so threads with equal times have a stable order. */
export const compare =
  ({ sortDirection, sortKey }: Pick<ThreadPageRequest, "sortDirection" | "sortKey">) =>
  (a: ThreadSummary, b: ThreadSummary): number => {
    const ascending = sortValue(a, sortKey) - sortValue(b, sortKey) || (a.origin.id < b.origin.id ? -1 : 1)
    return sortDirection === "asc" ? ascending : -ascending
  }

/** The cursors of a page. `more`: whether threads follow the page. */
export const cursorsOf = (
  shown: ReadonlyArray<ThreadSummary>,
  more: boolean,
  { sortDirection, sortKey }: Pick<ThreadPageRequest, "sortDirection" | "sortKey">
): Pick<ThreadPage, "nextCursor" | "backwardsCursor"> => {
  const first = shown[0]
  const last = shown.at(-1)
  const kind = ThreadCursor.kindOf(sortKey)
  return {
    nextCursor:
      last === undefined || !more ? null : ThreadCursor.behind(sortValue(last, sortKey), last.origin.id, kind),
    backwardsCursor:
      first === undefined
        ? null
        : ThreadCursor.backTo(
            sortValue(first, sortKey),
            sortDirection,
            ...(kind === "position" ? [first.origin.id] : [])
          )
  }
}

/** Whether a thread belongs to the pages that the request's cursor has not passed. */
export const isLeft =
  ({ cursor, filter, sortDirection, sortKey }: ThreadPageRequest) =>
  (thread: ThreadSummary): boolean =>
    matches(filter)(thread) &&
    (sortKey !== "section_position" || thread.section !== null) &&
    (cursor === null || ThreadCursor.isAfter(sortValue(thread, sortKey), thread.origin.id, cursor, sortDirection))

/** A page of the given threads. */
export const page = (threads: ReadonlyArray<ThreadSummary>, request: ThreadPageRequest): ThreadPage => {
  const left = threads.filter(isLeft(request)).sort(compare(request))
  const shown = left.slice(0, request.limit)
  return { threads: shown, ...cursorsOf(shown, shown.length < left.length, request) }
}

/** A page of the given threads in which the text occurs; `textsIn` returns the searchable text of a thread. */
export const matchesIn = <T extends { readonly thread: ThreadSummary }>(
  threads: ReadonlyArray<T>,
  request: ThreadPageRequest & { readonly text: string },
  textsIn: (thread: T) => ReadonlyArray<string>
): ThreadMatches => {
  const order = compare(request)
  const left = threads.filter(({ thread }) => isLeft(request)(thread)).sort((a, b) => order(a.thread, b.thread))
  const found: Array<ThreadMatch> = []
  for (const one of left) {
    if (found.length > request.limit) break
    const snippet = snippetIn(textsIn(one), request.text)
    if (snippet !== undefined) found.push({ thread: one.thread, snippet })
  }
  const shown = found.slice(0, request.limit)
  const summaries = shown.map(({ thread }) => thread)
  return { matches: shown, ...cursorsOf(summaries, found.length > shown.length, request) }
}

/** The searchable text of an item. */
export const textsOfItem = (item: ThreadItem): ReadonlyArray<string> => {
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
}

/** The searchable text of a thread: messages, answers, and commands with their output. */
export const textsOf = (state: ThreadState): ReadonlyArray<string> =>
  state.turns.flatMap(({ items }) => items.flatMap(textsOfItem))

/** The text around the first occurrence, in any case; undefined when there is none. */
export const snippetIn = (texts: ReadonlyArray<string>, sought: string): string | undefined => {
  for (const text of texts) {
    for (const at of matchesOf(text, sought)) return snippetAt(text, at, sought.length).snippet
  }
  return undefined
}
