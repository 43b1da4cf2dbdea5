import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { MaxDepth } from "../../../src/protocol/jsonrpc/Depth.ts"
import * as Document from "../../../src/services/config/Document.ts"

/** Fragments of TOML, in any order. */
const Noise = Arbitrary.map(
  Arbitrary.array(
    Arbitrary.schema(
      Schema.Literals(["a", "=", " ", "\n", "[", "]", "'", ".", ",", "{", "}", "#", "1", "true", "\\", "é", "\r", '"'])
    )
  ),
  (parts) => parts.join("")
)

const range = (line: number, start: number, end: number) => ({
  start: { line, column: start },
  end: { line, column: end }
})

describe("parse", () => {
  it("returns plain tables, with dates as text", () => {
    assert.deepStrictEqual(
      Document.parse('a = 1\n[t]\n"x.y" = ["z", { b = true }]\nd = 1979-05-27T07:32:00Z\nl = 1979-05-27\n'),
      Result.succeed({ a: 1, t: { "x.y": ["z", { b: true }], d: "1979-05-27T07:32:00.000Z", l: "1979-05-27" } })
    )
  })

  const unquoted = "string values must be quoted, expected literal string"
  it.each<[string, string, string, ReturnType<typeof range>]>([
    ["a missing value", "model = \n", unquoted, range(1, 9, 9)],
    ["a text without quotes", "a = 1\nmodel = gpt\n", unquoted, range(2, 9, 11)],
    ["an unterminated string", 'model = "a\n', 'invalid basic string, expected `"`', range(1, 11, 11)],
    ["an unterminated header", "[a\n", "unclosed table, expected `]`", range(1, 3, 3)],
    ["a missing key", "= 1\n", "unquoted keys cannot be empty, expected letters, numbers, `-`, `_`", range(1, 1, 1)],
    ["a key set twice", "a = 1\n  a = 2\n", "duplicate key", range(2, 3, 3)],
    ["a table made twice", "[a]\n[b]\n[a]\n", "duplicate key", range(3, 2, 2)],
    ["the parser's text for any other error", 'a = "\\q"\n', "invalid escape '\\q'", range(1, 8, 8)]
  ])("locates and describes the error: %s", (_, source, detail, where) => {
    assert.deepStrictEqual(Document.parse(source), Result.fail({ detail, range: where }))
  })

  it.prop("never throws", [Noise], ([source]) => {
    const parsed = Document.parse(source)
    if (Result.isFailure(parsed)) assert.isAtLeast(parsed.failure.range.start.line, 1)
  })
})

describe("locate", () => {
  const source = [
    "# a comment",
    'model = "x" # said twice: model = "y"',
    "[model_providers.mock]",
    'name = "m"',
    "http_headers = { a = 1 }",
    '[projects."/a.b"]',
    'trust_level = "bogus"',
    "[t]",
    "u.v = 3"
  ].join("\n")

  it.each<[string, ReadonlyArray<string>, ReturnType<typeof range> | undefined]>([
    ["a value at the top", ["model"], range(2, 9, 11)],
    ["a value in a table", ["model_providers", "mock", "name"], range(4, 8, 10)],
    ["the inline table that contains it", ["model_providers", "mock", "http_headers", "a"], range(5, 16, 24)],
    ["a value under a quoted key", ["projects", "/a.b", "trust_level"], range(7, 15, 21)],
    ["a dotted key", ["t", "u", "v"], range(9, 7, 7)],
    ["the table, for a key that is missing in it", ["model_providers", "mock", "base_url"], range(3, 2, 21)],
    ["the part of a header that is the table", ["model_providers"], range(3, 2, 16)],
    ["undefined, for a path that does not occur", ["nowhere"], undefined]
  ])("finds %s", (_, path, expected) => {
    assert.deepStrictEqual(Document.locate(source, path), expected)
  })
})

describe("a text that is nested too deeply", () => {
  const deep = (levels: number, open: string, close: string) => `a = ${open.repeat(levels)}1${close.repeat(levels)}`
  const refused = (source: string) => {
    const result = Document.parse(source)
    return Result.isFailure(result) ? [result.failure.detail, result.failure.range.start.line] : "parsed"
  }
  const tooDeep = `nested deeper than ${MaxDepth} levels`

  it.each([
    ["arrays", `# [\n${deep(100_000, "[", "]")}`, 2],
    ["inline tables", `b = "[[["\n\n${deep(50_000, "{a=", "}")}`, 3],
    ["arrays that the parser can read", `b = 1\n${deep(MaxDepth + 1, "[", "]")}`, 2],
    ["behind brackets in a multi-line string", `t = '''\n[[{\n'''\n${deep(100_000, "[", "]")}`, 4],
    ["dotted keys", `b = 1\na${".a".repeat(50_000)} = 1`, 2],
    ["headers", `[b]\n\n[a${".a".repeat(50_000)}]\nc = 1`, 4]
  ])("is refused, with its line: %s", (_, source, line) => {
    assert.deepStrictEqual(refused(source), [tooDeep, line])
  })

  it("is one level deeper than the accepted depth", () => {
    assert.strictEqual(refused(deep(MaxDepth - 1, "[", "]")), "parsed")
    assert.deepStrictEqual(refused(deep(MaxDepth, "[", "]")), [tooDeep, 1])
  })
})
