/**
 * Threads in memory: lost with the process, and the reference for every other store.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ThreadCursor from "../../services/thread/ThreadCursor.ts"
import type { ThreadEvent } from "../../services/thread/ThreadEvent.ts"
import { fold, initial, type ThreadState } from "../../services/thread/ThreadState.ts"
import {
  type SourceKind,
  type ThreadFilter,
  type ThreadMatch,
  type ThreadPage,
  type ThreadPageRequest,
  ThreadStore,
  ThreadStoreError,
  type ThreadSummary
} from "../../services/thread/ThreadStore.ts"
import { summaryOf } from "../../services/thread/ThreadView.ts"

interface Stored {
  readonly events: Array<ThreadEvent>
  state: ThreadState
}

/** Characters shown before and after the match. */
const SnippetBefore = 48
const SnippetBehind = 96

const sourceKindOf = ({ origin: { source } }: ThreadSummary): SourceKind => {
  if (typeof source === "string") return source
  return "custom" in source ? "custom" : "subAgent"
}

const matches =
  (filter: ThreadFilter) =>
  (thread: ThreadSummary): boolean =>
    thread.turns > 0 &&
    thread.archived === filter.archived &&
    (filter.sourceKinds?.includes(sourceKindOf(thread)) ?? true) &&
    (filter.modelProviders?.includes(thread.modelProvider) ?? true) &&
    (filter.cwds?.includes(thread.cwd) ?? true) &&
    (filter.text === null || thread.preview.includes(filter.text) || thread.name?.includes(filter.text) === true) &&
    !filter.excludedIds.includes(thread.origin.id)

const sortValue = (thread: ThreadSummary, key: ThreadPageRequest["sortKey"]): number =>
  key === "created_at" ? thread.origin.createdAt * 1000 : thread.updatedAt

/** Newer ids sort after older ones, so threads with equal times have a stable order. */
const compare =
  ({ sortDirection, sortKey }: Pick<ThreadPageRequest, "sortDirection" | "sortKey">) =>
  (a: ThreadSummary, b: ThreadSummary): number => {
    const ascending = sortValue(a, sortKey) - sortValue(b, sortKey) || (a.origin.id < b.origin.id ? -1 : 1)
    return sortDirection === "asc" ? ascending : -ascending
  }

const page = (threads: ReadonlyArray<ThreadSummary>, request: ThreadPageRequest): ThreadPage => {
  const { cursor, sortKey, sortDirection } = request
  const follows = (thread: ThreadSummary) =>
    cursor === null || ThreadCursor.isAfter(sortValue(thread, sortKey), thread.origin.id, cursor, sortDirection)
  const left = threads.filter(matches(request.filter)).filter(follows).sort(compare(request))
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
const textsOf = (state: ThreadState): ReadonlyArray<string> =>
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

const snippetIn = (texts: ReadonlyArray<string>, sought: string): string | undefined => {
  const needle = sought.toLowerCase()
  for (const text of texts) {
    const found = text.toLowerCase().indexOf(needle)
    if (found !== -1) return text.slice(Math.max(0, found - SnippetBefore), found + sought.length + SnippetBehind)
  }
  return undefined
}

type Operation = ThreadStoreError["operation"]

const conflict = (operation: Operation, detail: string) =>
  new ThreadStoreError({ operation, reason: "conflict", cause: new Error(detail) })

const make = Effect.sync(() => {
  const threads = new Map<string, Stored>()

  const append = (threadId: string, expectedSeq: number, events: ReadonlyArray<ThreadEvent>) =>
    Effect.suspend(() => {
      const stored = threads.get(threadId)
      const length = stored?.events.length ?? 0
      if (length !== expectedSeq) return Effect.fail(conflict("append", `expected event ${expectedSeq}, has ${length}`))
      if (stored !== undefined) {
        stored.events.push(...events)
        stored.state = fold(stored.state, events)
        return Effect.void
      }
      const [first, ...rest] = events
      if (first === undefined) return Effect.void
      if (first._tag !== "Created") return Effect.fail(conflict("append", "a thread begins with Created"))
      threads.set(threadId, { events: [...events], state: fold(initial(first), rest) })
      return Effect.void
    })

  const summaries = () => Array.from(threads.values(), ({ state }) => summaryOf(state))

  return ThreadStore.of({
    volatile: true,
    append,
    read: (threadId, { from, limit }) =>
      Effect.sync(() =>
        (threads.get(threadId)?.events.slice(from, from + limit) ?? []).map((event, index) => ({
          seq: from + index,
          event
        }))
      ),
    summary: (threadId) =>
      Effect.sync(() => {
        const stored = threads.get(threadId)
        return stored === undefined ? null : summaryOf(stored.state)
      }),
    list: (request) => Effect.sync(() => page(summaries(), request)),
    search: ({ filter, limit, text }) =>
      Effect.sync(() =>
        Array.from(threads.values(), ({ state }) => ({ state, thread: summaryOf(state) }))
          .filter(({ thread }) => matches(filter)(thread))
          .sort((a, b) => compare({ sortKey: "updated_at", sortDirection: "desc" })(a.thread, b.thread))
          .flatMap(({ state, thread }): ReadonlyArray<ThreadMatch> => {
            const snippet = snippetIn(textsOf(state), text)
            return snippet === undefined ? [] : [{ thread, snippet }]
          })
          .slice(0, limit)
      ),
    fork: (sourceId, atSeq, created) =>
      Effect.suspend(() => {
        const events = threads.get(sourceId)?.events ?? []
        if (atSeq < 1 || events.length < atSeq) {
          return Effect.fail(conflict("fork", `the source has ${events.length} events, not ${atSeq}`))
        }
        return append(created.origin.id, 0, [created, ...events.slice(1, atSeq)])
      }),
    delete: (threadId) => Effect.sync(() => void threads.delete(threadId))
  })
})

export const layer: Layer.Layer<ThreadStore> = Layer.effect(ThreadStore, make)
