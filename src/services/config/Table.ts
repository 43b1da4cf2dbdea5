/**
 * Configuration as data: tables of JSON values, how they are merged, and which settings a table contains.
 *
 * Tables come from untrusted files. Every lookup is for own keys, and every table is built from entries, which makes
 * `__proto__` an ordinary key.
 *
 * @module
 */
import type * as Schema from "effect/Schema"

/** A value of a TOML document or of a JSON parameter; dates are kept as ISO text. */
export type Value = Schema.Json

export interface Table {
  readonly [key: string]: Value
}

export const empty: Table = {}

/** Whether `value` is a table, as opposed to a scalar or an array. */
export const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)

/** The value of `key`; undefined when the table does not set it. */
export const get = (table: Table, key: string): Value | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined

/** The table under `key`; undefined when there is none or the value has another type. */
export const getTable = (table: Table, key: string): Table | undefined => {
  const value = get(table, key)
  return isTable(value) ? value : undefined
}

/** The text under `key`; undefined when there is none or the value has another type. */
export const getText = (table: Table, key: string): string | undefined => {
  const value = get(table, key)
  return typeof value === "string" ? value : undefined
}

/** The number under `key`; undefined when there is none or the value has another type. */
export const getNumber = (table: Table, key: string): number | undefined => {
  const value = get(table, key)
  return typeof value === "number" ? value : undefined
}

/** The table without the keys that `drop` names. */
export const without = (table: Table, drop: (key: string) => boolean): Table =>
  Object.fromEntries(Object.entries(table).filter(([name]) => !drop(name)))

/** A parsed value as JSON. Values that JSON cannot represent are left out of tables and null in arrays. */
export const fromUnknown = (value: unknown): Value | undefined => {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value
    case "number":
      return Number.isFinite(value) ? value : undefined
    case "object":
      if (value === null) return null
      if (value instanceof Date) return value.toISOString()
      if (Array.isArray(value)) return value.map((element) => fromUnknown(element) ?? null)
      return tableFromUnknown(value)
    default:
      return undefined
  }
}

/** Like `fromUnknown`, for a value that is known to be an object. */
export const tableFromUnknown = (record: object): Table =>
  Object.fromEntries(
    Object.entries(record).flatMap(([key, value]): Array<[string, Value]> => {
      const converted = fromUnknown(value)
      return converted === undefined ? [] : [[key, converted]]
    })
  )

/** Merges `over` into `under`: tables are merged key by key; any other value, arrays included, is replaced. */
export const merge = (under: Table, over: Table): Table => {
  const overEntries = Object.entries(over)
  if (overEntries.length === 0) return under
  const merged = new Map(Object.entries(under))
  for (const [key, value] of overEntries) {
    const existing = merged.get(key)
    merged.set(key, isTable(existing) && isTable(value) ? merge(existing, value) : value)
  }
  return Object.fromEntries(merged)
}

/** A table under construction: a value that is not a map is final. */
type Draft = Map<string, Draft | Value>

const finished = (draft: Draft): Table =>
  Object.fromEntries(Array.from(draft, ([key, value]) => [key, value instanceof Map ? finished(value) : value]))

/** How many levels of nesting the dotted `key` creates. */
export const levelsOf = (key: string): number => key.split(".").length

/**
 * Builds a table from dotted keys, in order: a later entry replaces an earlier one. A dot is always a separator, as on the
 * release's command line; `null` is skipped. A value in the path of a nested key is replaced by a table.
 */
export const fromDotted = (entries: Iterable<readonly [key: string, value: unknown]>): Table => {
  const root: Draft = new Map()
  for (const [key, value] of entries) {
    const converted = fromUnknown(value)
    if (converted === undefined || converted === null) continue
    const path = key.split(".")
    const last = path.pop() ?? ""
    let draft = root
    for (const part of path) {
      const there = draft.get(part)
      const inner: Draft = there instanceof Map ? there : new Map(isTable(there) ? Object.entries(there) : [])
      draft.set(part, inner)
      draft = inner
    }
    draft.set(last, converted)
  }
  return finished(root)
}

/** The value at `path`, through tables and array elements; undefined when there is none. */
export const at = (table: Table, path: ReadonlyArray<string>): Value | undefined => {
  let value: Value | undefined = table
  for (const key of path) {
    if (isTable(value)) value = get(value, key)
    else if (Array.isArray(value)) value = value[Number(key)]
    else return undefined
  }
  return value
}

/**
 * The dotted path of every setting, down to array elements. Empty tables and arrays are not settings. Keys are joined
 * without quotes, as in the release's `origins`.
 */
export const leaves = (table: Table): Array<string> => {
  const paths: Array<string> = []
  const walk = (value: Value, path: string): void => {
    if (typeof value !== "object" || value === null) {
      paths.push(path)
      return
    }
    for (const [key, child] of Object.entries(value)) walk(child, path === "" ? key : `${path}.${key}`)
  }
  walk(table, "")
  return paths
}

/** JSON with sorted keys and no white space: equal tables have equal texts. */
export const canonical = (value: Value): string => {
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`
  const members = Object.entries(value)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`)
  return `{${members.join(",")}}`
}
