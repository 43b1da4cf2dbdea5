/**
 * Ranges of turns and items of a thread, read at the places that the index knows.
 *
 * Only the lines of the page are read, so that the time does not depend on the length of the thread. Without the index the
 * whole thread is read.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { type HistoryRange, itemsIn, turnsIn, type TurnView } from "../../../../services/thread/History.ts"
import { readState } from "../../../../services/thread/StoredThread.ts"
import type { StoredItem, TurnState } from "../../../../services/thread/ThreadState.ts"
import type { ThreadStore, ThreadStoreError } from "../../../../services/thread/ThreadStore.ts"
import type { IndexedThreads } from "./IndexedThreads.ts"
import { ItemReader } from "./Items.ts"
import type { TurnRow } from "./Scan.ts"
import type { Place, Tables } from "./Tables.ts"

/** The rest of a statement for a range, behind its first conditions. */
const rangeOf = ({ direction, from, limit }: HistoryRange) => {
  const than = direction === "asc" ? ">" : "<"
  const where = from === null ? "" : ` AND seq ${than}${from.inclusive ? "=" : ""} ?`
  return {
    sql: `${where} ORDER BY seq ${direction} LIMIT ?`,
    values: from === null ? [limit] : [from.seq, limit]
  }
}

/** The places of the items that a view has, by the number of their turn. */
const placesIn = (
  tables: Tables,
  file: number,
  turns: ReadonlyArray<TurnRow>,
  view: TurnView
): ReadonlyMap<number, ReadonlyArray<Place>> => {
  if (view === "notLoaded") return new Map()
  if (view === "full") {
    const numbers = turns.map(({ n }) => n)
    const range = [Math.min(...numbers), Math.max(...numbers)]
    return Map.groupBy(tables.places("file = ? AND n BETWEEN ? AND ? ORDER BY n, seq", file, ...range), ({ n }) => n)
  }
  const one = (n: number, kind: string, direction: string) =>
    tables.places(`file = ? AND n = ? AND kind = ? ORDER BY seq ${direction} LIMIT 1`, file, n, kind)
  return new Map(
    turns.map(({ n }) => [n, [...one(n, "userMessage", "asc"), ...one(n, "agentMessage", "desc")]] as const)
  )
}

const turnState = (turn: TurnRow, places: ReadonlyArray<Place>, reader: ItemReader): TurnState => ({
  seq: turn.seq,
  id: turn.id,
  rootTurnId: turn.root,
  startedAt: turn.started,
  items: places.map((place) => reader.read(place, turn.id)),
  itemSeqs: places.map(({ seq }) => seq),
  status: turn.status,
  error: turn.error,
  endedAt: turn.ended,
  conversationStart: turn.conversation
})

const storedItem = (turn: TurnRow | undefined, place: Place, reader: ItemReader): StoredItem => {
  const [turnId, turnSeq] = [turn?.id ?? "", turn?.seq ?? 0]
  return { seq: place.seq, turnId, turnSeq, item: reader.read(place, turnId) }
}

/** Reads through the index; undefined when it has not the thread as it is. */
const indexed = <A>(
  index: IndexedThreads,
  threadId: string,
  read: (tables: Tables, file: number, reader: ItemReader) => A
): Effect.Effect<{ readonly found: A } | undefined> =>
  Effect.gen(function* () {
    if (!(yield* index.current(threadId))) return undefined
    return yield* index.use((tables) => {
      const thread = tables.find(threadId)
      if (thread?.progress.state == null) return undefined
      const reader = new ItemReader(thread.progress)
      try {
        return { found: read(tables, thread.id, reader) }
      } finally {
        reader.close()
      }
    })
  }).pipe(Effect.orElseSucceed(() => undefined))

type Store = Pick<ThreadStore["Service"], "read">

/** The turns of a range; null for an unknown thread. */
export const readTurns = (
  index: IndexedThreads,
  store: Store,
  threadId: string,
  range: HistoryRange,
  view: TurnView
): Effect.Effect<ReadonlyArray<TurnState> | null, ThreadStoreError> =>
  Effect.gen(function* () {
    const page = yield* indexed(index, threadId, (tables, file, reader) => {
      const { sql, values } = rangeOf(range)
      const turns = tables.turns(`file = ?${sql}`, file, ...values)
      const places = placesIn(tables, file, turns, view)
      reader.prefetch(Array.from(places.values()).flat())
      return turns.map((turn) => turnState(turn, places.get(turn.n) ?? [], reader))
    })
    if (page !== undefined) return page.found
    const state = yield* readState(store, threadId)
    return state === null ? null : turnsIn(state, range)
  })

/** The items of a range, of one turn if `turnId` is given; null for an unknown thread. */
export const readItems = (
  index: IndexedThreads,
  store: Store,
  threadId: string,
  range: HistoryRange,
  turnId: string | null
): Effect.Effect<ReadonlyArray<StoredItem> | null, ThreadStoreError> =>
  Effect.gen(function* () {
    const page = yield* indexed(index, threadId, (tables, file, reader) => {
      const { sql, values } = rangeOf(range)
      const turn = turnId === null ? undefined : tables.turnNamed(file, turnId)
      if (turnId !== null && turn === undefined) return []
      const places =
        turn === undefined
          ? tables.places(`file = ?${sql}`, file, ...values)
          : tables.places(`file = ? AND n = ?${sql}`, file, turn.n, ...values)
      reader.prefetch(places)
      return places.map((place) =>
        storedItem(turn ?? tables.turns("file = ? AND n = ?", file, place.n)[0], place, reader)
      )
    })
    if (page !== undefined) return page.found
    const state = yield* readState(store, threadId)
    return state === null ? null : itemsIn(state, range, turnId)
  })
