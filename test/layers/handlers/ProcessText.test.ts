import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { textOf } from "../../../src/layers/handlers/processes/ProcessText.ts"

const bytes = (...values: ReadonlyArray<number>) => Uint8Array.from(values)

describe("the text of an output", () => {
  it.prop(
    "is UTF-8, cut in front of a character that the cap has split",
    [Schema.String, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 }))],
    ([given, cap]) => {
      const whole = Buffer.from(given)
      const text = whole.toString()
      assert.strictEqual(textOf(whole, false), text)
      const cut = textOf(whole.subarray(0, cap), true)
      assert.isTrue(text.startsWith(cut), JSON.stringify(cut))
      assert.isAbove(Buffer.byteLength(cut), Math.min(cap, whole.length) - 4)
    }
  )

  it("is Windows-1252 when it is not UTF-8", () => {
    assert.strictEqual(textOf(bytes(0x61, 0xff, 0x62), false), "aÿb")
    assert.strictEqual(textOf(Buffer.from("caf\xe9 na\xefve", "latin1"), false), "café naïve")
  })

  it("is UTF-8 with faults when it has characters of several bytes", () => {
    assert.strictEqual(textOf(bytes(0xe2, 0x82, 0xac, 0xff, 0x62), false), "€\ufffdb")
  })

  it("keeps a byte order mark and NUL", () => {
    assert.strictEqual(textOf(bytes(0xef, 0xbb, 0xbf, 0x61, 0, 0x62), false), "\ufeffa\0b")
  })
})
