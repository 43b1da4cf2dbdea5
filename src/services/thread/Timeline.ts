/**
 * The timeline of a thread: starts and ends of turns, and items, in the order in which they were recorded.
 *
 * Owns the order of the entries and their pages, which end at a cursor. An entry has the position of its event, except for the
 * end of a turn: no index has that one, so it has the position of the last item that completed while its turn was the newest,
 * and comes after it. Does not own how turns and items are read (`HistoryPages`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { HistoryPosition } from "./History.ts"
import type { ThreadHistory } from "./HistoryPages.ts"
import type { StoredItem, TurnState } from "./ThreadState.ts"
import type { ThreadStoreError } from "./ThreadStore.ts"

/** The kinds of entries. They order the entries with the same position, and are part of a cursor. */
export const Kind = { turnStarted: 0, item: 1, turnCompleted: 3 } as const

/** An entry. `id` identifies it among those of its kind. */
export type TimelineEntry = { readonly position: number; readonly id: string } & (
  | { readonly kind: typeof Kind.turnStarted | typeof Kind.turnCompleted; readonly turn: TurnState }
  | { readonly kind: typeof Kind.item; readonly stored: StoredItem }
)

/** The place in front of which a page ends. */
export interface TimelineEnd {
  readonly position: number
  readonly kind: number
}

const isBefore = (entry: TimelineEnd, end: TimelineEnd): boolean =>
  entry.position < end.position || (entry.position === end.position && entry.kind < end.kind)

const order = (a: TimelineEnd, b: TimelineEnd): number => a.position - b.position || a.kind - b.kind

/**
 * The positions of the last items of turns that completed while their turn was the newest. Both lists are newest first; `next`
 * is the turn behind them.
 */
const lastItems = (
  turns: ReadonlyArray<TurnState>,
  next: TurnState | undefined,
  items: ReadonlyArray<StoredItem>
): ReadonlyMap<string, number> => {
  const ends = new Map(turns.map(({ id }, index) => [id, (index === 0 ? next : turns[index - 1])?.seq ?? Infinity]))
  const last = new Map<string, number>()
  for (const { seq, turnId } of items) {
    const end = ends.get(turnId)
    if (end !== undefined && seq < end && !last.has(turnId)) last.set(turnId, seq)
  }
  return last
}

/** What is behind the end of a page and decides whether the newest turn of the page ends in it: the next turn and item. */
const behindEnd = Effect.fnUntraced(function* (
  history: ThreadHistory,
  { position: seq }: TimelineEnd,
  newest: TurnState | undefined,
  isItemBehind: boolean
) {
  const next = yield* history.turns({ from: { seq, inclusive: false }, direction: "asc", limit: 1 }, "notLoaded")
  const from = { seq, inclusive: isItemBehind }
  const items = newest === undefined ? [] : yield* history.items({ from, direction: "asc", limit: 1 }, newest.id)
  return { next: next[0], items }
})

/** The newest `limit` entries in front of `end`, oldest first. */
export const timelineOf = Effect.fnUntraced(function* (
  history: ThreadHistory,
  end: TimelineEnd | null,
  limit: number
): Effect.fn.Return<ReadonlyArray<TimelineEntry>, ThreadStoreError> {
  const from = (inclusive: boolean): HistoryPosition | null => (end === null ? null : { seq: end.position, inclusive })
  const isItemInFront = end !== null && end.kind > Kind.item
  const turns = yield* history.turns({ from: from(true), direction: "desc", limit: limit + 1 }, "notLoaded")
  const items = yield* history.items({ from: from(isItemInFront), direction: "desc", limit }, null)
  const behind = end === null ? undefined : yield* behindEnd(history, end, turns[0], !isItemInFront)
  const last = lastItems(turns, behind?.next, [...(behind?.items ?? []), ...items])
  // Entries of turns whose items were not read completely are older than all items that were read.
  const oldest = items.length < limit ? 0 : (items.at(-1)?.seq ?? 0)
  const entries = turns.flatMap((turn): ReadonlyArray<TimelineEntry> => {
    const completed = last.get(turn.id) ?? turn.seq
    const started = { position: turn.seq, kind: Kind.turnStarted, id: turn.id, turn }
    return turn.status === "inProgress"
      ? [started]
      : [started, { position: completed, kind: Kind.turnCompleted, id: turn.id, turn }]
  })
  const all: ReadonlyArray<TimelineEntry> = [
    ...entries,
    ...items.map((stored) => ({ position: stored.seq, kind: Kind.item, id: stored.item.id, stored }))
  ]
  return all
    .filter((entry) => entry.position >= oldest && (end === null || isBefore(entry, end)))
    .sort(order)
    .slice(-limit)
})
