import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Decoder, initialState } from "../../../src/layers/stores/rollouts/Decode.ts"
import { encode } from "../../../src/layers/stores/rollouts/Encode.ts"
import { LaterVersion, type Line, parse, toText } from "../../../src/layers/stores/rollouts/Line.ts"
import * as Patch from "../../../src/layers/stores/rollouts/Patch.ts"
import { ThreadEvent } from "../../../src/services/thread/ThreadEvent.ts"
import { created, everyEvent } from "../../../src/testing/ThreadEvents.ts"

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const encoded = (events: ReadonlyArray<ThreadEvent>, isLegacy = false) =>
  encode(events, { threadId: "t", state: { ...initialState, isLegacy }, ordinal: 0 }).lines

const decoded = (texts: ReadonlyArray<string>): ReadonlyArray<ThreadEvent> => {
  const decoder = new Decoder()
  return texts.flatMap((text) => {
    const line = parse(text)
    return line === undefined ? [] : decoder.decode(line)
  })
}

const at = 1_700_000_000_000

const linesOf = (...bodies: ReadonlyArray<readonly [string, unknown]>): ReadonlyArray<string> =>
  bodies.map(([type, payload], ordinal) =>
    toText({ timestamp: new Date(at + ordinal).toISOString(), ordinal, type, payload })
  )

const meta = {
  id: "t",
  timestamp: "2023-11-14T22:13:19.000Z",
  cwd: "/w",
  originator: "o",
  cli_version: "1",
  source: "cli",
  model_provider: "p"
}

const tagsOf = (events: ReadonlyArray<ThreadEvent>) => events.map(({ _tag }) => _tag)

describe("the lines of a rollout", () => {
  for (const isLegacy of [false, true]) {
    const kind = isLegacy ? "legacy" : "paginated"

    it.effect.prop(
      `decode to the events that they were encoded from, in a ${kind} file`,
      [Schema.Array(ThreadEvent()).check(Schema.isMaxLength(8))],
      ([events]) =>
        Effect.sync(() => {
          const all = [created("t"), ...events]
          assert.deepStrictEqual(json(decoded(encoded(all, isLegacy).map(toText))), json(all))
        })
    )

    it(`decode to every kind of event, in a ${kind} file`, () => {
      const all = [created("t"), ...everyEvent(at)]
      assert.deepStrictEqual(decoded(encoded(all, isLegacy).map(toText)), all)
    })
  }

  it("are those of the release for the events that the release has, and carry nothing more for most of them", () => {
    const lines = encoded([created("t"), ...everyEvent(at)])
    const kind = ({ payload, spindle, type }: Line) =>
      [type, Reflect.get(Object(payload), "type") ?? [], spindle === undefined ? [] : "+"].flat().join(" ")
    const ofRelease = lines.filter(({ type }) => type !== "spindle_event")
    assert.deepStrictEqual(ofRelease.map(kind), [
      "session_meta +",
      "event_msg thread_settings_applied +",
      "event_msg task_started",
      "event_msg item_completed +",
      "response_item message",
      "event_msg item_completed +",
      "event_msg token_count",
      "event_msg task_complete",
      "event_msg thread_settings_applied",
      "event_msg task_started",
      "compacted",
      "event_msg thread_rolled_back",
      "world_state"
    ])
    assert.deepStrictEqual(
      lines.map(({ ordinal }) => ordinal),
      lines.map((_, index) => index)
    )
  })

  it.effect.prop("are patched from any value to any other", [Schema.Json, Schema.Json], ([from, to]) =>
    Effect.sync(() => {
      const patch = Patch.between(json(from), json(to))
      assert.deepStrictEqual(patch === undefined ? json(from) : Patch.apply(json(from), json(patch)), json(to))
    })
  )

  it("of a later version are refused", () => {
    const [text = ""] = linesOf(["spindle_event", { version: 2, event: { _tag: "Later" } }])
    const [begin = ""] = linesOf(["session_meta", meta])
    assert.throws(() => decoded([begin, text]), LaterVersion)
    assert.throws(() => parse('{"timestamp":"","type":"event_msg","spindle":{"v":2},"payload":{}}'), LaterVersion)
  })

  it("of an unknown type, or with a payload that is not understood, are kept", () => {
    const events = decoded(
      linesOf(
        ["session_meta", meta],
        ["new_type", { a: 1 }],
        ["event_msg", { type: "task_started" }],
        ["event_msg", { type: "item_completed", item: { type: "Hologram", id: "1" } }],
        ["response_item", 5],
        ["session_meta", meta]
      )
    )
    assert.deepStrictEqual(tagsOf(events), ["Created", "Foreign", "Foreign", "Foreign", "Foreign", "Foreign"])
    assert.deepStrictEqual(events[1], { _tag: "Foreign", at: at + 1, type: "new_type", payload: { a: 1 } })
  })

  it("that are no lines are no events", () => {
    assert.deepStrictEqual(decoded(["", "{", "5", "null", "[]", '{"payload":{}}', "\u0000\u0000"]), [])
  })

  it("of a legacy file without turns give each message of the user a turn, which has ended", () => {
    const events = decoded(
      linesOf(
        ["session_meta", meta],
        ["event_msg", { type: "user_message", message: "hello" }],
        ["event_msg", { type: "agent_message", message: "hi" }],
        ["event_msg", { type: "user_message", message: "more" }]
      )
    )
    assert.deepStrictEqual(
      events.map((event) => [event._tag, "turnId" in event ? event.turnId : ""]),
      [
        ["Created", ""],
        ["TurnStarted", "turn-1"],
        ["TurnEnded", "turn-1"],
        ["ItemCompleted", "turn-1"],
        ["ItemCompleted", "turn-1"],
        ["TurnStarted", "turn-3"],
        ["TurnEnded", "turn-3"],
        ["ItemCompleted", "turn-3"]
      ]
    )
  })
})
