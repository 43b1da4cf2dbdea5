import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as StoredTurns from "../../../src/services/thread/StoredTurns.ts"
import type { ThreadEvent } from "../../../src/services/thread/ThreadEvent.ts"
import { foldAll, type TurnState } from "../../../src/services/thread/ThreadState.ts"
import { agentMessage, created, turnEvents } from "../../../src/testing/ThreadEvents.ts"

const at = 1_700_000_000_000

const small = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))

/** What happens to a thread: a turn, its begin alone, its end, an item of any turn, a revert, the same id again. */
const Step = Schema.Struct({
  type: Schema.Literals(["turn", "begin", "end", "item", "back", "again", "compact"]),
  turn: small
})

const eventsOf = (steps: ReadonlyArray<typeof Step.Type>): ReadonlyArray<ThreadEvent> =>
  steps.flatMap(({ turn, type }, index): ReadonlyArray<ThreadEvent> => {
    switch (type) {
      case "turn":
        return turnEvents(`u${index}`, at, `question ${index}`, `answer ${index}`)
      case "begin":
        return [{ _tag: "TurnStarted", at, turnId: `u${index}`, rootTurnId: "root" }]
      case "again":
        return turnEvents(`u${turn}`, at, "the same id", "again")
      case "end":
        return [{ _tag: "TurnEnded", at: at + 5, turnId: `u${turn}`, status: "completed", error: null }]
      case "item":
        return [{ _tag: "ItemCompleted", at, turnId: `u${turn}`, item: agentMessage(`item${index}`, "text") }]
      case "back":
        return [{ _tag: "RolledBack", at, turns: turn % 4 }]
      case "compact":
        return [{ _tag: "Compacted", at, turnId: `u${turn}`, replacement: [] }]
    }
  })

const storeOf = (events: ReadonlyArray<ThreadEvent>) => {
  const requests: Array<number> = []
  return {
    requests,
    read: (_: string, { from, limit }: { readonly from: number; readonly limit: number }) =>
      Effect.sync(() => {
        requests.push(limit)
        return events.slice(from, from + limit).map((event, index) => ({ seq: from + index, event }))
      })
  }
}

/** The conversation is not part of what a reader of turns gets. */
const shape = (turn: TurnState) => ({ ...turn, conversationStart: 0 })

const turnsOf = Effect.fnUntraced(function* (store: ReturnType<typeof storeOf>, from: number) {
  const outline = yield* StoredTurns.outline(store, "t")
  const turns: Array<TurnState> = []
  if (outline !== null) yield* StoredTurns.eachTurn(store, outline, from, (turn) => Effect.sync(() => turns.push(turn)))
  return { outline, turns: turns.map(shape) }
})

describe("the turns of a stored thread", () => {
  it.effect.prop(
    "are those of the whole state, after any events and from any turn on",
    [Arbitrary.schema(Schema.Array(Step).check(Schema.isMaxLength(14))), Arbitrary.schema(small)],
    ([steps, from]) =>
      Effect.gen(function* () {
        const events = [created("t"), ...eventsOf(steps)]
        const state = foldAll(events)
        const { outline, turns } = yield* turnsOf(storeOf(events), from)
        assert.deepStrictEqual(turns, state?.turns.slice(from).map(shape))
        assert.strictEqual(outline?.state.preview, state?.preview)
        assert.strictEqual(outline?.state.nextSeq, state?.nextSeq)
      }),
    { arbitrary: { runs: 500 } }
  )

  it.effect("have no outline for an unknown thread", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* turnsOf(storeOf([]), 0), { outline: null, turns: [] })
    })
  )

  it.effect("are read in parts, and the outline holds no items of 2 000 turns", () =>
    Effect.gen(function* () {
      const turns = Array.from({ length: 2000 }, (_, index) => turnEvents(`u${index}`, at, "question", "answer"))
      const store = storeOf([created("t"), ...turns.flat()])
      const { outline, turns: read } = yield* turnsOf(store, 0)
      assert.strictEqual(read.length, 2000)
      assert.isAtMost(Math.max(...store.requests), 256)
      const kept = outline?.state.turns.flatMap(({ items }) => items) ?? []
      assert.deepStrictEqual(
        kept.map(({ type }) => type),
        ["userMessage"]
      )
      assert.deepStrictEqual(outline?.state.conversation, [])
    })
  )

  it.effect("fail when the thread becomes shorter between the passes", () =>
    Effect.gen(function* () {
      const events = [created("t"), ...turnEvents("u0", at, "question", "answer")]
      const outline = yield* StoredTurns.outline(storeOf(events), "t")
      assert.isNotNull(outline)
      if (outline === null) return
      const error = yield* Effect.flip(StoredTurns.eachTurn(storeOf(events.slice(0, 2)), outline, 0, () => Effect.void))
      assert.deepStrictEqual([error.operation, error.reason], ["read", "conflict"])
    })
  )
})
