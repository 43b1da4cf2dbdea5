import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as NodeSmallFiles from "../../../../src/layers/files/NodeSmallFiles.ts"
import * as FileExecRules from "../../../../src/layers/tools/shell/FileExecRules.ts"
import { allowPrefix } from "../../../../src/layers/tools/shell/Rules.ts"
import { ExecRules, type Rule, RulesUnavailable } from "../../../../src/services/tool/ExecRules.ts"

const home = Effect.acquireRelease(
  Effect.sync(() => Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-rules-")))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
)

const layerMemory = () => FileExecRules.layerMemory().pipe(Layer.provide(NodeSmallFiles.layer))
const layerFile = (path: string) => FileExecRules.layerFile(path).pipe(Layer.provide(NodeSmallFiles.layer))

const forbid = (word: string): Rule => ({ pattern: [[word]], decision: "forbidden", justification: null })
const forbidding = (word: string): string => `prefix_rule(pattern=["${word}"], decision="forbidden")\n`
const allowing = (word: string): string => `prefix_rule(pattern=["${word}"])\n`

const put = (folder: string, files: Readonly<Record<string, string>>): void => {
  Fs.mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) Fs.writeFileSync(Path.join(folder, name), text)
}

const configOf = (folder: string, requirementRules: unknown = null) => ({
  ruleFolders: [{ path: Path.join(folder, "rules"), mayAllow: true }],
  requirementRules
})

const opened = (config: Parameters<ExecRules["Service"]["open"]>[0], layer = layerMemory()) =>
  Effect.flatMap(ExecRules, (rules) => rules.open(config)).pipe(Effect.provide(layer))

const listed = (folder: string) => Effect.map(opened(configOf(folder)), ({ current }) => current().rules)

const refusal = (folder: string) => Effect.map(Effect.flip(opened(configOf(folder))), ({ detail }) => detail)

