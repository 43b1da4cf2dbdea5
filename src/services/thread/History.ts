/**
 * Ranges of a thread's history: turns and items by position.
 *
 * A position is the number of the event that started a turn or completed an item, so it stays valid while events are appended,
 * and also after its turn was removed. Finding a range takes logarithmic time and does not depend on the length of the thread.
 * Does not own the text of cursors (`HistoryCursor`).
 *
 * @module
 */
import type { TurnItemsView } from "../../protocol/v2/turn/Turn.ts"
import type { SortDirection } from "./ThreadCursor.ts"
import type { StoredItem, ThreadState, TurnState } from "./ThreadState.ts"

/** Where a range begins: behind a position, or at it. */
export interface HistoryPosition {
  readonly seq: number
  readonly inclusive: boolean
}

/** Selects turns or items. */
export interface HistoryRange {
  /** Null for the begin of the direction. */
  readonly from: HistoryPosition | null
  readonly direction: SortDirection
  /** Maximum number of turns or items; at least one. */
  readonly limit: number
}

/** The items that a reader of turns needs. */
export type TurnView = TurnItemsView

/** The first index in `0..length` at which `seqAt` is at least `seq`; `seqAt` ascends. */
const lowerBound = (length: number, seqAt: (index: number) => number, seq: number): number => {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (seqAt(middle) < seq) low = middle + 1
    else high = middle
  }
  return low
}

/** The index of the first entry of the range; it is outside of `0..length - 1` for an empty range. */
const startOf = (
  length: number,
  seqAt: (index: number) => number,
  { direction, from }: Pick<HistoryRange, "direction" | "from">
): number => {
  if (from === null) return direction === "asc" ? 0 : length - 1
  return direction === "asc"
    ? lowerBound(length, seqAt, from.inclusive ? from.seq : from.seq + 1)
    : lowerBound(length, seqAt, from.inclusive ? from.seq + 1 : from.seq) - 1
}

/** The turns of a range. */
export const turnsIn = ({ turns }: ThreadState, range: HistoryRange): ReadonlyArray<TurnState> => {
  const start = startOf(turns.length, (index) => turns[index]?.seq ?? 0, range)
  return range.direction === "asc"
    ? turns.slice(start, start + range.limit)
    : turns.slice(Math.max(0, start + 1 - range.limit), start + 1).toReversed()
}

/** The items of one turn. */
const itemsOf = (
  { id: turnId, itemSeqs, items, seq: turnSeq }: TurnState,
  range: HistoryRange
): ReadonlyArray<StoredItem> => {
  const step = range.direction === "asc" ? 1 : -1
  const found: Array<StoredItem> = []
  for (let index = startOf(items.length, (at) => itemSeqs[at] ?? 0, range); found.length < range.limit; index += step) {
    const [item, seq] = [items[index], itemSeqs[index]]
    if (item === undefined || seq === undefined) return found
    found.push({ seq, turnId, turnSeq, item })
  }
  return found
}

/** The items of a range that completed before a later turn started, which are nearly all. */
const timelyItems = ({ turns }: ThreadState, range: HistoryRange): ReadonlyArray<StoredItem> => {
  const ascending = range.direction === "asc"
  const holds =
    range.from === null ? undefined : lowerBound(turns.length, (at) => turns[at]?.seq ?? 0, range.from.seq + 1) - 1
  let index = holds === undefined ? (ascending ? 0 : turns.length - 1) : ascending ? Math.max(0, holds) : holds
  const found: Array<StoredItem> = []
  for (; found.length < range.limit; index += ascending ? 1 : -1) {
    const turn = turns[index]
    if (turn === undefined) return found
    const end = turns[index + 1]?.seq ?? Infinity
    const rest = { ...range, limit: range.limit - found.length }
    const last = turn.itemSeqs.at(-1) ?? 0
    if (last < end) found.push(...itemsOf(turn, rest))
    else {
      const count = lowerBound(turn.items.length, (at) => turn.itemSeqs[at] ?? 0, end)
      const timely = { ...turn, items: turn.items.slice(0, count), itemSeqs: turn.itemSeqs.slice(0, count) }
      found.push(...itemsOf(timely, rest))
    }
  }
  return found
}

/** The items of a range that completed after a later turn had started: those of commands that outlived their turn. */
const lateItems = ({ late }: ThreadState, range: HistoryRange): ReadonlyArray<StoredItem> => {
  const start = startOf(late.length, (index) => late[index]?.seq ?? 0, range)
  return range.direction === "asc"
    ? late.slice(start, start + range.limit)
    : late.slice(Math.max(0, start + 1 - range.limit), start + 1).toReversed()
}

/** The items of a range in the order of their completion, of one turn if `turnId` is given. */
export const itemsIn = (state: ThreadState, range: HistoryRange, turnId: string | null): ReadonlyArray<StoredItem> => {
  if (turnId !== null) {
    const turn = state.turns.findLast(({ id }) => id === turnId)
    return turn === undefined ? [] : itemsOf(turn, range)
  }
  const timely = timelyItems(state, range)
  const late = lateItems(state, range)
  if (late.length === 0) return timely
  const order = range.direction === "asc" ? 1 : -1
  return [...timely, ...late].sort((a, b) => order * (a.seq - b.seq)).slice(0, range.limit)
}
