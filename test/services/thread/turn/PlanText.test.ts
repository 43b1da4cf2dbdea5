import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type Piece, PlanReader, split } from "../../../../src/services/thread/turn/PlanText.ts"

const plan = (text: string) => `<proposed_plan>\n${text}</proposed_plan>\n`

describe("a proposed plan", () => {
  it.each<readonly [name: string, text: string, message: string, plan: string | null]>([
    ["alone", plan("A\n"), "", "A\n"],
    ["without a line break at the end", "<proposed_plan>\nA\n</proposed_plan>", "", "A\n"],
    ["without an end", "hi\n<proposed_plan>\nA\nB", "hi\n", "A\nB"],
    ["in a line", "see <proposed_plan> x </proposed_plan> y", "see <proposed_plan> x </proposed_plan> y", null],
    ["twice", `a\n${plan("ONE\n")}b\n${plan("TWO\n")}c`, "a\nb\nc", "TWO\n"],
    ["indented", "  <proposed_plan>  \nA\n  </proposed_plan>  \nrest", "rest", "A\n"],
    ["with an end only", "a\n</proposed_plan>\nb", "a\n</proposed_plan>\nb", null],
    ["inside another", `<proposed_plan>\nA\n${plan("B\n")}C\n`, "C\n", "A\n<proposed_plan>\nB\n"],
    ["that is empty", "<proposed_plan>\n</proposed_plan>", "", ""],
    ["with carriage returns", "a\r\n<proposed_plan>\r\nA\r\n</proposed_plan>\r\nb", "a\r\nb", "A\r\n"]
  ])("is separated from the message: %s", (_, text, message, expected) => {
    assert.deepStrictEqual(split(text), { message, plan: expected })
  })

  const token = Schema.Literals([
    "<proposed_plan>",
    "</proposed_plan>",
    "\n",
    " ",
    "a",
    "<prop",
    "osed_plan>",
    "\r\n",
    "\n\n"
  ])

  it.effect.prop(
    "is found in pieces of any size as in the whole text",
    [
      Arbitrary.array(Arbitrary.schema(token)),
      Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 7 })))
    ],
    ([tokens, size]) =>
      Effect.sync(() => {
        const text = tokens.join("")
        const reader = new PlanReader()
        const pieces: Array<Piece> = []
        for (let at = 0; at < text.length; at += size) pieces.push(...reader.feed(text.slice(at, at + size)))
        pieces.push(...reader.end())
        let message = ""
        let found: string | null = null
        for (const piece of pieces) {
          if (piece._tag === "Message") message += piece.text
          else if (piece._tag === "PlanStarted") found = ""
          else found = (found ?? "") + piece.text
        }
        assert.deepStrictEqual({ message, plan: found }, split(text))
      })
  )

  it("holds back no more than a tag needs", () => {
    const reader = new PlanReader()
    assert.deepStrictEqual(reader.feed("a\n<proposed"), [{ _tag: "Message", text: "a\n" }])
    assert.deepStrictEqual(reader.feed("_plans>"), [{ _tag: "Message", text: "<proposed_plans>" }])
    const blank = new PlanReader()
    const spaces = " ".repeat(300)
    assert.deepStrictEqual(blank.feed(spaces), [{ _tag: "Message", text: spaces }])
  })
})
