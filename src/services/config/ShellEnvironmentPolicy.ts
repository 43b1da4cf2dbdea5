/**
 * `shell_environment_policy`: what of the server's environment commands get.
 *
 * Owns the reading of the section, and how one layer's section is laid over another. The patterns have two notations,
 * `filters` and the older `exclude` with `include_only`; a layer uses one of them, and it replaces what the layers below
 * say in the other one. Does not own the environment itself.
 *
 * @module
 */
import * as Redacted from "effect/Redacted"
import type { Problem } from "./SettingType.ts"
import { empty, get, getTable, merge, type Table, without } from "./Table.ts"

/**
 * What of the server's environment commands get. The members are applied in this order: `inherit`, the default excludes,
 * `exclude`, `set`, `includeOnly`. Patterns match whole names without regard to case: `*` is any text, `?` one character.
 */
export interface ShellEnvironmentPolicy {
  /** What commands start from. `core` is the few variables that most programs need. Default: `all`. */
  readonly inherit: "all" | "core" | "none"
  /**
   * True keeps names with KEY, SECRET or TOKEN in them, false removes them all. Null, the default, removes them unless
   * `includeOnly` has the name itself, without a wildcard.
   */
  readonly ignoreDefaultExcludes: boolean | null
  readonly exclude: ReadonlyArray<string>
  /** Variables that commands get in any case, unless `includeOnly` leaves them out. The values may be secrets. */
  readonly set: ReadonlyMap<string, Redacted.Redacted>
  /** When it is not empty, commands get no variable that matches none of it. */
  readonly includeOnly: ReadonlyArray<string>
  /** Run the shell as a login shell, so that it reads the user's profile. Default: false. */
  readonly useProfile: boolean
}

const key = "shell_environment_policy"
const legacy: ReadonlyArray<string> = ["exclude", "include_only"]

const has = (policy: Table, names: ReadonlyArray<string>): boolean => names.some((name) => Object.hasOwn(policy, name))

/** `over` laid on `under`, as `merge` does, but for the patterns of the policy. */
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

/** What is wrong with the policy of a table whose values are of the right kinds. */
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

/** The policy of merged settings; a member of a wrong kind counts as left out. */
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
