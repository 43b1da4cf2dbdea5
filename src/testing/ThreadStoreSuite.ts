/**
 * The requirements on every thread store, as test cases for any test runner.
 *
 * Each case gets an empty store. It fails with Node's `AssertionError`, or with the store's error.
 *
 * ```ts
 * import { it } from "node:test"
 * import * as Effect from "effect/Effect"
 * import { MemoryStore } from "spindle-app-server"
 * import { ThreadStoreSuite } from "spindle-app-server/testing"
 *
 * for (const { name, check } of ThreadStoreSuite.cases) {
 *   it(name, () => Effect.runPromise(Effect.provide(check, MemoryStore.layer)))
 * }
 * ```
 *
 * @module
 */
import * as assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as ThreadCursor from "../services/thread/ThreadCursor.ts"
import type { NumberedEvent, ThreadEvent } from "../services/thread/ThreadEvent.ts"
import {
  everyThread,
  type ThreadFilter,
  type ThreadPageRequest,
  ThreadStore,
  type ThreadStoreError,
  type ThreadSummary
} from "../services/thread/ThreadStore.ts"
import { factCases } from "./FactCases.ts"
import type { Case } from "./StoreCase.ts"
import { agentMessage, created, everyEvent, turnEvents, userMessage } from "./ThreadEvents.ts"

export type { Case }

const at = 1_700_000_100_250

/** Matches every thread that is not archived. */
const everything: ThreadFilter = { ...everyThread, archived: false }

const firstPage: ThreadPageRequest = {
  filter: everything,
  cursor: null,
  limit: 10,
  sortKey: "created_at",
  sortDirection: "desc"
}

const numbered = (events: ReadonlyArray<ThreadEvent>, from = 0): ReadonlyArray<NumberedEvent> =>
  events.map((event, index) => ({ seq: from + index, event }))

const readAll = (threadId: string) =>
  Effect.flatMap(ThreadStore, (store) => store.read(threadId, { from: 0, limit: 10_000 }))

/** A thread with one turn. Times are Unix seconds. */
const put = Effect.fnUntraced(function* (id: string, createdAt: number, turnAt = createdAt) {
  const store = yield* ThreadStore
  yield* store.append(id, 0, [created(id, { createdAt }), ...turnEvents(`${id}-u`, turnAt * 1000, "hello", "hi")])
})

const list = Effect.fnUntraced(function* (request: Partial<ThreadPageRequest> = {}) {
  const page = yield* (yield* ThreadStore).list({ ...firstPage, ...request })
  return { ...page, ids: page.threads.map(({ origin }) => origin.id) }
})

/** The pages from a cursor to the end. */
const follow = Effect.fnUntraced(function* (request: Partial<ThreadPageRequest>, from: string | null = null) {
  const pages: Array<ReadonlyArray<string>> = []
  let next = from
  do {
    const cursor = next === null ? null : ThreadCursor.parse(next)
    assert.notEqual(cursor, undefined, "a cursor of the store must be parseable")
    const page = yield* list({ ...request, cursor: cursor ?? null })
    pages.push(page.ids)
    next = page.nextCursor
  } while (next !== null)
  return pages
})

const reasonOf = <A>(effect: Effect.Effect<A, ThreadStoreError, ThreadStore>) =>
  Effect.map(Effect.result(effect), (result) => (Result.isFailure(result) ? result.failure.reason : "no failure"))

