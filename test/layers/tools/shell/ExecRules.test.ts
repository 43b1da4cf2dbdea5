import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as ExecRules from "../../../../src/layers/tools/shell/ExecRules.ts"
import { allowPrefix } from "../../../../src/layers/tools/shell/Rules.ts"

const file = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-rules-"))),
    (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
  ),
  (home) => Path.join(home, "rules", "default.rules")
)

const listed = (path: string) =>
  Effect.provide(
    Effect.flatMap(ExecRules.ExecRules, (rules) => rules.list),
    ExecRules.layerFile(path)
  )

describe("the standing rules", () => {
  it.effect("hold at once, are written down, and hold for the next server", () =>
    Effect.gen(function* () {
      const path = yield* file
      assert.deepStrictEqual(yield* listed(path), [])
      yield* Effect.gen(function* () {
        const rules = yield* ExecRules.ExecRules
        yield* rules.allow(["touch", 'a"b'])
        yield* rules.allow([])
        yield* rules.allow(["ls"])
        assert.deepStrictEqual(yield* rules.list, [allowPrefix(["touch", 'a"b']), allowPrefix(["ls"])])
      }).pipe(Effect.provide(ExecRules.layerFile(path)))
      assert.strictEqual(
        Fs.readFileSync(path, "utf8"),
        'prefix_rule(pattern=["touch", "a\\"b"], decision="allow")\nprefix_rule(pattern=["ls"], decision="allow")\n'
      )
      assert.deepStrictEqual(yield* listed(path), [allowPrefix(["touch", 'a"b']), allowPrefix(["ls"])])
    })
  )

  it.effect("begin a line of their own in a file that does not end with one", () =>
    Effect.gen(function* () {
      const path = yield* file
      Fs.mkdirSync(Path.dirname(path))
      Fs.writeFileSync(path, "# mine")
      yield* Effect.flatMap(ExecRules.ExecRules, (rules) => rules.allow(["ls"])).pipe(
        Effect.provide(ExecRules.layerFile(path))
      )
      assert.strictEqual(Fs.readFileSync(path, "utf8"), '# mine\nprefix_rule(pattern=["ls"], decision="allow")\n')
    })
  )

  it.effect("do not count when the file is broken, nor fail where it cannot be written", () =>
    Effect.gen(function* () {
      const path = yield* file
      Fs.mkdirSync(Path.dirname(path))
      Fs.writeFileSync(path, 'prefix_rule(pattern=["ls"])\nnot a rule')
      assert.deepStrictEqual(yield* listed(path), [])
      const beyond = Path.join(path, "default.rules")
      yield* Effect.gen(function* () {
        const rules = yield* ExecRules.ExecRules
        yield* rules.allow(["ls"])
        assert.deepStrictEqual(yield* rules.list, [allowPrefix(["ls"])])
      }).pipe(Effect.provide(ExecRules.layerFile(beyond)))
    })
  )
})
