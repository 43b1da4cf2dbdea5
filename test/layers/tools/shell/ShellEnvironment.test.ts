import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import {
  Core,
  credentialsOf,
  DefaultExcludes,
  environmentOf,
  matches
} from "../../../../src/layers/tools/shell/ShellEnvironment.ts"
import { defaults, type ShellEnvironmentPolicy } from "../../../../src/services/config/Config.ts"

const policyOf = ({
  set = {},
  ...fields
}: Partial<Omit<ShellEnvironmentPolicy, "set">> & { readonly set?: Readonly<Record<string, string>> }) => ({
  ...defaults().shellEnvironmentPolicy,
  ...fields,
  set: new Map(Object.entries(set).map(([name, value]) => [name, Redacted.make(value)]))
})

const base = {
  PATH: "/bin",
  HOME: "/home/ada",
  LC_CTYPE: "C",
  FOO: "1",
  FOO1: "2",
  foo_low: "3",
  MY_API_KEY: "k",
  my_secret: "s",
  Foo_Token: "t",
  MONKEY: "m",
  OPENAI_API_KEY: "o",
  OPENAI_ORGANIZATION: "org",
  CODEX_API_KEY: "c",
  ABSENT: undefined
}

const of = (fields: Parameters<typeof policyOf>[0], credentials: ReadonlyArray<string> = []) =>
  environmentOf({ policy: policyOf(fields), base, credentials: new Set(credentials) })

const plain = { PATH: "/bin", HOME: "/home/ada", LC_CTYPE: "C", FOO: "1", FOO1: "2", foo_low: "3" }
const secrets = { MY_API_KEY: "k", my_secret: "s", Foo_Token: "t", MONKEY: "m", CODEX_API_KEY: "c" }

describe("the environment of commands", () => {
  it.each<[string, ReturnType<typeof of>, Readonly<Record<string, string>>]>([
    ["has no variable that looks like a secret", of({}), { ...plain, OPENAI_ORGANIZATION: "org" }],
    [
      "has such variables if the policy ignores the default excludes",
      of({ ignoreDefaultExcludes: true }),
      { ...plain, ...secrets, OPENAI_API_KEY: "o", OPENAI_ORGANIZATION: "org" }
    ],
    [
      "never has a credential of the server",
      of({ ignoreDefaultExcludes: true }, ["openai_api_key", "OPENAI_ORGANIZATION"]),
      { ...plain, ...secrets }
    ],
    ["starts from the core variables", of({ inherit: "core" }), { PATH: "/bin", HOME: "/home/ada", LC_CTYPE: "C" }],
    ["starts from nothing", of({ inherit: "none" }), {}],
    [
      "has no variable that is excluded, in either case",
      of({ exclude: ["foo?", "FOO_*", "OPENAI*", "OO"] }),
      { PATH: "/bin", HOME: "/home/ada", LC_CTYPE: "C", FOO: "1" }
    ],
    [
      "has the set variables, which override inherited and excluded ones",
      of({ inherit: "none", exclude: ["FOO"], set: { FOO: "set", MY_API_KEY: "set", OPENAI_API_KEY: "set" } }, [
        "OPENAI_API_KEY"
      ]),
      { FOO: "set", MY_API_KEY: "set", OPENAI_API_KEY: "set" }
    ],
    ["has only included variables", of({ includeOnly: ["path", "FO?"] }), { PATH: "/bin", FOO: "1" }],
    [
      "has no set variable that is not included",
      of({ includeOnly: ["PATH"], set: { PATH: "/usr/bin", FOO: "set" } }),
      { PATH: "/usr/bin" }
    ],
    ["has no secret that only a wildcard includes", of({ includeOnly: ["*KEY*"] }, ["OPENAI_API_KEY"]), {}],
    [
      "has the secrets that are included by name",
      of({ includeOnly: ["my_api_key", "OPENAI_API_KEY"] }, ["OPENAI_API_KEY"]),
      { MY_API_KEY: "k", OPENAI_API_KEY: "o" }
    ],
    [
      "has none of those if the policy applies the default excludes",
      of({ ignoreDefaultExcludes: false, includeOnly: ["MY_API_KEY"] }),
      {}
    ],
    ["is empty when an include matches nothing", of({ includeOnly: [""] }), {}],
    ["has no variable without a name", of({ inherit: "none", set: { "": "nothing", "A.B": "dot" } }), { "A.B": "dot" }]
  ])("%s", (_, environment, expected) => {
    assert.deepStrictEqual({ ...environment }, { ...expected })
  })

  it("omits the credentials of every provider and of the server itself", () => {
    const { providers } = defaults()
    const openai = providers["openai"]
    assert(openai !== undefined)
    const own = { ...openai, id: "own", envKey: "OWN_PASS", envHeaders: { "x-auth": "OWN_HEADER" } }
    assert.deepStrictEqual(Array.from(credentialsOf({ ...providers, own })).sort(), [
      "CODEX_API_KEY",
      "OPENAI_API_KEY",
      "OPENAI_ORGANIZATION",
      "OPENAI_PROJECT",
      "OTEL_EXPORTER_OTLP_HEADERS",
      "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
      "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
      "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
      "OWN_HEADER",
      "OWN_PASS"
    ])
  })
})

