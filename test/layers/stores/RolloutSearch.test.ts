import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Memory from "../../../src/layers/stores/Memory.ts"
import * as Database from "../../../src/layers/stores/rollouts/sqlite/Database.ts"
import { search } from "../../../src/layers/stores/rollouts/sqlite/Search.ts"
import { Tables } from "../../../src/layers/stores/rollouts/sqlite/Tables.ts"
import * as ThreadCursor from "../../../src/services/thread/ThreadCursor.ts"
import type { ThreadEvent } from "../../../src/services/thread/ThreadEvent.ts"
import { everyThread, type ThreadMatches, type ThreadStore } from "../../../src/services/thread/ThreadStore.ts"
import { agentMessage, created } from "../../../src/testing/ThreadEvents.ts"
import { home, open } from "./Homes.ts"

const at = 1_700_000_000_000
const Items = 2300
const request = { filter: everyThread, cursor: null, limit: 2, sortKey: "updated_at", sortDirection: "desc" } as const

/** A thread with one turn of many answers. */
const thread = (id: string, texts: ReadonlyArray<string>, time: number): ReadonlyArray<ThreadEvent> => [
  created(id),
  { _tag: "TurnStarted", at: time, turnId: "u", rootTurnId: "u" },
  ...texts.map((text, index): ThreadEvent => ({
    _tag: "ItemCompleted",
    at: time,
    turnId: "u",
    item: agentMessage(`i${index}`, text)
  })),
  { _tag: "TurnEnded", at: time, turnId: "u", status: "completed", error: null }
]

const threads = [
  thread(
    "t1",
    Array.from({ length: Items }, (_, index) => `then the other ${index}`),
    at
  ),
  thread("t2", ["no match", "no match", "The end"], at + 1000),
  thread("t3", ["nothing", "no match"], at + 2000),
  thread("t4", ["THEN"], at + 3000),
  thread("t5", [...Array.from({ length: 200 }, () => "no match"), "others"], at + 4000)
]

/** The matches of all pages. */
const pages = Effect.fnUntraced(function* (store: ThreadStore["Service"], text: string) {
  const found: Array<readonly [string, unknown]> = []
  let { cursor }: { cursor: ThreadCursor.ThreadCursor | null } = request
  for (;;) {
    const page: ThreadMatches = yield* store.search({ ...request, cursor, text })
    found.push(...page.matches.map(({ snippet, thread }) => [thread.origin.id, snippet] as const))
    cursor = page.nextCursor === null ? null : (ThreadCursor.parse(page.nextCursor) ?? null)
    if (cursor === null) return found
  }
})

/** A home with these threads, and a store in memory that has them too. */
const filled = Effect.gen(function* () {
  const path = yield* home
  const [store, memory] = [yield* open(path), yield* Memory.make]
  for (const events of threads) {
    const id = events[0]?._tag === "Created" ? events[0].origin.id : ""
    yield* store.append(id, 0, events)
    yield* memory.append(id, 0, events)
  }
  return { path, store, memory }
})

describe("a search", () => {
  it.effect("finds the same threads for texts of every frequency as a store in memory", () =>
    Effect.gen(function* () {
      const { memory, store } = yield* filled
      for (const text of ["t", "th", "the", "then the other", "other 2299", "THE END", "n the o", "zz", "no match"]) {
        assert.deepStrictEqual(yield* pages(store, text), yield* pages(memory, text), text)
      }
    }).pipe(Effect.scoped)
  )

  it.effect("of a common text reads few items in one step, and stops at the end of the page", () =>
    Effect.gen(function* () {
      const { path, store } = yield* filled
      // Fills the index.
      yield* store.search({ ...request, text: "zz" })
      const database = Database.open(path, false)
      if (database === undefined) return assert.fail("no database")
      const rows: Array<number> = []
      const tables = new Tables(database)
      const { all } = tables
      tables.all = (...args) => {
        const found = all.apply(tables, args)
        rows.push(found.length)
        return found
      }
      for (const text of ["t", "th", "the"]) {
        const steps = search({ tables, isCurrent: () => true }, { ...request, text })
        let sum = 0
        let found = steps.next()
        for (; found.done !== true; found = steps.next()) {
          sum += rows.length
          assert.isAtMost(
            rows.splice(0).reduce((total, count) => total + count, 0),
            600,
            text
          )
        }
        assert.isAbove(sum, 3)
        assert.strictEqual(Array.isArray(found.value) ? found.value.length : 0, 3, text)
      }
      database.close()
    }).pipe(Effect.scoped)
  )
})
