import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { envelopeOf, excessOf, isTooDeep, isTooDeepValue, MaxDepth } from "../../../src/protocol/jsonrpc/JsonText.ts"

/** A value nested to this depth, with arrays and objects in alternation. */
const nested = (depth: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { "a]}": value }
  return value
}

/** Strings that contain structural characters. */
const Text = Schema.Literals(["", "[[", "}]", '"', "\\", '\\"[', "é😀", '{"id":1}'])

const depthOf = (value: unknown): number =>
  typeof value !== "object" || value === null ? 0 : 1 + Math.max(0, ...Object.values(value).map(depthOf))

const Case = Schema.Struct({
  depth: Schema.Int.check(Schema.isBetween({ minimum: MaxDepth - 3, maximum: MaxDepth + 3 })),
  texts: Schema.Array(Text)
})

describe("JsonText", () => {
  it.prop("measures the depth of any text, whatever its strings contain", [Case], ([{ depth, texts }]) => {
    const value = [...texts, nested(depth - 1), ...texts]
    const text = JSON.stringify(value, null, texts.length % 3)
    assert.strictEqual(depthOf(value), depth)
    assert.strictEqual(isTooDeep(text), depth > MaxDepth)
    assert.strictEqual(isTooDeepValue(value), depth > MaxDepth)
  })

  it("detects the excess in an incomplete text", () => {
    assert.isTrue(isTooDeep("[".repeat(10_000_000)))
    assert.isTrue(isTooDeep('{"a":'.repeat(MaxDepth + 1)))
    assert.isFalse(isTooDeep(`"${"[".repeat(1000)}`))
  })

  it("counts levels, not brackets", () => {
    assert.isFalse(isTooDeep(`[${"[],{},".repeat(10_000)}0]`))
    assert.isFalse(isTooDeepValue(Array.from({ length: 10_000 }, () => [{}])))
  })

  it("counts values", () => {
    const text = JSON.stringify(Array.from({ length: 300 }, () => "a,b,c"))
    assert.isUndefined(excessOf(text, 300))
    assert.strictEqual(excessOf(text, 299), "values")
  })

  it("terminates on a value that contains itself", () => {
    const value: Array<unknown> = []
    value.push(value, value)
    assert.isTrue(isTooDeepValue(value))
  })

  describe("the envelope of a document that is not parsed", () => {
    const Id = Schema.Union([Schema.String, Schema.Int])

    it.prop(
      "equals the members that JSON.parse finds",
      [Schema.Struct({ id: Id, method: Schema.String, texts: Schema.Array(Text), last: Schema.Boolean })],
      ([{ id, last, method, texts }]) => {
        const params = { id: 99, method: "inner", texts, deep: nested(200), more: ["id", "method"] }
        const text = JSON.stringify(last ? { params, method, id } : { id, method, params }, null, texts.length % 3)
        const envelope = envelopeOf(text)
        assert.deepStrictEqual([envelope.id, envelope.method], [JSON.stringify(id), JSON.stringify(method)])
      }
    )

    it("has no id when the id is neither a string nor an integer", () => {
      const ids = ["1.5", "null", "true", "{}", "[1]", "1e2", "12 34"].map((id) =>
        envelopeOf(`{"id":${id},"method":"m"}`)
      )
      assert.deepStrictEqual(
        ids,
        ids.map(() => ({ id: undefined, method: '"m"' }))
      )
    })

    it.prop("is found in any text", [Arbitrary.array(Arbitrary.schema(Text))], ([texts]) => {
      assert.isString(typeof envelopeOf(`{${texts.join("")}`).id)
    })
  })
})
