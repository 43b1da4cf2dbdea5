import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type HistoryRange, itemsIn, turnsIn } from "../../../src/services/thread/History.ts"
import * as HistoryCursor from "../../../src/services/thread/HistoryCursor.ts"
import { foldAll, fold, type ThreadState } from "../../../src/services/thread/ThreadState.ts"
import type { ThreadEvent } from "../../../src/services/thread/ThreadEvent.ts"
import { agentMessage, created, turnEvents } from "../../../src/testing/ThreadEvents.ts"

const at = 1_700_000_000_000

/** What happens to a thread: a turn, an item of an earlier turn, or a rollback. */
const Step = Schema.Union([
  Schema.Struct({ type: Schema.Literal("turn") }),
  Schema.Struct({ type: Schema.Literal("late"), turn: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })) }),
  Schema.Struct({ type: Schema.Literal("back"), turns: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })) })
])

const eventsOf = (steps: ReadonlyArray<typeof Step.Type>): ReadonlyArray<ThreadEvent> =>
  steps.flatMap((step, index): ReadonlyArray<ThreadEvent> => {
    if (step.type === "turn") return turnEvents(`u${index}`, at, `question ${index}`, `answer ${index}`)
    return step.type === "back"
      ? [{ _tag: "RolledBack", at, turns: step.turns }]
      : [{ _tag: "ItemCompleted", at, turnId: `u${step.turn}`, item: agentMessage(`late${index}`, "late") }]
  })

const stateOf = (steps: ReadonlyArray<typeof Step.Type>): ThreadState => {
  const state = foldAll([created("t"), ...eventsOf(steps)])
  if (state === undefined) throw new Error("not created")
  return state
}

/** All items by position, found without the ranges. */
const allItems = (state: ThreadState, turnId: string | null) =>
  state.turns
    .filter(({ id }) => turnId === null || id === turnId)
    .flatMap(({ id, itemSeqs, items }) =>
      items.map((item, index) => ({ turnId: id, id: item.id, seq: itemSeqs[index] ?? -1 }))
    )
    .sort((a, b) => a.seq - b.seq)

const select = <A extends { readonly seq: number }>(
  all: ReadonlyArray<A>,
  { direction, from, limit }: HistoryRange
): ReadonlyArray<A> => {
  const ordered = direction === "asc" ? all : all.toReversed()
  const isLeft = ({ seq }: A) => {
    if (from === null || (seq === from.seq && from.inclusive)) return true
    return direction === "asc" ? seq > from.seq : seq < from.seq
  }
  return ordered.filter(isLeft).slice(0, limit)
}

const Steps = Schema.Array(Step).check(Schema.isMaxLength(10))
const Range = Schema.Struct({
  from: Schema.NullOr(
    Schema.Struct({ seq: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 70 })), inclusive: Schema.Boolean })
  ),
  direction: Schema.Literals(["asc", "desc"]),
  limit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))
})

