import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Base64 from "../../../src/layers/handlers/Base64.ts"

describe("Base64", () => {
  it.prop("decodes what it encoded", [Schema.Uint8Array], ([bytes]) => {
    const decoded = Base64.decode(Base64.encode(bytes))
    assert.deepStrictEqual(
      Result.map(decoded, (read) => Array.from(read)),
      Result.succeed(Array.from(bytes))
    )
  })

  it.prop("accepts a text only if encoding its bytes gives the text again", [Schema.String], ([text]) => {
    const decoded = Base64.decode(text)
    if (Result.isSuccess(decoded)) assert.strictEqual(Base64.encode(decoded.success), text)
    else assert.notStrictEqual(Buffer.from(text, "base64").toString("base64") === text && text.length % 4 === 0, true)
  })

  // As the released server answered.
  for (const [text, fault] of [
    ["***", "Invalid symbol 42, offset 0."],
    ["aGk", "Invalid padding"],
    ["aGk=\n", "Invalid symbol 10, offset 4."],
    ["aGk==", "Invalid symbol 61, offset 3."],
    ["a-_=", "Invalid symbol 45, offset 1."],
    ["====", "Invalid symbol 61, offset 0."],
    ["aG k=", "Invalid symbol 32, offset 2."],
    ["aGl=", "Invalid last symbol 108, offset 2."]
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.deepStrictEqual(Base64.decode(text), Result.fail(fault)))
  }
})
