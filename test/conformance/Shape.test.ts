import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { absent, nullable, optional, U16, U32 } from "../../src/protocol/Fields.ts"
import { differences, type Direction } from "./Shape.ts"

const compare = (theirs: object, ours: Schema.Top, direction: Direction = "taken"): ReadonlyArray<string> => {
  const { definitions, schema } = Schema.toJsonSchemaDocument(ours)
  return differences({ schema: theirs, definitions: {} }, { schema, definitions }, direction)
}

const object = (properties: object, required: ReadonlyArray<string> = Object.keys(properties)) => ({
  type: "object",
  properties,
  required
})

const text = { type: "string" }
const orNull = { type: ["string", "null"] }

describe("differences", () => {
  it("finds none between two equivalent notations", () => {
    const theirs = object(
      {
        kind: {
          oneOf: [
            { type: "string", enum: ["a", "b"] },
            { type: "string", enum: ["c"] }
          ]
        },
        size: { type: "integer", format: "uint32", minimum: 0 },
        note: { anyOf: [text, { type: "null" }] },
        list: { type: "array", items: { type: "number" } },
        map: { type: "object", additionalProperties: text },
        any: true
      },
      ["kind", "size", "list", "map", "any"]
    )
    const ours = Schema.Struct({
      kind: Schema.Literals(["a", "b", "c"]),
      size: U32,
      note: optional(Schema.String),
      list: Schema.Array(Schema.Finite),
      map: Schema.Record(Schema.String, Schema.String),
      any: Schema.Json
    })
    assert.deepStrictEqual(compare(theirs, ours), [])
  })

  it("finds members that only one side has", () => {
    assert.deepStrictEqual(compare(object({ a: text }), Schema.Struct({ b: Schema.String })), [
      ".a: missing here",
      ".b: not in the release"
    ])
  })

  it("finds a different optionality or nullability in received shapes", () => {
    const theirs = object({ a: text, b: text, c: orNull, d: orNull }, ["a", "b", "c"])
    const ours = Schema.Struct({
      a: absent(Schema.String),
      b: nullable(Schema.String),
      c: Schema.String,
      d: nullable(Schema.String)
    })
    assert.deepStrictEqual(compare(theirs, ours), [
      ".a: required in the release, optional here",
      ".b: required in the release, required, nullable here",
      ".c: required, nullable in the release, required here",
      ".d: optional, nullable in the release, required, nullable here"
    ])
  })

  it("lets sent members always be present, but neither null when they never are, nor never null when they may be", () => {
    const theirs = object({ a: orNull, b: orNull, c: text, d: text, e: orNull }, [])
    const ours = Schema.Struct({
      a: nullable(Schema.String),
      b: absent(Schema.String),
      c: Schema.String,
      d: nullable(Schema.String),
      e: Schema.String
    })
    assert.deepStrictEqual(compare(theirs, ours, "sent"), [
      ".d: optional in the release, required, nullable here",
      ".e: optional, nullable in the release, required here"
    ])
  })

  it("finds other enum values, types and ranges, at any depth", () => {
    const theirs = object({
      list: {
        type: "array",
        items: object({ word: { type: "string", enum: ["a", "b"] }, count: { type: "integer" } })
      },
      port: { type: "integer", format: "uint32", minimum: 0 },
      flag: { type: "boolean" }
    })
    const ours = Schema.Struct({
      list: Schema.Array(Schema.Struct({ word: Schema.Literals(["a", "c"]), count: Schema.Finite })),
      port: U16,
      flag: Schema.String
    })
    const kinds = [".flag: a boolean in the release", ".flag: no text in the release, any text here"]
    assert.deepStrictEqual(
      [...compare(theirs, ours)].sort(),
      [
        ".list[].word: a | b in the release, a | c here",
        ".list[].count: an integer in the release",
        ".list[].count: -9007199254740991..9007199254740991 in the release, -Infinity..Infinity here",
        ".port: 0..4294967295 in the release, 0..65535 here",
        ...kinds
      ].sort()
    )
  })

  it("compares the objects of a union by their tags", () => {
    const theirs = {
      oneOf: [object({ type: { const: "a" }, x: text }), object({ type: { const: "b" } }), object({ c: text })],
      properties: { id: text },
      required: ["id"]
    }
    const ours = Schema.Union([
      Schema.Struct({ id: Schema.String, type: Schema.Literal("b") }),
      Schema.Struct({ id: Schema.String, type: Schema.Literal("a"), x: Schema.Int }),
      Schema.Struct({ id: Schema.String, type: Schema.Literal("d") })
    ])
    assert.deepStrictEqual(
      [...compare(theirs, ours)].sort(),
      [
        "(all): 1 of <c,id> in the release, 0 here",
        "(all): 0 of <type=d> in the release, 1 here",
        "<type=a>.x: any text in the release, no text here",
        "<type=a>.x: a number here"
      ].sort()
    )
  })
})
