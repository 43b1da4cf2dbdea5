/**
 * Requirements of thread stores about sections, attachments and ranges of the history.
 *
 * @module
 */
import * as assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import { itemsIn, turnsIn, type HistoryRange } from "../services/thread/History.ts"
import * as ThreadCursor from "../services/thread/ThreadCursor.ts"
import { readState } from "../services/thread/StoredThread.ts"
import { everyThread, type ThreadFilter, type ThreadPageRequest, ThreadStore } from "../services/thread/ThreadStore.ts"
import { created, turnEvents } from "./ThreadEvents.ts"
import type { Case } from "./StoreCase.ts"

const at = 1_700_000_100_250

const idsOf = Effect.fnUntraced(function* (request: Partial<ThreadPageRequest> & { readonly filter: ThreadFilter }) {
  const store = yield* ThreadStore
  const page = yield* store.list({
    cursor: null,
    limit: 10,
    sortKey: "created_at",
    sortDirection: "asc",
    ...request
  })
  return { ...page, ids: page.threads.map(({ origin }) => origin.id) }
})

const putInSection = Effect.fnUntraced(function* (id: string, section: string | null, position: number) {
  const store = yield* ThreadStore
  yield* store.append(id, 0, [
    created(id),
    ...turnEvents(`${id}-u`, at, "hello", "hi"),
    ...(section === null ? [] : [{ _tag: "SectionSet" as const, at, section: { id: section, position } }])
  ])
})

const attachmentOf = (id: string, identityKey: string) => ({
  id,
  attachmentType: "link",
  identityKey,
  payload: { n: 1 },
  createdAt: 5
})

export const factCases: ReadonlyArray<Case> = [
  {
    name: "lists threads by section, in the order of their positions",
    check: Effect.gen(function* () {
      yield* putInSection("a", "s1", 3_000_000)
      yield* putInSection("b", "s1", 1_000_000)
      yield* putInSection("c", "s1", 2_000_000)
      yield* putInSection("d", "s2", 1_000_000)
      yield* putInSection("e", null, 0)
      const sortKey = "section_position"
      const filter = { ...everyThread, section: { anyOf: ["s1"] } }
      assert.deepEqual((yield* idsOf({ filter, sortKey })).ids, ["b", "c", "a"])
      assert.deepEqual((yield* idsOf({ filter, sortKey, sortDirection: "desc" })).ids, ["a", "c", "b"])
      const first = yield* idsOf({ filter, sortKey, limit: 2 })
      assert.equal(first.nextCursor, "2000000|c")
      const cursor = ThreadCursor.parse(first.nextCursor ?? "", "position") ?? null
      const second = yield* idsOf({ filter, sortKey, cursor })
      assert.deepEqual([second.ids, second.nextCursor, second.backwardsCursor], [["a"], null, "3000001|a"])
      assert.deepEqual((yield* idsOf({ filter: { ...everyThread, section: { noneOf: ["s1"] } } })).ids, ["d", "e"])
      assert.deepEqual((yield* idsOf({ filter: { ...everyThread, section: { anyOf: [] } } })).ids, [])
    })
  },
  {
    name: "lists the threads with an attachment, also without a turn and archived",
    check: Effect.gen(function* () {
      const store = yield* ThreadStore
      yield* store.append("a", 0, [created("a"), { _tag: "AttachmentAdded", at, attachment: attachmentOf("1", "k") }])
      yield* store.append("b", 0, [
        created("b"),
        ...turnEvents("u", at, "hello", "hi"),
        { _tag: "AttachmentAdded", at, attachment: attachmentOf("2", "k") },
        { _tag: "Archived", at }
      ])
      yield* store.append("c", 0, [
        created("c"),
        { _tag: "AttachmentAdded", at, attachment: attachmentOf("3", "k") },
        { _tag: "AttachmentRemoved", at, attachmentId: "3" },
        { _tag: "AttachmentAdded", at, attachment: attachmentOf("4", "other") }
      ])
      const filter = { ...everyThread, attachment: { attachmentType: "link", identityKey: "k" } }
      assert.deepEqual((yield* idsOf({ filter })).ids, ["a", "b"])
      assert.deepEqual((yield* idsOf({ filter: { ...filter, archived: false } })).ids, ["a"])
      assert.deepEqual((yield* idsOf({ filter: { ...filter, archived: true } })).ids, ["b"])
    })
  },
  {
    name: "reads ranges of turns and items, if it can",
    check: Effect.gen(function* () {
      const store = yield* ThreadStore
      const { readItems, readTurns } = store
      if (readTurns === undefined || readItems === undefined) return
      const all = [
        created("t"),
        ...["u1", "u2", "u3", "u4"].flatMap((id) => turnEvents(id, at, `question ${id}`, `answer ${id}`)),
        { _tag: "RolledBack" as const, at, turns: 1 },
        ...turnEvents("u5", at, "question u5", "answer u5")
      ]
      yield* store.append("t", 0, all)
      const state = yield* readState(store, "t")
      assert.ok(state !== null)
      const positions = [null, ...all.keys()].flatMap((seq): ReadonlyArray<HistoryRange["from"]> =>
        seq === null
          ? [null]
          : [
              { seq, inclusive: true },
              { seq, inclusive: false }
            ]
      )
      for (const from of positions) {
        for (const direction of ["asc", "desc"] as const) {
          const range = { from, direction, limit: 2 }
          assert.deepEqual(yield* readTurns("t", range, "full"), turnsIn(state, range))
          assert.deepEqual(yield* readItems("t", range, null), itemsIn(state, range, null))
          assert.deepEqual(yield* readItems("t", range, "u2"), itemsIn(state, range, "u2"))
        }
      }
      assert.equal(yield* readTurns("unknown", { from: null, direction: "asc", limit: 1 }, "full"), null)
      assert.equal(yield* readItems("unknown", { from: null, direction: "asc", limit: 1 }, null), null)
    })
  }
]
