/**
 * `shell_environment_policy`: which variables of the server's environment commands receive.
 *
 * Owns how the section is read, and how the sections of two layers are merged. Patterns have two notations: `filters`, and
 * the older `exclude` with `include_only`. A layer uses one of them, and it replaces the patterns of lower layers in the
 * other notation. Does not own the environment itself.
 *
 * @module
 */
import * as Redacted from "effect/Redacted"
import type { Problem } from "./SettingType.ts"
import { empty, get, getTable, merge, type Table, without } from "./Table.ts"

/**
 * Which variables of the server's environment commands receive. The members are applied in this order: `inherit`, the
 * default excludes, `exclude`, `set`, `includeOnly`. Patterns match whole names case-insensitively: `*` is any text, `?` one
 * character.
 */
export interface ShellEnvironmentPolicy {
  /** The variables to start from. `core` is the few that most programs need. Default: `all`. */
  readonly inherit: "all" | "core" | "none"
  /**
   * True keeps names that contain KEY, SECRET or TOKEN, false removes them all. Null, the default, removes them unless
   * `includeOnly` has the exact name, without a wildcard.
   */
  readonly ignoreDefaultExcludes: boolean | null
  readonly exclude: ReadonlyArray<string>
  /** Variables that commands always receive, unless `includeOnly` excludes them. The values may be secrets. */
  readonly set: ReadonlyMap<string, Redacted.Redacted>
  /** When it is not empty, commands receive only variables that match one of these patterns. */
  readonly includeOnly: ReadonlyArray<string>
  /** Run the shell as a login shell, so that it reads the user's profile. Default: false. */
  readonly useProfile: boolean
}

const key = "shell_environment_policy"
const legacy: ReadonlyArray<string> = ["exclude", "include_only"]

const has = (policy: Table, names: ReadonlyArray<string>): boolean => names.some((name) => Object.hasOwn(policy, name))

/** Merges `over` into `under` like `merge`, except for the patterns of the policy. */
export const mergeSettings = (under: Table, over: Table): Table => {
  const lower = getTable(under, key)
  const upper = getTable(over, key)
  if (lower === undefined || upper === undefined) return merge(under, over)
  const filters = getTable(upper, "filters")
  const replaced = filters === undefined ? new Set() : new Set(Object.keys(filters).map(lowerCase))
  const lowerFilters = getTable(lower, "filters")
  const left = without(lower, (name) =>
    name === "filters" ? has(upper, legacy) : has(upper, ["filters"]) && legacy.includes(name)
  )
  const kept =
    lowerFilters === undefined || !Object.hasOwn(left, "filters")
      ? left
      : { ...left, filters: without(lowerFilters, (pattern) => replaced.has(lowerCase(pattern))) }
  return merge({ ...under, [key]: kept }, over)
}

const lowerCase = (text: string): string => text.toLowerCase()

/** The error in the policy of a table whose values have the right types. */
export const checkPolicy = (settings: Table): Problem | undefined => {
  const policy = getTable(settings, key)
  const filters = policy === undefined ? undefined : getTable(policy, "filters")
  if (policy === undefined || filters === undefined) return undefined
  if (has(policy, legacy)) {
    return { path: [key, "filters"], detail: "cannot mix `filters` with legacy `exclude` or `include_only`" }
  }
  const seen = new Set<string>()
  for (const pattern of Object.keys(filters)) {
    if (seen.has(lowerCase(pattern))) {
      return {
        path: [key, "filters", pattern],
        detail: `duplicate shell environment filter \`${pattern}\` ignoring case`
      }
    }
    seen.add(lowerCase(pattern))
  }
  return undefined
}

/** The policy of merged settings; a member of the wrong type counts as not set. */
export const policyOf = (settings: Table): ShellEnvironmentPolicy => {
  const policy = getTable(settings, key) ?? empty
  const inherit = get(policy, "inherit")
  const ignored = get(policy, "ignore_default_excludes")
  const filters = Object.entries(getTable(policy, "filters") ?? empty)
  const filtered = (action: string): ReadonlyArray<string> =>
    filters.flatMap(([pattern, value]) => (value === action ? [pattern] : []))
  return {
    inherit: inherit === "core" || inherit === "none" ? inherit : "all",
    ignoreDefaultExcludes: typeof ignored === "boolean" ? ignored : null,
    exclude: [...texts(policy, "exclude"), ...filtered("exclude")],
    set: new Map(
      Object.entries(getTable(policy, "set") ?? empty).flatMap(([name, value]) =>
        typeof value === "string" ? [[name, Redacted.make(value)] as const] : []
      )
    ),
    includeOnly: [...texts(policy, "include_only"), ...filtered("include")],
    useProfile: get(policy, "experimental_use_profile") === true
  }
}

const texts = (table: Table, name: string): ReadonlyArray<string> => {
  const value = get(table, name)
  return Array.isArray(value) ? value.filter((element) => typeof element === "string") : []
}
