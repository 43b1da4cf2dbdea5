/**
 * Computes the environment of commands from the server's environment and the policy.
 *
 * Pure. Commands are started with exactly this environment.
 *
 * @module
 */
import * as Redacted from "effect/Redacted"
import type { EffectiveConfig, ShellEnvironmentPolicy } from "../../../services/config/Config.ts"

export type Environment = Readonly<Record<string, string | undefined>>

/** The variables of `inherit = "core"`. */
export const Core: ReadonlySet<string> = new Set([
  "HOME",
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  "LOGNAME",
  "PATH",
  "SHELL",
  "TEMP",
  "TMP",
  "TMPDIR",
  "USER"
])

/** Name patterns of secrets. */
export const DefaultExcludes: ReadonlyArray<string> = ["*KEY*", "*SECRET*", "*TOKEN*"]

/** Variables with the server's credentials that no provider names. */
const ownCredentials: ReadonlyArray<string> = [
  "CODEX_API_KEY",
  "OPENAI_API_KEY",
  "OTEL_EXPORTER_OTLP_HEADERS",
  "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
  "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
  "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
]

/** The variables with the server's credentials, for every configured provider. */
export const credentialsOf = (providers: EffectiveConfig["providers"]): ReadonlySet<string> =>
  new Set([
    ...ownCredentials,
    ...Object.values(providers).flatMap(({ envHeaders, envKey }) => [
      ...(envKey === null ? [] : [envKey]),
      ...Object.values(envHeaders)
    ])
  ])

/**
 * The environment of commands, from `base` and the policy.
 *
 * `credentials` are removed whatever the policy inherits. Two settings restore one: `set`, and an include with its exact
 * name.
 */
export const environmentOf = (options: {
  readonly policy: ShellEnvironmentPolicy
  readonly base: Environment
  readonly credentials: ReadonlySet<string>
}): Readonly<Record<string, string>> => {
  const { policy } = options
  const named = new Set(policy.includeOnly.map(upperCase))
  const credentials = new Set(Array.from(options.credentials, upperCase))
  const excluded = (name: string): boolean => {
    const byName = named.has(upperCase(name))
    if (credentials.has(upperCase(name)) && !byName) return true
    const defaults = policy.ignoreDefaultExcludes === false || (policy.ignoreDefaultExcludes === null && !byName)
    return (defaults && matchesAny(DefaultExcludes, name)) || matchesAny(policy.exclude, name)
  }
  const inherited = Object.entries(options.base).flatMap(([name, value]): Array<[string, string]> =>
    value === undefined || policy.inherit === "none" || (policy.inherit === "core" && !Core.has(name)) || excluded(name)
      ? []
      : [[name, value]]
  )
  const set = Array.from(policy.set, ([name, value]): [string, string] => [name, Redacted.value(value)])
  return Object.fromEntries(
    [...inherited, ...set].filter(
      ([name]) => name !== "" && (policy.includeOnly.length === 0 || matchesAny(policy.includeOnly, name))
    )
  )
}

const upperCase = (name: string): string => name.toUpperCase()

const matchesAny = (patterns: ReadonlyArray<string>, name: string): boolean =>
  patterns.some((pattern) => matches(pattern, name))

/** Whether the pattern matches the whole name, ignoring case. Takes at most pattern times name steps. */
export const matches = (pattern: string, name: string): boolean => {
  const [wanted, given] = [Array.from(upperCase(pattern)), Array.from(upperCase(name))]
  let [at, next] = [0, 0]
  // Index of the last `*`, and the length of the name that it matches so far.
  let [star, taken] = [-1, 0]
  while (next < given.length) {
    if (wanted[at] === "*") {
      star = at++
      taken = next
    } else if (at < wanted.length && (wanted[at] === "?" || wanted[at] === given[next])) {
      at++
      next++
    } else if (star >= 0) {
      at = star + 1
      next = ++taken
    } else return false
  }
  while (wanted[at] === "*") at++
  return at === wanted.length
}

/** The kind of terminal that a command gets: the server's own, unless that is none. */
export const terminalName = ({ TERM }: Environment): string =>
  TERM === undefined || TERM === "" || TERM === "dumb" ? "xterm" : TERM

/** Variables for output to a model instead of a terminal: no colours, no pager, UTF-8. */
export const plain = {
  NO_COLOR: "1",
  TERM: "dumb",
  COLORTERM: "",
  LANG: "C.UTF-8",
  LC_CTYPE: "C.UTF-8",
  LC_ALL: "C.UTF-8",
  PAGER: "cat",
  GIT_PAGER: "cat",
  GH_PAGER: "cat",
  CODEX_CI: "1"
}
