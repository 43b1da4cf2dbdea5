import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ResponseItem } from "../../../../src/protocol/v2/item/ResponseItem.ts"
import {
  compacted,
  estimate,
  MaxKept,
  tokensIn,
  withoutFirst
} from "../../../../src/services/thread/turn/CompactedHistory.ts"

const message = (role: string, text: string): ResponseItem => ({
  type: "message",
  role,
  content: [{ type: role === "assistant" ? "output_text" : "input_text", text }]
})
const user = (text: string) => message("user", text)
const context = message("developer", "<permissions instructions>\nnone\n</permissions instructions>")

const call = (call_id: string): ResponseItem => ({ type: "function_call", call_id, name: "t", arguments: "{}" })
const output = (call_id: string): ResponseItem => ({ type: "function_call_output", call_id, output: "done" })

const textsOf = (items: ReadonlyArray<ResponseItem>): ReadonlyArray<string> =>
  items.map((item) => (item.type === "message" && item.content[0]?.type === "input_text" ? item.content[0].text : ""))

describe("the conversation after a compaction", () => {
  it("has the user's messages, the context in front of the last one, and the summary", () => {
    const before = [
      context,
      user("<environment_context>\n</environment_context>"),
      user("one"),
      call("c"),
      output("c"),
      message("assistant", "answer"),
      user("<turn_aborted>\nstopped\n</turn_aborted>"),
      user("two")
    ]
    const after = compacted(before, [context], "SUMMARY")
    assert.deepStrictEqual(after.slice(0, 3), [user("one"), context, user("two")])
    const summary = textsOf(after)[3]
    assert.isTrue(summary?.endsWith("\nSUMMARY"), summary)
    assert.strictEqual(after.length, 4)
  })

  it("does not keep an earlier summary, of this server or of the release, as a message of the user", () => {
    const once = compacted([user("one")], [], "FIRST")
    const released = user("Another language model started to solve this problem and produced a summary of it:\nX")
    const twice = compacted([...once, released, user("two")], [], "SECOND")
    const texts = textsOf(twice)
    assert.deepStrictEqual(texts.slice(0, 2), ["one", "two"])
    assert.isTrue(texts[2]?.endsWith("\nSECOND"))
    assert.strictEqual(texts.length, 3)
  })

  it("says that there is no summary when the model wrote none", () => {
    const [summary] = textsOf(compacted([], [], " \n"))
    assert.isTrue(summary?.endsWith("\n(no summary available)"), summary)
  })

  it("cuts the oldest messages in the middle, and keeps characters whole", () => {
    const long = (char: string) => char.repeat(60_000)
    const texts = textsOf(compacted([user("dropped"), user(long("é").slice(0, 40_000)), user(long("y"))], [], "S"))
    assert.strictEqual(texts.length, 3)
    assert.match(texts[0] ?? "", /^é+…15000 tokens truncated…é+$/)
    assert.strictEqual(texts[1], long("y"))
  })

  it.effect.prop(
    "never keeps more of the user's messages than the limit",
    [
      Arbitrary.array(
        Arbitrary.schema(
          Schema.Tuple([Schema.String, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30_000 }))])
        )
      )
    ],
    ([parts]) =>
      Effect.sync(() => {
        const before = parts.map(([text, times]) => user(`${text}x${"z ".repeat(times)}`))
        const after = compacted(before, [], "S").slice(0, -1)
        // The note in the cut message is not counted.
        assert.isAtMost(estimate(after), MaxKept + 16)
        const last = before.at(-1)
        if (last !== undefined && tokensIn(textsOf([last])[0] ?? "") <= MaxKept)
          assert.deepStrictEqual(after.at(-1), last)
      })
  )
})

describe("a conversation without its first entry", () => {
  it("loses a call together with its output", () => {
    assert.deepStrictEqual(withoutFirst([call("a"), call("b"), output("a"), output("b")]), [call("b"), output("b")])
    assert.deepStrictEqual(withoutFirst([user("a"), call("b")]), [call("b")])
    assert.deepStrictEqual(withoutFirst([]), [])
  })
})