const events: ReadonlyArray<Case> = [
  {
    name: "reads every kind of event as it was appended, numbered from 0",
    check: Effect.gen(function* () {
      const store = yield* ThreadStore
      const all = [created("t"), ...everyEvent(at)]
      for (const [seq, event] of all.entries()) yield* store.append("t", seq, [event])
      assert.deepEqual(yield* readAll("t"), numbered(all))
    })
  },
  {
    name: "appends several events at once",
    check: Effect.gen(function* () {
      const store = yield* ThreadStore
      const all = [created("t"), ...everyEvent(at)]
      yield* store.append("t", 0, all)
      assert.deepEqual(yield* readAll("t"), numbered(all))
    })
  },
  {
    name: "reads a range, and nothing beyond the end",
    check: Effect.gen(function* () {
      const store = yield* ThreadStore
      const all = [created("t"), ...everyEvent(at)]
      yield* store.append("t", 0, all)
      assert.deepEqual(yield* store.read("t", { from: 2, limit: 3 }), numbered(all.slice(2, 5), 2))
      assert.deepEqual(yield* store.read("t", { from: all.length, limit: 3 }), [])
    })
  },
  {
    name: "refuses an append at an unexpected number, and stores none of its events",
    check: Effect.gen(function* () {
      const store = yield* ThreadStore
      const all = [created("t"), ...turnEvents("u", at, "hello", "hi")]
      yield* store.append("t", 0, all)
      for (const seq of [0, all.length - 1, all.length + 1]) {
        assert.equal(yield* reasonOf(store.append("t", seq, turnEvents("v", at, "no", "no"))), "conflict")
      }
      assert.deepEqual(yield* readAll("t"), numbered(all))
    })
  },
  {
    name: "has no thread that was never created, and refuses one that does not begin with Created",
    check: Effect.gen(function* () {
      const store = yield* ThreadStore
      assert.equal(yield* reasonOf(store.append("t", 0, turnEvents("u", at, "hello", "hi"))), "conflict")
      assert.deepEqual(yield* readAll("t"), [])
      assert.equal(yield* store.summary("t"), null)
      assert.equal(yield* store.summary("other"), null)
    })
  },
  {
    name: "keeps threads separate",
    check: Effect.gen(function* () {
      const store = yield* ThreadStore
      yield* put("a", 1)
      yield* put("b", 2)
      const before = yield* readAll("a")
      yield* store.append("b", 7, turnEvents("more", 5000, "more", "no"))
      assert.deepEqual(yield* readAll("a"), before)
    })
  },
  {
    name: "does not modify events that it has returned",
    check: Effect.gen(function* () {
      const store = yield* ThreadStore
      yield* put("t", 1)
      const [read, listed, summary] = [yield* readAll("t"), yield* list(), yield* store.summary("t")]
      const before = structuredClone([read, listed, summary])
      yield* store.append("t", 7, [...turnEvents("u2", at, "more", "no"), { _tag: "NameSet", at, name: "new" }])
      assert.deepEqual([read, listed, summary], before)
    })
  }
]

