import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Table from "../../../src/services/config/Table.ts"

const Leaf = Schema.Literals([1, 2, 3])
const List = Schema.Array(Leaf)

/** Tables in which a key is either always a table or never one, like settings. */
const Settings = Schema.Struct({
  a: Schema.optionalKey(Leaf),
  list: Schema.optionalKey(List),
  t: Schema.optionalKey(
    Schema.Struct({
      a: Schema.optionalKey(Leaf),
      b: Schema.optionalKey(Leaf),
      u: Schema.optionalKey(Schema.Struct({ a: Schema.optionalKey(Leaf), list: Schema.optionalKey(List) }))
    })
  )
})

const Any = Schema.Record(Schema.String, Schema.Json)

describe("merge", () => {
  it.prop("is associative", [Settings, Settings, Settings], ([a, b, c]) => {
    assert.deepStrictEqual(Table.merge(Table.merge(a, b), c), Table.merge(a, Table.merge(b, c)))
  })

  it.prop("changes nothing when the upper or the lower layer is empty", [Any], ([table]) => {
    assert.deepStrictEqual(Table.merge(table, {}), table)
    assert.deepStrictEqual(Table.merge({}, table), table)
  })

  it.prop("keeps every setting of the upper layer", [Any, Any], ([under, over]) => {
    const merged = Table.merge(under, over)
    for (const [key, value] of Object.entries(over)) {
      if (!Table.isTable(value)) assert.deepStrictEqual(Table.get(merged, key), value)
    }
    for (const [key, value] of Object.entries(under)) {
      if (!Object.hasOwn(over, key)) assert.deepStrictEqual(Table.get(merged, key), value)
    }
  })

  it("replaces arrays whole and tables by scalars", () => {
    assert.deepStrictEqual(
      Table.merge({ list: [1, 2, 3], t: { a: 1, b: 2 }, s: { x: 1 } }, { list: [4], t: { b: 3 }, s: 5 }),
      { list: [4], t: { a: 1, b: 3 }, s: 5 }
    )
  })

  it("treats __proto__ as an ordinary key", () => {
    const hostile = Table.tableFromUnknown(JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"x": 1}}'))
    const merged = Table.merge({ a: 1 }, hostile)
    assert.deepStrictEqual(Object.keys(merged), ["a", "__proto__", "constructor"])
    assert.strictEqual(Reflect.get({}, "polluted"), undefined)
    assert.strictEqual(Table.get({}, "__proto__"), undefined)
  })
})

describe("fromDotted", () => {
  it.each<[string, ReadonlyArray<readonly [string, unknown]>, Table.Table]>([
    ["nests by dots", [["a.b.c", 1]], { a: { b: { c: 1 } } }],
    [
      "merges settings below one key",
      [
        ["a.b", 1],
        ["a.c", 2]
      ],
      { a: { b: 1, c: 2 } }
    ],
    [
      "lets a later value replace a table",
      [
        ["a.b", 1],
        ["a", 2]
      ],
      { a: 2 }
    ],
    [
      "lets a later table replace a table",
      [
        ["a.b", 1],
        ["a", { c: 2 }]
      ],
      { a: { c: 2 } }
    ],
    [
      "lets a later path replace a value",
      [
        ["a", 1],
        ["a.b", 2]
      ],
      { a: { b: 2 } }
    ],
    ["does not interpret quotes", [['a."b.c"', 1]], { a: { '"b': { 'c"': 1 } } }],
    ["keeps empty parts", [["a..b", 1]], { a: { "": { b: 1 } } }],
    [
      "skips null and undefined",
      [
        ["a", null],
        ["b", undefined],
        ["c", 1]
      ],
      { c: 1 }
    ]
  ])("%s", (_, entries, expected) => {
    assert.deepStrictEqual(Table.fromDotted(entries), expected)
  })

  it("adds to a table that was given as a value, without modifying that value", () => {
    const given = { b: 1 }
    assert.deepStrictEqual(
      Table.fromDotted([
        ["a", given],
        ["a.c", 2]
      ]),
      { a: { b: 1, c: 2 } }
    )
    assert.deepStrictEqual(given, { b: 1 })
  })
})

describe("leaves", () => {
  it("lists every setting down to array elements, and nothing for empty values", () => {
    assert.deepStrictEqual(
      Table.leaves({ a: 1, t: { "x.y": { z: "s" }, none: {} }, list: [1, { b: 2 }, []], gone: null }),
      ["a", "t.x.y.z", "list.0", "list.1.b", "gone"]
    )
  })
})

describe("canonical", () => {
  /**
   * `JSON.parse` of Node 24 can misread an escaped key as an earlier key that contains a backslash. The keys here have no
   * backslash, so that the property depends on its input only.
   */
  const plainKeys = (value: Table.Value): Table.Value => {
    if (Array.isArray(value)) return value.map(plainKeys)
    if (!Table.isTable(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key.replaceAll("\\", "/"), plainKeys(member)])
    )
  }

  it.prop("is JSON of the same value", [Any], ([any]) => {
    const table = plainKeys(any)
    assert.deepStrictEqual(JSON.parse(Table.canonical(table)), JSON.parse(JSON.stringify(table)))
  })

  it("writes keys as JSON does, sorted by their UTF-16 units", () => {
    assert.strictEqual(
      Table.canonical({ "\\": 1, "\t": -0, '"': [], "": {}, "10": null, "9": "\\", "\ud800": true }),
      String.raw`{"":{},"\t":0,"\"":[],"10":null,"9":"\\","\\":1,"\ud800":true}`
    )
  })

  it.prop("does not depend on the order of keys", [Any], ([table]) => {
    assert.strictEqual(Table.canonical(Object.fromEntries(Object.entries(table).toReversed())), Table.canonical(table))
  })
})
