/**
 * What every store of threads does, whatever it keeps them in.
 *
 * @module
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as ThreadCursor from "../../../src/services/thread/ThreadCursor.ts"
import type { ThreadEvent } from "../../../src/services/thread/ThreadRecord.ts"
import { type ThreadQuery, ThreadStore } from "../../../src/services/thread/ThreadStore.ts"
import { created, fold, settings, turnEvents } from "../../support/Records.ts"

const at = 1_700_000_100_250

const first: ThreadQuery = {
  cursor: null,
  limit: 10,
  sortKey: "created_at",
  sortDirection: "desc",
  matches: () => true
}

/** A thread with one turn. Times are Unix seconds. */
const put = Effect.fnUntraced(function* (id: string, createdAt: number, turnAt = createdAt) {
  const store = yield* ThreadStore
  yield* store.append(id, [created(id, { createdAt })])
  yield* store.append(id, turnEvents(`${id}-u`, turnAt * 1000, "hello", "hi"))
})

const list = Effect.fnUntraced(function* (query: Partial<ThreadQuery> = {}) {
  const store = yield* ThreadStore
  const page = yield* store.list({ ...first, ...query })
  return { ...page, ids: page.records.map((record) => record.origin.id) }
})

/** Follows the pages from a cursor to the end. */
const follow = Effect.fnUntraced(function* (query: Partial<ThreadQuery>, from: string | null = null) {
  const pages: Array<ReadonlyArray<string>> = []
  let cursor = from
  do {
    const page = yield* list({ ...query, cursor: cursor === null ? null : ThreadCursor.parse(cursor)! })
    pages.push(page.ids)
    cursor = page.nextCursor
  } while (cursor !== null)
  return pages
})