const summaries: ReadonlyArray<Case> = [
  {
    name: "summarizes a thread",
    check: Effect.gen(function* () {
      const store = yield* ThreadStore
      const first = created(
        "t",
        { createdAt: 5, source: "cli" },
        { model: "m", modelProvider: "p", cwd: "/a", effort: "low" }
      )
      yield* store.append("t", 0, [first, ...turnEvents("u", 9000, "hello", "hi"), { _tag: "NameSet", at, name: "N" }])
      const expected: ThreadSummary = {
        origin: first.origin,
        model: "m",
        modelProvider: "p",
        effort: "low",
        cwd: "/a",
        preview: "hello",
        name: "N",
        archived: false,
        turns: 1,
        updatedAt: 10_500,
        recencyAt: 9000,
        gitInfo: null,
        daybreakEnabled: null,
        section: null,
        readState: null,
        attachments: []
      }
      assert.deepEqual(yield* store.summary("t"), expected)
      assert.deepEqual((yield* list()).threads, [expected])
    })
  },
  {
    name: "lists threads with at least one turn, newest first",
    check: Effect.gen(function* () {
      const store = yield* ThreadStore
      yield* put("a", 10)
      yield* put("b", 30)
      yield* put("c", 20)
      yield* store.append("empty", 0, [created("empty", { createdAt: 40 })])
      assert.deepEqual((yield* list()).ids, ["b", "c", "a"])
      assert.deepEqual((yield* list({ sortDirection: "asc" })).ids, ["a", "c", "b"])
    })
  },
  {
    name: "sorts by the time of the last change",
    check: Effect.gen(function* () {
      yield* put("a", 10, 100)
      yield* put("b", 30, 30)
      yield* put("c", 20, 50)
      for (const sortKey of ["updated_at", "recency_at"] as const) {
        assert.deepEqual((yield* list({ sortKey })).ids, ["a", "c", "b"])
      }
    })
  },
  {
    name: "applies every member of a filter, and counts only matches for a page",
    check: Effect.gen(function* () {
      const store = yield* ThreadStore
      const turn = (id: string) => turnEvents(`${id}-u`, at, `text of ${id}`, "hi")
      yield* store.append("a", 0, [created("a", { source: "cli" }), ...turn("a")])
      yield* store.append("b", 0, [created("b", {}, { modelProvider: "p" }), ...turn("b")])
      yield* store.append("c", 0, [created("c", {}, { cwd: "/c" }), ...turn("c")])
      yield* store.append("d", 0, [created("d", { source: { custom: "x" } }), ...turn("d"), { _tag: "Archived", at }])
      yield* store.append("e", 0, [created("e"), ...turn("e"), { _tag: "NameSet", at, name: "Named" }])
      const ids = (filter: Partial<ThreadFilter>, limit = 10) =>
        Effect.map(list({ filter: { ...everything, ...filter }, limit }), (page) => page.ids)
      assert.deepEqual(yield* ids({}), ["e", "c", "b", "a"])
      assert.deepEqual(yield* ids({ archived: true }), ["d"])
      assert.deepEqual(yield* ids({ archived: true, sourceKinds: ["cli"] }), [])
      assert.deepEqual(yield* ids({ archived: true, sourceKinds: ["custom"] }), ["d"])
      assert.deepEqual(yield* ids({ sourceKinds: ["cli"] }), ["a"])
      assert.deepEqual(yield* ids({ sourceKinds: [] }), [])
      assert.deepEqual(yield* ids({ modelProviders: ["p", "q"] }), ["b"])
      assert.deepEqual(yield* ids({ cwds: ["/c"] }), ["c"])
      assert.deepEqual(yield* ids({ text: "text of b" }), ["b"])
      assert.deepEqual(yield* ids({ text: "TEXT OF B" }), [])
      assert.deepEqual(yield* ids({ text: "Name" }), ["e"])
      assert.deepEqual(yield* ids({ excludedIds: ["e", "b"] }, 2), ["c", "a"])
    })
  }
]

const pages: ReadonlyArray<Case> = [
  {
    name: "has no cursors for an empty page, and none after the last page",
    check: Effect.gen(function* () {
      const empty = yield* list()
      assert.deepEqual([empty.ids, empty.nextCursor, empty.backwardsCursor], [[], null, null])
      yield* put("a", 1)
      yield* put("b", 2)
      assert.equal((yield* list({ limit: 2 })).nextCursor, null)
      assert.notEqual((yield* list({ limit: 1 })).nextCursor, null)
    })
  },
  {
    name: "continues where a page ended, also among threads with equal times, and lists each thread once",
    check: Effect.gen(function* () {
      for (const id of ["d", "a", "c", "b", "e"]) yield* put(id, 7)
      assert.deepEqual(yield* follow({ limit: 2 }), [["e", "d"], ["c", "b"], ["a"]])
      assert.deepEqual(yield* follow({ limit: 2, sortDirection: "asc" }), [["a", "b"], ["c", "d"], ["e"]])
    })
  },
  {
    name: "continues where a page ended when its last thread no longer matches",
    check: Effect.gen(function* () {
      for (const [index, id] of ["a", "b", "c"].entries()) yield* put(id, index)
      const { nextCursor } = yield* list({ limit: 1 })
      const filter = { ...everything, excludedIds: ["c"] }
      assert.deepEqual(yield* follow({ filter }, nextCursor), [["b", "a"]])
    })
  },
  {
    name: "pages backwards from the first thread of a page",
    check: Effect.gen(function* () {
      for (const [index, id] of ["a", "b", "c", "d"].entries()) yield* put(id, index)
      const { nextCursor } = yield* list({ limit: 2 })
      const second = yield* list({ cursor: ThreadCursor.parse(nextCursor ?? "") ?? null })
      assert.deepEqual(second.ids, ["b", "a"])
      assert.deepEqual(yield* follow({ sortDirection: "asc" }, second.backwardsCursor), [["b", "c", "d"]])
      const ascending = yield* list({ sortDirection: "asc" })
      assert.deepEqual(yield* follow({}, ascending.backwardsCursor), [["a"]])
    })
  }
]