describe("ranges of a history", () => {
  it.effect.prop(
    "have the turns and items of a plain list, after any events",
    [Arbitrary.schema(Steps), Arbitrary.schema(Range)],
    ([steps, range]) =>
      Effect.sync(() => {
        const state = stateOf(steps)
        assert.deepStrictEqual(
          turnsIn(state, range).map(({ id }) => id),
          select(state.turns, range).map(({ id }) => id)
        )
        for (const turnId of [null, "u0", "u3", "none"]) {
          assert.deepStrictEqual(
            itemsIn(state, range, turnId).map(({ item, seq, turnId }) => ({ turnId, id: item.id, seq })),
            select(allItems(state, turnId), range)
          )
        }
      }),
    { arbitrary: { runs: 300 } }
  )

  it("have an item once after the turn was reverted that had started before it", () => {
    const state = stateOf([{ type: "turn" }, { type: "turn" }, { type: "late", turn: 0 }, { type: "back", turns: 1 }])
    const found = itemsIn(state, { from: null, direction: "desc", limit: 5 }, null)
    assert.deepStrictEqual(
      found.map(({ seq }) => seq),
      select(allItems(state, null), { from: null, direction: "desc", limit: 5 }).map(({ seq }) => seq)
    )
  })

  it.effect.prop(
    "continue behind a page without a gap or a repetition while events are appended",
    [Arbitrary.schema(Steps), Arbitrary.schema(Steps), Arbitrary.schema(Range)],
    ([before, after, { limit }]) =>
      Effect.sync(() => {
        const state = stateOf(before)
        const first = itemsIn(state, { from: null, direction: "asc", limit }, null)
        const appended = fold(state, eventsOf(after.filter(({ type }) => type !== "back")))
        const last = first.at(-1)
        const from = last === undefined ? null : { seq: last.seq, inclusive: false }
        const rest = itemsIn(appended, { from, direction: "asc", limit: 1000 }, null)
        assert.deepStrictEqual(
          [...first, ...rest].map(({ seq }) => seq),
          allItems(appended, null).map(({ seq }) => seq)
        )
      }),
    { arbitrary: { runs: 100 } }
  )

  it("do not depend on the length of the thread", () => {
    const turns = 10_000
    const state = stateOf(Array.from({ length: turns }, () => ({ type: "turn" as const })))
    const middle = state.turns[turns / 2]?.seq ?? 0
    // The ranges read a state through these arrays only; each access is counted.
    let reads = 0
    const counted = <A>(array: ReadonlyArray<A>): ReadonlyArray<A> =>
      new Proxy(array as Array<A>, {
        get: (target, key) => {
          if (typeof key === "string" && /^\d+$/.test(key)) reads++
          return Reflect.get(target, key)
        }
      })
    const watched = { ...state, turns: counted(state.turns) }
    const from = { seq: middle, inclusive: true }
    assert.strictEqual(turnsIn(watched, { from, direction: "desc", limit: 25 }).length, 25)
    assert.strictEqual(itemsIn(watched, { from, direction: "asc", limit: 25 }, null).length, 25)
    assert.isBelow(reads, 300)
  })
})

describe("cursors into a history", () => {
  it.effect.prop(
    "are read back, and only for their thread and kind",
    [
      Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 40 }))),
      Arbitrary.schema(Schema.Boolean)
    ],
    ([seq, inclusive]) =>
      Effect.sync(() => {
        const text = HistoryCursor.textOf("t", "turns", { seq, inclusive })
        assert.deepStrictEqual(HistoryCursor.parse("t", "turns", text), { seq, inclusive })
        assert.isUndefined(HistoryCursor.parse("other", "turns", text))
        assert.isUndefined(HistoryCursor.parse("t", "itemsByCreatedAtOrdinal", text))
      })
  )

  it("are refused when they are anything else", () => {
    const good = { requestedThreadId: "t", rolloutOrdinal: 1, includeAnchor: false, scope: { kind: "turns" } }
    const texts = [
      "",
      "garbage",
      "null",
      "{}",
      "[]",
      JSON.stringify({ ...good, rolloutOrdinal: -1 }),
      JSON.stringify({ ...good, rolloutOrdinal: 1.5 }),
      JSON.stringify({ ...good, rolloutOrdinal: "1" }),
      JSON.stringify({ ...good, scope: null }),
      JSON.stringify({ ...good, long: "x".repeat(2000) })
    ]
    assert.deepStrictEqual(
      texts.map((text) => HistoryCursor.parse("t", "turns", text)),
      texts.map(() => undefined)
    )
    assert.isDefined(HistoryCursor.parse("t", "turns", JSON.stringify({ ...good, extra: 1 })))
  })
})

describe("a rollback", () => {
  it("leaves an item of a command that outlived its turn once in the history", () => {
    const state = stateOf([{ type: "turn" }, { type: "turn" }, { type: "late", turn: 0 }, { type: "back", turns: 1 }])
    const ids = itemsIn(state, { from: null, direction: "asc", limit: 9 }, null).map(({ item }) => item.id)
    assert.deepStrictEqual(
      ids,
      allItems(state, null).map(({ id }) => id)
    )
    assert.include(ids, "late2")
  })
})
