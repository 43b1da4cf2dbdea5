import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { envelopeOf, excessOf, isTooDeep, isTooDeepValue, MaxDepth } from "../../../src/protocol/jsonrpc/JsonText.ts"

/** A value that is nested so deeply, in arrays and objects by turns. */
const nested = (depth: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { "a]}": value }
  return value
}

/** Strings that look like structure. */
const Text = Schema.Literals(["", "[[", "}]", '"', "\\", '\\"[', "é😀", '{"id":1}'])

const depthOf = (value: unknown): number =>
  typeof value !== "object" || value === null ? 0 : 1 + Math.max(0, ...Object.values(value).map(depthOf))

const Case = Schema.Struct({
  depth: Schema.Int.check(Schema.isBetween({ minimum: MaxDepth - 3, maximum: MaxDepth + 3 })),
  texts: Schema.Array(Text)
})

describe("JsonText", () => {
  it.prop("finds out how deeply any text is nested, whatever its strings hold", [Case], ([{ depth, texts }]) => {
    const value = [...texts, nested(depth - 1), ...texts]
    const text = JSON.stringify(value, null, texts.length % 3)
    assert.strictEqual(depthOf(value), depth)
    assert.strictEqual(isTooDeep(text), depth > MaxDepth)
    assert.strictEqual(isTooDeepValue(value), depth > MaxDepth)
  })

  it("needs no end of the text", () => {
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

  it("is done with a value that contains itself", () => {
    const value: Array<unknown> = []
    value.push(value, value)
    assert.isTrue(isTooDeepValue(value))
  })

  describe("the envelope of a document that is not parsed", () => {
    const Id = Schema.Union([Schema.String, Schema.Int])

    it.prop(
      "is what parsing it would give",
      [Schema.Struct({ id: Id, method: Schema.String, texts: Schema.Array(Text), last: Schema.Boolean })],
      ([{ id, last, method, texts }]) => {
        const params = { id: 99, method: "inner", texts, deep: nested(200), more: ["id", "method"] }
        const text = JSON.stringify(last ? { params, method, id } : { id, method, params }, null, texts.length % 3)
        const envelope = envelopeOf(text)
        assert.deepStrictEqual([envelope.id, envelope.method], [JSON.stringify(id), JSON.stringify(method)])
      }
    )

    it("has no id that is neither text nor an integer", () => {
      const ids = ["1.5", "null", "true", "{}", "[1]", "1e2", "12 34"].map((id) =>
        envelopeOf(`{"id":${id},"method":"m"}`)
      )
      assert.deepStrictEqual(
        ids,
        ids.map(() => ({ id: undefined, method: '"m"' }))
      )
    })

    it.prop("is found in any text at all", [Arbitrary.array(Arbitrary.schema(Text))], ([texts]) => {
      assert.isString(typeof envelopeOf(`{${texts.join("")}`).id)
    })
  })
})
