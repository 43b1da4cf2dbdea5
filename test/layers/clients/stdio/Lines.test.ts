import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Lines } from "../../../../src/layers/clients/stdio/Lines.ts"

const piece = Arbitrary.schema(Schema.Literals(["\n", " ", "a", "bc", "é", "\r\n", "", "{}"]))

describe("lines", () => {
  it.effect.prop(
    "are the same however the text is cut, and blank ones are none",
    [Arbitrary.array(piece, { maxLength: 40 })],
    ([pieces]) =>
      Effect.sync(() => {
        const lines = new Lines(1000)
        const cut = pieces.flatMap((text) => lines.push(text) ?? ["too long"])
        const whole = pieces.join("").split("\n").slice(0, -1)
        assert.deepStrictEqual(
          cut,
          whole.filter((line) => line.trim() !== "")
        )
      })
  )

  it("may be as long as allowed, in one piece or in many, and no longer", () => {
    const push = (...pieces: ReadonlyArray<string>) => {
      const lines = new Lines(4)
      return pieces.map((text) => lines.push(text))
    }
    assert.deepStrictEqual(push("1234\n", "12", "34", "\n"), [["1234"], [], [], ["1234"]])
    assert.deepStrictEqual(push("12345\n"), [undefined])
    assert.deepStrictEqual(push("12", "345"), [[], undefined])
    assert.deepStrictEqual(push("12", "345\n"), [[], undefined])
  })
})
