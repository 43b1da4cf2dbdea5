import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { CompareBytes, occursIn } from "../../../src/layers/stores/rollouts/Source.ts"

/** A source of bytes in memory. */
const sourceOf = (bytes: Buffer) => ({
  size: bytes.length,
  read: (into: Buffer, position: number) => bytes.copy(into, 0, position, position + into.length)
})

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("the bytes of a rollout", () => {
  it.effect.prop(
    "have a text wherever it is, also where two pieces meet",
    [between(1, 40), between(-60, 60), between(1, 3), between(0, 80), Schema.Boolean],
    ([length, offset, pieces, behind, isWhole]) =>
      Effect.sync(() => {
        const text = "Needle ".repeat(6).slice(0, length)
        const position = Math.max(0, CompareBytes * pieces + offset)
        const shown = isWhole ? text : `${text.slice(0, -1)}#`
        const bytes = Buffer.from("-".repeat(position) + shown + "-".repeat(behind))
        assert.strictEqual(occursIn(sourceOf(bytes), [text.toLowerCase(), "another text that is longer"]), isWhole)
      })
  )

  it("have no text when there are none", () => {
    assert.isFalse(occursIn(sourceOf(Buffer.alloc(0)), ["text"]))
  })
})