const others: ReadonlyArray<Case> = [
  {
    name: "finds text in messages, answers and commands, case-insensitively, in pages",
    check: Effect.gen(function* () {
      const store = yield* ThreadStore
      const one = (id: string, time: number, items: ReadonlyArray<ThreadEvent>) =>
        store.append(id, 0, [
          created(id),
          { _tag: "TurnStarted", at: time, turnId: `${id}-u`, rootTurnId: `${id}-u` },
          ...items,
          { _tag: "TurnEnded", at: time, turnId: `${id}-u`, status: "completed", error: null }
        ])
      yield* one("a", 1000, [
        { _tag: "ItemCompleted", at, turnId: "a-u", item: userMessage("i", "about a Zebra here") }
      ])
      yield* one("b", 3000, [{ _tag: "ItemCompleted", at, turnId: "b-u", item: agentMessage("i", "no ZEBRA at all") }])
      yield* one("c", 2000, [{ _tag: "ItemCompleted", at, turnId: "c-u", item: agentMessage("i", "horses") }])
      const byUpdate = { ...firstPage, sortKey: "updated_at", text: "zebra" } as const
      const found = yield* store.search(byUpdate)
      assert.deepEqual(
        found.matches.map(({ snippet, thread }) => [thread.origin.id, snippet]),
        [
          ["b", "no ZEBRA at all"],
          ["a", "about a Zebra here"]
        ]
      )
      const first = yield* store.search({ ...byUpdate, limit: 1 })
      const second = yield* store.search({ ...byUpdate, cursor: ThreadCursor.parse(first.nextCursor ?? "") ?? null })
      const limited = yield* store.search({ ...byUpdate, filter: { ...everything, excludedIds: ["b"] }, limit: 1 })
      assert.deepEqual(
        [first, second, limited].map(({ matches, nextCursor }) => [
          matches.map(({ thread }) => thread.origin.id),
          nextCursor
        ]),
        [
          [["b"], first.nextCursor],
          [["a"], null],
          [["a"], null]
        ]
      )
    })
  },
  {
    name: "forks a thread at an event, after which both are independent",
    check: Effect.gen(function* () {
      const store = yield* ThreadStore
      const all = [created("t"), ...turnEvents("u1", at, "hello", "hi"), ...turnEvents("u2", at, "more", "no")]
      yield* store.append("t", 0, all)
      const fork = created("f", { forkedFromId: "t" })
      yield* store.fork("t", 7, fork)
      const expected = [fork, ...all.slice(1, 7)]
      assert.deepEqual(yield* readAll("f"), numbered(expected))
      yield* store.append("f", 7, turnEvents("u3", at, "other", "yes"))
      assert.deepEqual(yield* readAll("t"), numbered(all))
      yield* store.delete("t")
      assert.deepEqual(yield* readAll("f"), numbered([...expected, ...turnEvents("u3", at, "other", "yes")]))
    })
  },
  {
    name: "refuses to fork an unknown thread, or into an existing one",
    check: Effect.gen(function* () {
      const store = yield* ThreadStore
      yield* put("t", 1)
      yield* put("other", 1)
      assert.equal(yield* reasonOf(store.fork("no", 1, created("f"))), "conflict")
      assert.equal(yield* reasonOf(store.fork("t", 8, created("f"))), "conflict")
      assert.equal(yield* reasonOf(store.fork("t", 7, created("other"))), "conflict")
      assert.deepEqual(yield* readAll("f"), [])
    })
  },
  {
    name: "deletes a thread, and deleting it again has no effect",
    check: Effect.gen(function* () {
      const store = yield* ThreadStore
      yield* put("t", 1)
      yield* put("other", 1)
      yield* store.delete("t")
      yield* store.delete("t")
      assert.deepEqual(yield* readAll("t"), [])
      assert.equal(yield* store.summary("t"), null)
      assert.deepEqual((yield* list()).ids, ["other"])
      yield* put("t", 2)
      assert.deepEqual((yield* list()).ids, ["t", "other"])
    })
  }
]

/** Every requirement, independent of each other. */
export const cases: ReadonlyArray<Case> = [...events, ...summaries, ...pages, ...others, ...factCases]
