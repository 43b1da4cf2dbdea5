/**
 * Pages of a thread's history, loaded or not: turns, items, and occurrences of a text.
 *
 * A loaded thread answers from its state. For others the store is asked for a range; a store that cannot do that makes the
 * thread be read as a whole. Does not own what a range is (`History`), nor the text of cursors (`HistoryCursor`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ThreadItem } from "../../protocol/v2/item/Item.ts"
import { type HistoryRange, itemsIn, turnsIn, type TurnView } from "./History.ts"
import type { OccurrencePosition } from "./HistoryCursor.ts"
import { matchesOf, type Snippet, snippetAt } from "./Snippet.ts"
import { readState } from "./StoredThread.ts"
import type { InvalidThreadId } from "./ThreadError.ts"
import { checkId } from "./ThreadId.ts"
import type { StoredItem, ThreadState, TurnState } from "./ThreadState.ts"
import type { ThreadStore, ThreadStoreError } from "./ThreadStore.ts"
import { cut } from "./ThreadView.ts"

/** Default number of entries of a page. */
export const DefaultPage = 25

/** Maximum number of entries of a page of turns or items. */
export const MaxPage = 100

/** Items that are read at a time while a text is searched. */
const SearchedAtOnce = 512

/** The number of entries of a page for a requested limit. */
export const pageSize = (limit: number | null | undefined, max = MaxPage, otherwise = DefaultPage): number =>
  Math.min(max, Math.max(1, limit ?? otherwise))

/** The history of one thread. */
export interface ThreadHistory {
  /** The state of a loaded thread. */
  readonly loaded: ThreadState | undefined
  readonly turns: (range: HistoryRange, view: TurnView) => Effect.Effect<ReadonlyArray<TurnState>, ThreadStoreError>
  readonly items: (
    range: HistoryRange,
    turnId: string | null
  ) => Effect.Effect<ReadonlyArray<StoredItem>, ThreadStoreError>
}

/** The history in a state. `loaded` is the same state when the thread is loaded. */
export const ofState = (state: ThreadState, loaded: ThreadState | undefined): ThreadHistory => ({
  loaded,
  turns: (range) => Effect.sync(() => (loaded === undefined ? turnsIn(state, range).map(cut) : turnsIn(state, range))),
  items: (range, turnId) => Effect.sync(() => itemsIn(state, range, turnId))
})

/** The history of a thread; null for an unknown one. */
export const open = Effect.fnUntraced(function* (
  store: ThreadStore["Service"],
  loaded: ThreadState | undefined,
  threadId: string
): Effect.fn.Return<ThreadHistory | null, InvalidThreadId | ThreadStoreError> {
  if (loaded !== undefined) return ofState(loaded, loaded)
  yield* checkId(threadId, "thread")
  const { readItems, readTurns } = store
  if (readTurns === undefined || readItems === undefined) {
    const state = yield* readState(store, threadId)
    return state === null ? null : ofState(state, undefined)
  }
  if ((yield* store.summary(threadId)) === null) return null
  return {
    loaded: undefined,
    turns: (range, view) => Effect.map(readTurns(threadId, range, view), (turns) => (turns ?? []).map(cut)),
    items: (range, turnId) => Effect.map(readItems(threadId, range, turnId), (items) => items ?? [])
  }
})

/** An occurrence of a text in a message or an answer. */
export interface Occurrence extends Snippet {
  readonly turnId: string
  readonly turnSeq: number
  readonly itemId: string
}

/** The text of an item that users search: messages and answers. */
const textOf = (item: ThreadItem): string => {
  if (item.type === "agentMessage") return item.text
  if (item.type !== "userMessage") return ""
  return item.content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n")
}

function* occurrencesIn({ item, turnId, turnSeq }: StoredItem, sought: string): Generator<Occurrence> {
  const text = textOf(item)
  for (const at of matchesOf(text, sought))
    yield { turnId, turnSeq, itemId: item.id, ...snippetAt(text, at, sought.length) }
}

/** A page of occurrences in the order of the history, and the position of the next one. */
export const occurrences = Effect.fnUntraced(function* (
  history: ThreadHistory,
  sought: string,
  from: OccurrencePosition,
  limit: number
) {
  const found: Array<Occurrence> = []
  let position = { seq: from.seq, inclusive: true }
  while (true) {
    const items = yield* history.items({ from: position, direction: "asc", limit: SearchedAtOnce }, null)
    for (const stored of items) {
      let index = 0
      for (const occurrence of occurrencesIn(stored, sought)) {
        const isLeft = stored.seq !== from.seq || index >= from.index
        if (isLeft && found.length === limit) return { found, next: { seq: stored.seq, index } }
        if (isLeft) found.push(occurrence)
        index++
      }
    }
    const last = items.at(-1)
    if (last === undefined || items.length < SearchedAtOnce) return { found, next: null }
    position = { seq: last.seq, inclusive: false }
    yield* Effect.yieldNow
  }
})
