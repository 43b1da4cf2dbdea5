import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { edited } from "../../../src/services/config/ConfigWrite.ts"
import * as Document from "../../../src/services/config/Document.ts"
import { parseKeyPath, withChange } from "../../../src/services/config/KeyPath.ts"

const Key = Schema.Literals(["a", "b", "c d", "e.f", 'g"h', "_"])
const Leaf = Schema.Union([
  Schema.Boolean,
  Schema.Literals(["x", "y\n", '"', "é", ""]),
  Schema.Literals([0, -1, 1.5, 7])
])
const Setting = Schema.Union([Leaf, Schema.Array(Leaf), Schema.Record(Key, Leaf)])
const Step = Schema.Struct({
  path: Schema.NonEmptyArray(Key).check(Schema.isMaxLength(3)),
  value: Schema.Union([Setting, Schema.Null]),
  isMerged: Schema.Boolean
})

describe("a change of settings", () => {
  it.effect.prop(
    "is written so that the text has the changed settings and its comments",
    [Schema.Array(Step)],
    ([steps]) =>
      Effect.gen(function* () {
        let source = "# above\nkept = 1979-05-27T07:32:00Z # beside\n"
        let expected = Result.getOrThrow(Document.parse(source))
        for (const step of steps) {
          const change = { ...step, value: step.value }
          const wanted = withChange(expected, change)
          const text = yield* Effect.result(edited(source, [change]))
          if (Result.isFailure(wanted)) {
            assert.isTrue(Result.isFailure(text))
            continue
          }
          source = Result.getOrThrow(text)
          expected = wanted.success
          assert.deepStrictEqual(Result.getOrThrow(Document.parse(source)), expected)
        }
        assert.isTrue(source.startsWith("# above\nkept = 1979-05-27T07:32:00Z # beside\n"))
      })
  )
})

describe("a path of a setting", () => {
  for (const [text, segments] of [
    ["model", ["model"]],
    ["a.b.c", ["a", "b", "c"]],
    ['projects."/a/b.c".trust_level', ["projects", "/a/b.c", "trust_level"]],
    ['"a\\"b"', ['a"b']],
    ["x y", ["x y"]]
  ] as const) {
    it(`may be ${text}`, () => assert.deepStrictEqual(parseKeyPath(text), Result.succeed(segments)))
  }
})