describe("any environment of commands", () => {
  // Few letters, so that patterns match names.
  const Name = Schema.Literals(["A", "a", "KEY", "aKEYa", "token", "SECRET_A", "PATH", "HOME", "AB", "ba", "*", "A?"])
  const Pattern = Schema.Literals(["*", "?", "", "a*", "*a", "*A*", "A?", "KEY", "akeya", "P?TH", "**", "to*n", "A\\?"])
  const Bindings = Schema.Record(Name, Schema.Literals(["base", "other"]))
  const Policy = Schema.Struct({
    inherit: Schema.Literals(["all", "core", "none"]),
    ignoreDefaultExcludes: Schema.NullOr(Schema.Boolean),
    exclude: Schema.Array(Pattern),
    set: Bindings,
    includeOnly: Schema.Array(Pattern),
    useProfile: Schema.Boolean
  })
  /** The model of a pattern. */
  const reference = (pattern: string): RegExp =>
    new RegExp(
      `^${pattern
        .replaceAll(/[\\^$.|+()[\]{}]/g, "\\$&")
        .replaceAll("*", "[^]*")
        .replaceAll("?", "[^]")}$`,
      "i"
    )
  const anyOf = (patterns: ReadonlyArray<string>, name: string) => patterns.some((one) => reference(one).test(name))

  it.prop(
    "follows the policy for every variable",
    [Policy, Bindings, Schema.Array(Name)],
    ([policy, base, credentials]) => {
      const environment = environmentOf({ policy: policyOf(policy), base, credentials: new Set(credentials) })
      const same = (left: string) => (right: string) => left.toUpperCase() === right.toUpperCase()
      const isInherited = (name: string): boolean => {
        const named = policy.includeOnly.some(same(name))
        const defaults = policy.ignoreDefaultExcludes ?? named
        return (
          (policy.inherit === "all" || (policy.inherit === "core" && Core.has(name))) &&
          (defaults || !anyOf(DefaultExcludes, name)) &&
          (named || !credentials.some(same(name))) &&
          !anyOf(policy.exclude, name)
        )
      }
      const inherited = Object.entries(base).filter(([name]) => isInherited(name))
      const expected = [...inherited, ...Object.entries(policy.set)].filter(
        ([name]) => policy.includeOnly.length === 0 || anyOf(policy.includeOnly, name)
      )
      assert.deepStrictEqual(environment, Object.fromEntries(expected))
    }
  )

  it.prop("matches patterns like a regular expression", [Schema.String, Pattern, Name], ([text, pattern, name]) => {
    assert.strictEqual(matches(pattern, name), reference(pattern).test(name))
    assert.isTrue(matches("*", text))
  })

  it("matches a pattern with many wildcards quickly", () => {
    assert.isFalse(matches(`${"*a".repeat(200)}b`, "a".repeat(5000)))
  })
})
