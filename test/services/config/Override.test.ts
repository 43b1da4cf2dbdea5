import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { parseOverride } from "../../../src/services/config/Override.ts"
import type { Value } from "../../../src/services/config/Table.ts"

const Key = Schema.String.check(Schema.isPattern(/^[a-z_]{1,8}(\.[a-z_]{1,8}){0,3}$/))
/** Values with the same notation in TOML and JSON. */
const Shared = Schema.Union([Schema.Int, Schema.Boolean, Schema.Array(Schema.Int), Schema.Array(Schema.Boolean)])
const Word = Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9:/@-]{0,12}$/))

describe("parseOverride", () => {
  it.each<[string, readonly [string, Value]]>([
    ["model=gpt-5.5", ["model", "gpt-5.5"]],
    ['model="gpt-5.5"', ["model", "gpt-5.5"]],
    ["model='gpt-5.5'", ["model", "gpt-5.5"]],
    ["  model =  gpt-5.5  ", ["model", "gpt-5.5"]],
    ["a.b=true", ["a.b", true]],
    ["a.b=5", ["a.b", 5]],
    ["a=1.5", ["a", 1.5]],
    ["a=[1, 2]", ["a", [1, 2]]],
    ['a={b=1,c=["x"]}', ["a", { b: 1, c: ["x"] }]],
    ["a=", ["a", ""]],
    ["a=[1", ["a", "[1"]],
    ["a=x=y", ["a", "x=y"]],
    ["a=x # y", ["a", "x # y"]],
    ['a="x" # y', ["a", "x"]],
    ["a='q", ["a", "q"]],
    ["a=2024-01-01", ["a", "2024-01-01"]],
    ["a=x\nb=1", ["a", "x\nb=1"]],
    ['a="x"\nb=1', ["a", "x"]],
    ["use_legacy_landlock=true", ["features.use_legacy_landlock", true]]
  ])("reads %j", (argument, expected) => {
    assert.deepStrictEqual(parseOverride(argument), Result.succeed(expected))
  })

  it.each([
    ["foo", "Invalid override (missing '='): foo"],
    ["", "Invalid override (missing '='): "],
    ["=1", "Empty key in override: =1"],
    ["  =1", "Empty key in override:   =1"]
  ])("reports the error in %j", (argument, expected) => {
    assert.deepStrictEqual(parseOverride(argument), Result.fail(expected))
  })

  it.prop("parses every TOML value", [Key, Shared], ([key, value]) => {
    const written = JSON.stringify(value)
    assert.deepStrictEqual(parseOverride(`${key}=${written}`), Result.succeed([key, JSON.parse(written)]))
  })

  it.prop("accepts text without quotes", [Key, Word], ([key, word]) => {
    const expected = word === "true" ? true : word === "false" ? false : word
    // `inf` and `nan` are TOML numbers that JSON does not have.
    if (word !== "inf" && word !== "nan")
      assert.deepStrictEqual(parseOverride(`${key}=${word}`), Result.succeed([key, expected]))
  })

  it.prop("never throws, and never sets another key", [Schema.String], ([argument]) => {
    const parsed = parseOverride(argument)
    if (Result.isSuccess(parsed)) assert.strictEqual(parsed.success[0], argument.slice(0, argument.indexOf("=")).trim())
  })
})

describe("parseOverride of a value that is nested too deeply", () => {
  const refused = (argument: string) => {
    const result = parseOverride(argument)
    return Result.isFailure(result) ? result.failure : "accepted"
  }

  it.each([
    ["arrays", `a=${"[".repeat(100_000)}${"]".repeat(100_000)}`],
    ["unterminated arrays", `a=${"[".repeat(100_000)}`],
    ["inline tables", `a=${"{a=".repeat(50_000)}1${"}".repeat(50_000)}`],
    ["dotted keys in a table", `a={a${".a".repeat(50_000)}=1}`]
  ])("refuses %s", (_, argument) => {
    assert.strictEqual(refused(argument), "Override nested deeper than 127 levels: a")
  })

  it("refuses a dotted key, and repeats only its beginning", () => {
    assert.strictEqual(
      refused(`${"ab.".repeat(50_000)}c=1`),
      `Override nested deeper than 127 levels: ${"ab.".repeat(50).slice(0, 128)}`
    )
  })
})