describe("the stored rules", () => {
  it.effect("apply at once, are written, and apply in the next server", () =>
    Effect.gen(function* () {
      const folder = yield* home
      const path = Path.join(folder, "rules", "default.rules")
      assert.deepStrictEqual(yield* listed(folder), [])
      yield* Effect.gen(function* () {
        const rules = yield* ExecRules
        const before = yield* rules.open(configOf(folder))
        yield* rules.allow(["touch", 'a"b\n\\é'])
        yield* rules.allow([])
        yield* rules.allow(["ls"])
        yield* rules.allow(["ls"])
        const expected = [allowPrefix(["touch", 'a"b\n\\é']), allowPrefix(["ls"])]
        assert.deepStrictEqual(before.current().rules, [...expected, allowPrefix(["ls"])])
        assert.deepStrictEqual((yield* rules.open(configOf(folder))).current().rules, expected)
      }).pipe(Effect.provide(layerFile(path)))
      assert.strictEqual(
        Fs.readFileSync(path, "utf8"),
        'prefix_rule(pattern=["touch", "a\\"b\\n\\\\\\u00e9"], decision="allow")\nprefix_rule(pattern=["ls"], decision="allow")\n'
      )
      assert.strictEqual(Fs.statSync(path).mode & 0o777, 0o600)
    })
  )

  it.effect("start on a new line in a file without a final line end, also behind a link", () =>
    Effect.gen(function* () {
      const folder = yield* home
      put(folder, { mine: "# mine" })
      put(Path.join(folder, "rules"), {})
      const path = Path.join(folder, "rules", "default.rules")
      Fs.symlinkSync("../mine", path)
      yield* Effect.flatMap(ExecRules, (rules) => rules.allow(["ls"])).pipe(Effect.provide(layerFile(path)))
      assert.strictEqual(
        Fs.readFileSync(Path.join(folder, "mine"), "utf8"),
        '# mine\nprefix_rule(pattern=["ls"], decision="allow")\n'
      )
      assert.isTrue(Fs.lstatSync(path).isSymbolicLink())
    })
  )

  it.effect("are all written when two servers write concurrently", () =>
    Effect.gen(function* () {
      const folder = yield* home
      const path = Path.join(folder, "rules", "default.rules")
      const write = (name: string) =>
        Effect.flatMap(ExecRules, (rules) =>
          Effect.forEach(
            Array.from({ length: 20 }, (_, index) => `${name}${index}`),
            (word) => rules.allow([word]),
            {
              concurrency: "unbounded"
            }
          )
        ).pipe(Effect.provide(Effect.runSync(Effect.succeed(layerFile(path))), { local: true }))
      yield* Effect.all([write("a"), write("b")], { concurrency: 2 })
      assert.strictEqual((yield* listed(folder)).length, 40)
    })
  )

  it.effect("that cannot be written apply until the server stops", () =>
    Effect.gen(function* () {
      const folder = yield* home
      put(folder, { rules: "" })
      yield* Effect.gen(function* () {
        const rules = yield* ExecRules
        yield* rules.allow(["ls"])
        const { current } = yield* rules.open({ ruleFolders: [], requirementRules: null })
        assert.deepStrictEqual(current().rules, [allowPrefix(["ls"])])
      }).pipe(Effect.provide(layerFile(Path.join(folder, "rules", "default.rules"))))
    })
  )

  it.effect("come from every file of every folder, and an edited file applies from the next thread on", () =>
    Effect.gen(function* () {
      const folder = yield* home
      put(Path.join(folder, "rules"), { "b.rules": forbidding("b"), "a.rules": forbidding("a"), "c.txt": "no" })
      const { current } = yield* opened(configOf(folder))
      assert.deepStrictEqual(current(), {
        rules: [forbid("a"), forbid("b")],
        hostExecutables: new Map(),
        incomplete: false
      })
      put(Path.join(folder, "rules"), { "a.rules": forbidding("z") })
      assert.deepStrictEqual(current().rules, [forbid("a"), forbid("b")])
      assert.deepStrictEqual(yield* listed(folder), [forbid("z"), forbid("b")])
    })
  )

  it.effect("of a project without a trust decision forbid but do not allow", () =>
    Effect.gen(function* () {
      const folder = yield* home
      put(Path.join(folder, "rules"), {
        "a.rules": `${forbidding("a")}${allowing("b")}host_executable(name="b", paths=["/tmp/b"])`
      })
      const config = { ruleFolders: [{ path: Path.join(folder, "rules"), mayAllow: false }], requirementRules: null }
      const { current } = yield* opened(config)
      assert.deepStrictEqual(current(), { rules: [forbid("a")], hostExecutables: new Map(), incomplete: false })
    })
  )

  it.effect.each([
    ["../../../outside.rules", "it is a link to a file outside the project"],
    ["../../text.rules", undefined]
  ] as const)("of a project are not read through a link that leaves it: %s", ([target, why]) =>
    Effect.gen(function* () {
      const folder = yield* home
      const within = Path.join(folder, "project")
      const rules = Path.join(within, ".codex/rules")
      const path = Path.join(rules, "a.rules")
      put(rules, {})
      put(folder, { "outside.rules": forbidding("a") })
      put(within, { "text.rules": forbidding("a") })
      Fs.symlinkSync(target, path)
      const configOf = (mayAllow: boolean) => ({
        ruleFolders: [{ path: rules, mayAllow, within }],
        requirementRules: null
      })
      const undecided = yield* opened(configOf(false))
      const trusted = yield* Effect.match(opened(configOf(true)), {
        onSuccess: ({ current }) => current().rules,
        onFailure: ({ detail }) => detail
      })
      const found = [forbid("a")]
      const problem = `failed to read rules file ${path}: ${why}`
      assert.deepStrictEqual(
        [undecided.current().rules, undecided.warnings.map(({ details }) => details), trusted],
        why === undefined ? [found, [], found] : [[], [problem], `failed to load rules: ${problem}`]
      )
    })
  )

  it.effect("of an invalid file are ignored with a warning, and the set is then incomplete", () =>
    Effect.gen(function* () {
      const folder = yield* home
      put(Path.join(folder, "rules"), { "a.rules": forbidding("a"), "b.rules": `${forbidding("b")}any a rule` })
      const path = Path.join(folder, "rules", "b.rules")
      const { current, warnings } = yield* opened(configOf(folder))
      assert.deepStrictEqual(current(), { rules: [forbid("a")], hostExecutables: new Map(), incomplete: true })
      const at = { line: 2, column: 5 }
      assert.deepStrictEqual(warnings, [
        {
          summary: "Error parsing rules; custom rules not applied.",
          details: `failed to parse rules file ${path}: unexpected \`a\`, expected a new line\n --> ${path}:2:5`,
          path,
          range: { start: at, end: at }
        }
      ])
    })
  )

  it.effect("of a file beyond a limit refuse the thread, or prompt in a project without a trust decision", () =>
    Effect.gen(function* () {
      const folder = yield* home
      const rules = Path.join(folder, "rules")
      const path = Path.join(rules, "a.rules")
      const texts: ReadonlyArray<readonly [text: string, detail: string]> = [
        [`x = ${"[".repeat(5000)}${"]".repeat(5000)}`, "nested deeper than 64 levels (line 1, column 68)"],
        ["x = [y for y in range(300000)]", "more than 200000 steps (line 1, column 6)"],
        [forbidding("z").repeat(10_001), "more than 10000 rules (line 10001, column 1)"]
      ]
      for (const [text, detail] of texts) {
        put(rules, { "a.rules": `${text}\n${forbidding("b")}` })
        assert.strictEqual(yield* refusal(folder), `failed to load rules: failed to read rules file ${path}: ${detail}`)
        const untrusted = { ruleFolders: [{ path: rules, mayAllow: false }], requirementRules: null }
        assert.isTrue((yield* opened(untrusted)).current().incomplete)
      }
    })
  )

  it.effect("that are required are marked, and included with the others", () =>
    Effect.gen(function* () {
      const folder = yield* home
      const demanded = {
        prefix_rules: [
          { pattern: [{ token: "git" }, { any_of: ["push", "fetch"] }], decision: "prompt", justification: "why" },
          { pattern: [{ token: "df" }], decision: "prompt-user" }
        ]
      }
      const { current } = yield* opened(configOf(folder, demanded))
      assert.deepStrictEqual(current().rules, [
        { pattern: [["git"], ["push", "fetch"]], decision: "prompt", justification: "why", required: true },
        { pattern: [["df"]], decision: "prompt", justification: null, required: true, needsUser: true }
      ])
    })
  )

  const unreadable: ReadonlyArray<readonly [name: string, make: (rules: string) => void, detail: string]> = [
    ["a folder", (rules) => Fs.mkdirSync(Path.join(rules, "a.rules")), "rules file @/a.rules: not a regular file"],
    [
      "a named pipe",
      (rules) => execFileSync("mkfifo", [Path.join(rules, "a.rules")]),
      "rules file @/a.rules: not a regular file"
    ],
    [
      "a device",
      (rules) => Fs.symlinkSync("/dev/zero", Path.join(rules, "a.rules")),
      "rules file @/a.rules: not a regular file"
    ],
    [
      "a loop of links",
      (rules) => Fs.symlinkSync("a.rules", Path.join(rules, "a.rules")),
      "rules file @/a.rules: Symbolic link loop (os error 40)"
    ],
    [
      "a link to nothing",
      (rules) => Fs.symlinkSync("nothing", Path.join(rules, "a.rules")),
      "rules file @/a.rules: No such file or directory (os error 2)"
    ],
    [
      "a huge file",
      (rules) => {
        put(rules, { "a.rules": "" })
        Fs.truncateSync(Path.join(rules, "a.rules"), 3e9)
      },
      "rules file @/a.rules: larger than 1048576 bytes"
    ],
    [
      "a file that is not text",
      (rules) => Fs.writeFileSync(Path.join(rules, "a.rules"), Uint8Array.of(0x61, 0xff)),
      "rules file @/a.rules: stream did not contain valid UTF-8"
    ],
    [
      "too many files",
      (rules) => put(rules, Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`${index}.rules`, ""]))),
      "rules files from @: more than 64 files of rules"
    ],
    [
      "a file in place of the folder",
      (rules) => {
        Fs.rmdirSync(rules)
        Fs.writeFileSync(rules, "")
      },
      "rules files from @: Not a directory (os error 20)"
    ]
  ]
  it.effect.each(unreadable)("refuse the thread when there is %s", ([, make, detail]) =>
    Effect.gen(function* () {
      const folder = yield* home
      const rules = Path.join(folder, "rules")
      put(rules, {})
      make(rules)
      assert.strictEqual(yield* refusal(folder), `failed to load rules: failed to read ${detail.replace("@", rules)}`)
    })
  )

  it("have an error that names what was not started", () => {
    assert.strictEqual(
      new RulesUnavailable({ detail: "failed to load rules: x" }).message,
      "error creating thread: Fatal error: failed to load rules: x"
    )
  })
})
