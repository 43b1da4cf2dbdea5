/**
 * Which variables of the server a command sees.
 *
 * @module
 */
import type { Case, World } from "../Case.ts"

const values: ReadonlyArray<string> = [
  "OPENAI_API_KEY",
  "CODEX_API_KEY",
  "ANTHROPIC_API_KEY",
  "GITHUB_TOKEN",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_ACCESS_KEY_ID",
  "MY_PASSWORD",
  "MY_PASS",
  "DATABASE_URL",
  "API_KEY_OF_X",
  "monkey",
  "TOKENS",
  "SECRETARY",
  "my_secret",
  "SSH_AUTH_SOCK",
  "PLAIN",
  "plain_lower",
  "LANG",
  "TERM",
  "USER",
  "LOGNAME",
  "SHELL",
  "TMPDIR",
  "LC_ALL"
]

const environment = Object.fromEntries(values.map((name) => [name, name === "LC_ALL" ? "C" : `canary-${name}`]))

/** In addition to those of the tests' configuration. */
const secrets = [
  ...values,
  "MOCK_KEY",
  "CODEX_HOME",
  "SPINDLE_HOME",
  "RUST_LOG",
  "HTTP_PROXY",
  "NO_PROXY",
  "HOME",
  "PATH"
]

const withoutTerm = secrets.filter((name) => name !== "TERM")

const table = (text: string): World => ({ environment, tables: `[shell_environment_policy]\n${text}\n` })

const seen = (name: string, world: World, call: object = { login: false }, extra: Partial<Case> = {}): Case => ({
  name: `environment: ${name}`,
  world,
  start: {},
  steps: [{ call: { cmd: "/usr/bin/env", ...call } }],
  secrets,
  ...extra
})

export const cases: ReadonlyArray<Case> = [
  seen("no policy", { environment }),
  seen("no policy, a login shell", { environment }, { login: true }),
  seen("no policy, the shell unsaid", { environment }, {}),
  // A terminal has the type of the server's own here, and none in the release.
  seen("no policy, a terminal", { environment }, { login: false, tty: true }, { secrets: withoutTerm }),
  // The sandbox of the release needs a folder for temporary files.
  seen(
    "no policy, confined",
    { environment: { ...environment, TMPDIR: "/tmp" } },
    { login: false },
    { start: { sandbox: "read-only" } }
  ),
  seen("a policy of nothing", table("")),
  seen("inherit all", table('inherit = "all"')),
  seen("inherit core", table('inherit = "core"')),
  seen("inherit core, a login shell", table('inherit = "core"'), { login: true }),
  seen("inherit none", table('inherit = "none"')),
  seen("inherit none, a login shell", table('inherit = "none"'), { login: true }),
  seen("inherit something", table('inherit = "some"')),
  seen("default excludes", table("ignore_default_excludes = false")),
  seen("default excludes, a login shell", table("ignore_default_excludes = false"), { login: true }),
  seen("no default excludes", table("ignore_default_excludes = true")),
  seen("default excludes and core", table('inherit = "core"\nignore_default_excludes = false')),
  seen("exclude", table('exclude = ["PLAIN", "DATABASE_*"]')),
  seen("exclude in lower case", table('exclude = ["plain", "database_*"]')),
  seen("exclude with a question mark", table('exclude = ["PLAI?", "?????"]')),
  seen("exclude with brackets", table('exclude = ["[P]LAIN", "PLA[A-Z]N"]')),
  seen("exclude everything", table('exclude = ["*"]')),
  seen("exclude nothing", table("exclude = []")),
  seen("exclude an empty name", table('exclude = [""]')),
  seen("exclude a text", table('exclude = "PLAIN"')),
  seen("include only", table('include_only = ["PLAIN", "PATH"]')),
  seen("include only, in lower case", table('include_only = ["pla*", "path"]')),
  seen(
    "include only what is excluded by default",
    table('ignore_default_excludes = false\ninclude_only = ["*TOKEN*", "PATH"]')
  ),
  seen("include only nothing", table("include_only = []")),
  seen("include only and exclude", table('include_only = ["P*"]\nexclude = ["PLAIN"]')),
  seen("set", table('set = { PLAIN = "set", ADDED = "set" }'), { login: false }),
  seen("set what is excluded", table('exclude = ["PLAIN"]\nset = { PLAIN = "set" }')),
  seen("set what is not included", table('include_only = ["PATH"]\nset = { ADDED = "set" }')),
  seen("set a secret by default excludes", table('ignore_default_excludes = false\nset = { X_TOKEN = "set" }')),
  seen("an unknown key", table('other = "PLAIN"')),
  seen("inherit a number", table("inherit = 1")),
  seen(
    "overrides",
    { environment },
    { login: false },
    { start: { config: { shell_environment_policy: { inherit: "none" } } } }
  ),
  seen(
    "dotted overrides",
    { environment },
    { login: false },
    { start: { config: { "shell_environment_policy.exclude": ["PLAIN"] } } }
  ),
  seen(
    "overrides and the file",
    table('exclude = ["PLAIN"]'),
    { login: false },
    {
      start: { config: { "shell_environment_policy.inherit": "all" } }
    }
  ),
  seen(
    "overrides that clear the file",
    table('exclude = ["PLAIN"]'),
    { login: false },
    {
      start: { config: { "shell_environment_policy.exclude": [] } }
    }
  ),
  seen("arguments of the program", { environment, args: ["-c", 'shell_environment_policy.inherit="core"'] }),
  seen("a profile of the shell", table("experimental_use_profile = true"), { login: false })
]
