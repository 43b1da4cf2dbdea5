/**
 * Threads in memory: gone with the process, and the reference for every other store.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ThreadCursor from "../../services/thread/ThreadCursor.ts"
import { type ThreadPage, type ThreadQuery, ThreadStore } from "../../services/thread/ThreadStore.ts"
import { apply, create, type ThreadEvent, type ThreadRecord } from "../../services/thread/ThreadRecord.ts"

const sortValue = (record: ThreadRecord, key: ThreadQuery["sortKey"]): number =>
  key === "created_at" ? record.origin.createdAt * 1000 : record.updatedAt

/** Newer ids sort after older ones, so that equal times have an order that does not change. */
const compare =
  (query: ThreadQuery) =>
  (a: ThreadRecord, b: ThreadRecord): number => {
    const ascending = sortValue(a, query.sortKey) - sortValue(b, query.sortKey) || (a.origin.id < b.origin.id ? -1 : 1)
    return query.sortDirection === "asc" ? ascending : -ascending
  }

const page = (records: ReadonlyArray<ThreadRecord>, query: ThreadQuery): ThreadPage => {
  const { cursor, sortKey, sortDirection } = query
  const follows = (record: ThreadRecord) =>
    cursor === null || ThreadCursor.isAfter(sortValue(record, sortKey), record.origin.id, cursor, sortDirection)
  const left = records
    .filter((record) => record.turns.length > 0 && query.matches(record) && follows(record))
    .sort(compare(query))
  const shown = left.slice(0, query.limit)
  const first = shown[0]
  const last = shown.at(-1)
  return {
    records: shown.map(copy),
    nextCursor:
      last === undefined || shown.length === left.length
        ? null
        : ThreadCursor.behind(sortValue(last, sortKey), last.origin.id),
    backwardsCursor: first === undefined ? null : ThreadCursor.backTo(sortValue(first, sortKey), sortDirection)
  }
}

const make = Effect.sync(() => {
  const records = new Map<string, ThreadRecord>()

  const append = (threadId: string, events: ReadonlyArray<ThreadEvent>) =>
    Effect.sync(() => {
      for (const event of events) {
        const record = records.get(threadId)
        if (record !== undefined) apply(record, event)
        else if (event._tag === "Created") records.set(threadId, create(event))
      }
    })

  return ThreadStore.of({
    append,
    load: (threadId) =>
      Effect.sync(() => {
        const record = records.get(threadId)
        return record === undefined ? null : copy(record)
      }),
    list: (query) => Effect.sync(() => page(Array.from(records.values()), query))
  })
})

/** A reader's own record: what the store goes on to take in must not show through. */
const copy = (record: ThreadRecord): ThreadRecord => ({
  ...record,
  turns: record.turns.map((turn) => ({ ...turn, items: [...turn.items] })),
  conversation: [...record.conversation]
})

export const layer: Layer.Layer<ThreadStore> = Layer.effect(ThreadStore, make)