/** Runs over a store that is empty each time the layer is built. */
export const suite = <E>(name: string, layer: Layer.Layer<ThreadStore, E>): void => {
  describe(`${name} store`, () => {
    const test = (sentence: string, effect: Effect.Effect<void, unknown, ThreadStore>) =>
      it.effect(sentence, () => Effect.provide(effect, layer))

    test(
      "gives back what was appended, folded",
      Effect.gen(function* () {
        const store = yield* ThreadStore
        const events: ReadonlyArray<ThreadEvent> = [
          ...turnEvents("u1", at, "hello", "hi"),
          { _tag: "SettingsChanged", at, settings: { ...settings, model: "other" } },
          ...turnEvents("u2", at + 10_000, "more", "no")
        ]
        yield* store.append("t", [created("t")])
        for (const event of events) yield* store.append("t", [event])
        assert.deepStrictEqual(yield* store.load("t"), fold(created("t"), events))
      })
    )

    test(
      "takes several events at once",
      Effect.gen(function* () {
        const store = yield* ThreadStore
        const events = turnEvents("u", at, "hello", "hi")
        yield* store.append("t", [created("t"), ...events])
        assert.deepStrictEqual(yield* store.load("t"), fold(created("t"), events))
      })
    )

    test(
      "does not know a thread that was never created",
      Effect.gen(function* () {
        const store = yield* ThreadStore
        yield* store.append("t", turnEvents("u", at, "hello", "hi"))
        assert.isNull(yield* store.load("t"))
        assert.isNull(yield* store.load("other"))
      })
    )

    test(
      "keeps threads apart",
      Effect.gen(function* () {
        const store = yield* ThreadStore
        yield* put("a", 1)
        yield* put("b", 2)
        yield* store.append("b", turnEvents("more", 5000, "more", "no"))
        assert.deepStrictEqual(
          (yield* store.load("a"))?.turns.map(({ id }) => id),
          ["a-u"]
        )
      })
    )

    test(
      "does not change a record that it has handed out",
      Effect.gen(function* () {
        const store = yield* ThreadStore
        yield* put("t", 1)
        const [loaded, listed] = [yield* store.load("t"), (yield* list()).records[0]]
        const before = structuredClone([loaded, listed])
        yield* store.append("t", [
          {
            _tag: "ItemCompleted",
            at,
            turnId: "t-u",
            item: { type: "reasoning", id: "late", summary: [], content: [] }
          },
          ...turnEvents("u2", at, "more", "no")
        ])
        assert.deepStrictEqual([loaded, listed], before)
      })
    )

    test(
      "is not changed by what its readers do to their records",
      Effect.gen(function* () {
        const store = yield* ThreadStore
        yield* put("t", 1)
        const record = yield* store.load("t")
        record!.turns[0]!.status = "interrupted"
        record!.turns[0]!.items.length = 0
        record!.conversation.length = 0
        assert.deepStrictEqual(
          yield* store.load("t"),
          fold(created("t", { createdAt: 1 }), turnEvents("t-u", 1000, "hello", "hi"))
        )
      })
    )

    test(
      "lists threads that have had a turn, the newest first",
      Effect.gen(function* () {
        const store = yield* ThreadStore
        yield* put("a", 10)
        yield* put("b", 30)
        yield* put("c", 20)
        yield* store.append("empty", [created("empty", { createdAt: 40 })])
        assert.deepStrictEqual((yield* list()).ids, ["b", "c", "a"])
        assert.deepStrictEqual((yield* list({ sortDirection: "asc" })).ids, ["a", "c", "b"])
      })
    )

    test(
      "sorts by the time of the last change when asked to",
      Effect.gen(function* () {
        yield* put("a", 10, 100)
        yield* put("b", 30, 30)
        yield* put("c", 20, 50)
        for (const sortKey of ["updated_at", "recency_at"] as const) {
          assert.deepStrictEqual((yield* list({ sortKey })).ids, ["a", "c", "b"])
        }
      })
    )

    test(
      "lists only what matches, and counts a page by what matches",
      Effect.gen(function* () {
        for (const [index, id] of ["a", "b", "c", "d"].entries()) yield* put(id, index)
        const matches: ThreadQuery["matches"] = (record) => record.origin.id !== "c"
        assert.deepStrictEqual((yield* list({ matches, limit: 2 })).ids, ["d", "b"])
      })
    )

    test(
      "has no cursors for an empty page, and none onwards from the last",
      Effect.gen(function* () {
        const empty = yield* list()
        assert.deepStrictEqual([empty.ids, empty.nextCursor, empty.backwardsCursor], [[], null, null])
        yield* put("a", 1)
        yield* put("b", 2)
        assert.isNull((yield* list({ limit: 2 })).nextCursor)
        assert.isNotNull((yield* list({ limit: 1 })).nextCursor)
      })
    )

    test(
      "goes on where a page ended, also among threads of the same time, and shows each thread once",
      Effect.gen(function* () {
        for (const id of ["d", "a", "c", "b", "e"]) yield* put(id, 7)
        assert.deepStrictEqual(yield* follow({ limit: 2 }), [["e", "d"], ["c", "b"], ["a"]])
        assert.deepStrictEqual(yield* follow({ limit: 2, sortDirection: "asc" }), [["a", "b"], ["c", "d"], ["e"]])
      })
    )

    test(
      "goes on where a page ended when its last thread does not match any more",
      Effect.gen(function* () {
        for (const [index, id] of ["a", "b", "c"].entries()) yield* put(id, index)
        const { nextCursor } = yield* list({ limit: 1 })
        const pages = yield* follow({ matches: (record) => record.origin.id !== "c" }, nextCursor)
        assert.deepStrictEqual(pages, [["b", "a"]])
      })
    )

    test(
      "goes back from the first of a page, which begins the other direction",
      Effect.gen(function* () {
        for (const [index, id] of ["a", "b", "c", "d"].entries()) yield* put(id, index)
        const { nextCursor } = yield* list({ limit: 2 })
        const second = yield* list({ cursor: ThreadCursor.parse(nextCursor!)! })
        assert.deepStrictEqual(second.ids, ["b", "a"])
        assert.deepStrictEqual(yield* follow({ sortDirection: "asc" }, second.backwardsCursor), [["b", "c", "d"]])
        const ascending = yield* list({ sortDirection: "asc" })
        assert.deepStrictEqual(yield* follow({}, ascending.backwardsCursor), [["a"]])
      })
    )

    it.effect.prop(
      "shows every thread once over all its pages, whatever their times and sizes are",
      [Schema.Array(Schema.Literals([1, 2, 3])), Schema.Literals([1, 2, 3, 7]), Schema.Literals(["asc", "desc"])],
      ([times, limit, sortDirection]) =>
        Effect.gen(function* () {
          for (const [index, time] of times.entries()) yield* put(`t${index}`, time)
          const pages = yield* follow({ limit, sortDirection })
          const whole = yield* list({ limit: 100, sortDirection })
          assert.deepStrictEqual(pages.flat(), whole.ids)
          assert.strictEqual(new Set(whole.ids).size, times.length)
          assert.isTrue(pages.slice(0, -1).every((page) => page.length === limit))
        }).pipe(Effect.provide(layer))
    )
  })
}
