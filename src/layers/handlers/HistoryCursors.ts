/**
 * Cursors of pages of a thread's history.
 *
 * @module
 */
import * as HistoryCursor from "../../services/thread/HistoryCursor.ts"
import { itemsIn, turnsIn } from "../../services/thread/History.ts"
import type { ThreadState } from "../../services/thread/ThreadState.ts"

/** The cursors of a page of entries that are at most one more than its limit. */
export const paged = <A extends { readonly seq: number }>(
  threadId: string,
  kind: HistoryCursor.HistoryKind,
  entries: ReadonlyArray<A>,
  limit: number
) => {
  const shown = entries.slice(0, limit)
  const [first, last] = [shown[0], shown.at(-1)]
  const textOf = (seq: number, inclusive: boolean) => HistoryCursor.textOf(threadId, kind, { seq, inclusive })
  return {
    shown,
    nextCursor: entries.length > limit && last !== undefined ? textOf(last.seq, false) : null,
    backwardsCursor: first === undefined ? null : textOf(first.seq, true)
  }
}

/** Cursors that page backwards from the end of a thread's history; null for an empty one. */
export const backwardsCursors = (state: ThreadState) => {
  const last = { from: null, direction: "desc", limit: 1 } as const
  const textOf = (kind: HistoryCursor.HistoryKind, entry: { readonly seq: number } | undefined) =>
    entry === undefined ? null : HistoryCursor.textOf(state.origin.id, kind, { seq: entry.seq, inclusive: true })
  return {
    turnsBackwardsCursor: textOf("turns", turnsIn(state, last)[0]),
    itemsBackwardsCursor: textOf("itemsByCreatedAtOrdinal", itemsIn(state, last, null)[0])
  }
}
