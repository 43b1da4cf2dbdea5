import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Frames from "../../../src/layers/transports/Frames.ts"

/** The model of RFC 6455 for unfragmented, unmasked text frames. */
const decode = (bytes: Buffer): ReadonlyArray<string> => {
  const texts: Array<string> = []
  for (let at = 0; at < bytes.length;) {
    assert.strictEqual(bytes[at], 0x81)
    const short = bytes[at + 1] ?? 0
    const header = short === 126 ? 4 : short === 127 ? 10 : 2
    const length =
      short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short
    texts.push(bytes.toString("utf8", at + header, at + header + length))
    at += header + length
  }
  return texts
}

describe("frames", () => {
  it.effect.prop("carry any texts, in order", [Arbitrary.array(Arbitrary.schema(Schema.String))], ([texts]) =>
    Effect.sync(() => {
      // Invalid Unicode cannot be sent.
      const wellFormed = texts.map((text) => text.toWellFormed())
      assert.deepStrictEqual(decode(new Frames.Encoder().encode(wellFormed)), wellFormed)
    })
  )

  it.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])("have the shortest header for %d bytes", (length) => {
    const text = "x".repeat(length)
    const frames = new Frames.Encoder().encode([text, "é"])
    const header = length <= 125 ? 2 : length <= 65_535 ? 4 : 10
    assert.strictEqual(frames.length, header + length + 4)
    assert.deepStrictEqual(decode(frames), [text, "é"])
  })

  it("are encoded once for successive receivers of the same messages", () => {
    const frames = new Frames.Encoder()
    const texts = ["one", "two"]
    const first = frames.encode(texts)
    assert.strictEqual(frames.encode(["one", "two"]), first)
    for (const other of [["one"], ["one", "too"], ["two", "one"], ["one", "two", "three"]]) {
      assert.deepStrictEqual(decode(frames.encode(other)), other)
    }
    assert.deepStrictEqual(decode(frames.encode(texts)), texts)
  })

  it("that are large are not cached", () => {
    const frames = new Frames.Encoder()
    const texts = ["x".repeat(2 * 1024 * 1024)]
    assert.notStrictEqual(frames.encode(texts), frames.encode(texts))
  })
})
