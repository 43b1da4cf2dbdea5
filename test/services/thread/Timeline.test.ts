import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ofState } from "../../../src/services/thread/HistoryPages.ts"
import { foldAll, type ThreadState } from "../../../src/services/thread/ThreadState.ts"
import type { ThreadEvent } from "../../../src/services/thread/ThreadEvent.ts"
import { Kind, type TimelineEnd, timelineOf } from "../../../src/services/thread/Timeline.ts"
import { agentMessage, created, turnEvents } from "../../../src/testing/ThreadEvents.ts"

const at = 1_700_000_000_000

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

/** What happens to a thread: a turn, a turn without an end, an item of an earlier turn, or a rollback. */
const Step = Schema.Union([
  Schema.Struct({ type: Schema.Literal("turn") }),
  Schema.Struct({ type: Schema.Literal("open") }),
  Schema.Struct({ type: Schema.Literal("late"), turn: upTo(9) }),
  Schema.Struct({ type: Schema.Literal("back"), turns: upTo(2) })
])

const Steps = Schema.Array(Step).check(Schema.isMaxLength(10))

const eventsOf = (step: typeof Step.Type, index: number): ReadonlyArray<ThreadEvent> => {
  const whole = turnEvents(`u${index}`, at, `question ${index}`, `answer ${index}`)
  if (step.type === "turn") return whole
  if (step.type === "open") return whole.filter(({ _tag }) => _tag !== "TurnEnded")
  return step.type === "back"
    ? [{ _tag: "RolledBack", at, turns: step.turns }]
    : [{ _tag: "ItemCompleted", at, turnId: `u${step.turn}`, item: agentMessage(`late${index}`, "late") }]
}

const stateOf = (steps: ReadonlyArray<typeof Step.Type>): ThreadState => {
  const state = foldAll([created("t"), ...steps.flatMap(eventsOf)])
  if (state === undefined) throw new Error("not created")
  return state
}

interface Plain extends TimelineEnd {
  readonly id: string
}

/** All entries in their order, found without ranges. */
const plain = ({ turns }: ThreadState): ReadonlyArray<Plain> =>
  turns
    .flatMap(({ id, itemSeqs, items, seq, status }, index) => {
      const end = turns[index + 1]?.seq ?? Infinity
      const timely = itemSeqs.filter((position) => position < end)
      return [
        { position: seq, kind: Kind.turnStarted, id },
        ...items.map((item, of) => ({ position: itemSeqs[of] ?? -1, kind: Kind.item, id: item.id })),
        ...(status === "inProgress" ? [] : [{ position: timely.at(-1) ?? seq, kind: Kind.turnCompleted, id }])
      ]
    })
    .sort((a, b) => a.position - b.position || a.kind - b.kind)

const read = (state: ThreadState, end: TimelineEnd | null, limit: number) =>
  Effect.map(timelineOf(ofState(state, state), end, limit), (entries) =>
    entries.map(({ id, kind, position }) => ({ position, kind, id }))
  )

describe("the timeline of a thread", () => {
  it.effect.prop(
    "a page has the newest entries in front of its end",
    [Steps, upTo(60), upTo(4), upTo(6)],
    ([steps, position, kind, more]) =>
      Effect.gen(function* () {
        const state = stateOf(steps)
        const all = plain(state)
        const limit = more + 1
        assert.deepStrictEqual(yield* read(state, null, limit), all.slice(-limit))
        const before = all.filter(
          (entry) => entry.position < position || (entry.position === position && entry.kind < kind)
        )
        assert.deepStrictEqual(yield* read(state, { position, kind }, limit), before.slice(-limit))
      })
  )

  it.effect.prop("the pages together are the whole timeline", [Steps, upTo(6)], ([steps, more]) =>
    Effect.gen(function* () {
      const state = stateOf(steps)
      const pages: Array<Plain> = []
      for (let end: TimelineEnd | null = null; ;) {
        const page: ReadonlyArray<Plain> = yield* read(state, end, more + 1)
        if (page.length === 0) break
        pages.unshift(...page)
        end = page[0] ?? null
      }
      assert.deepStrictEqual(pages, plain(state))
    })
  )
})
