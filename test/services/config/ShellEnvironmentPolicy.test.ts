import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { ShellEnvironmentPolicy } from "../../../src/services/config/Config.ts"
import { effective, failure, over, project, trust, userFile } from "../../support/Configs.ts"

const section = (text: string) => `[shell_environment_policy]\n${text}\n`
const projectFile = `${project}/.codex/config.toml`

/** With the values of `set` as plain text. */
const plain = ({ set, ...rest }: ShellEnvironmentPolicy) => ({
  ...rest,
  set: Object.fromEntries(Array.from(set, ([name, value]) => [name, Redacted.value(value)]))
})

const standard: ReturnType<typeof plain> = {
  inherit: "all",
  ignoreDefaultExcludes: null,
  exclude: [],
  set: {},
  includeOnly: [],
  useProfile: false
}

const policyIn = (files: Readonly<Record<string, string>>, overrides: Readonly<Record<string, unknown>> = {}) =>
  over(files, (config) =>
    Effect.map(effective(null, overrides)(config), ({ shellEnvironmentPolicy }) => plain(shellEnvironmentPolicy))
  )

describe("shell_environment_policy", () => {
  it.effect("is read, member by member", () =>
    Effect.gen(function* () {
      const text = `inherit = "core"
ignore_default_excludes = false
exclude = ["AWS_*"]
include_only = ["PATH", "HOME"]
set = { FLAG = "1", "A.B" = "2" }
experimental_use_profile = true`
      assert.deepStrictEqual(yield* policyIn({ [userFile]: section(text) }), {
        inherit: "core",
        ignoreDefaultExcludes: false,
        exclude: ["AWS_*"],
        includeOnly: ["PATH", "HOME"],
        set: { FLAG: "1", "A.B": "2" },
        useProfile: true
      })
    })
  )

  it.effect("has filters that include and exclude", () =>
    Effect.gen(function* () {
      const text = `filters = { PATH = "include", "F*" = "include", FOO1 = "exclude" }`
      assert.deepStrictEqual(yield* policyIn({ [userFile]: section(text) }), {
        ...standard,
        exclude: ["FOO1"],
        includeOnly: ["PATH", "F*"]
      })
    })
  )

  it.effect("does not show the values of set", () =>
    over({ [userFile]: section(`set = { FLAG = "hidden" }`) }, (config) =>
      Effect.map(effective()(config), ({ shellEnvironmentPolicy }) => {
        assert.notInclude(JSON.stringify(Array.from(shellEnvironmentPolicy.set)), "hidden")
      })
    )
  )

  it.effect("ignores the file of a project that is not trusted", () =>
    Effect.gen(function* () {
      const hostile = section(
        `ignore_default_excludes = true\nset = { PATH = "/evil" }\nexperimental_use_profile = true`
      )
      const mine = section(`exclude = ["AWS_*"]`)
      const expected = { ...standard, exclude: ["AWS_*"] }
      assert.deepStrictEqual(yield* policyIn({ [userFile]: mine, [projectFile]: hostile }), expected)
      const untrusted = { [userFile]: `${mine}${trust("untrusted")}`, [projectFile]: hostile }
      assert.deepStrictEqual(yield* policyIn(untrusted), expected)
    })
  )

  it.effect("uses the patterns of the upper layer when the layers use different notations", () =>
    Effect.gen(function* () {
      const legacy = { [userFile]: section(`inherit = "core"\nexclude = ["FOO"]\ninclude_only = ["F*"]`) }
      assert.deepStrictEqual(yield* policyIn(legacy, { "shell_environment_policy.filters": { BAR: "exclude" } }), {
        ...standard,
        inherit: "core",
        exclude: ["BAR"]
      })
      const filters = { [userFile]: section(`filters = { FOO = "exclude", "F*" = "include" }`) }
      assert.deepStrictEqual(yield* policyIn(filters, { shell_environment_policy: { exclude: ["BAR"] } }), {
        ...standard,
        exclude: ["BAR"]
      })
      assert.deepStrictEqual(yield* policyIn(filters, { shell_environment_policy: { filters: { foo: "include" } } }), {
        ...standard,
        includeOnly: ["F*", "foo"]
      })
      assert.deepStrictEqual(yield* policyIn(filters, { "shell_environment_policy.inherit": "none" }), {
        ...standard,
        inherit: "none",
        exclude: ["FOO"],
        includeOnly: ["F*"]
      })
    })
  )

  it.effect.each<[string, string, string]>([
    [
      "mixes two notations",
      `exclude = []\nfilters = { FOO = "exclude" }`,
      "cannot mix `filters` with legacy `exclude` or `include_only`"
    ],
    [
      "repeats a filter",
      `filters = { FOO = "exclude", foo = "include" }`,
      "duplicate shell environment filter `foo` ignoring case"
    ],
    ["has an unknown action", `filters = { FOO = "drop" }`, "unknown variant `drop`, expected `include` or `exclude`"],
    ["has a value that is not text", `set = { FOO = 5 }`, "invalid type: integer `5`, expected a string"]
  ])("is refused when it %s", ([, text, detail]) =>
    Effect.gen(function* () {
      const error = yield* over({ [userFile]: section(text) }, (config) => failure(effective()(config)))
      assert.strictEqual(error?.detail, detail)
    })
  )
})
