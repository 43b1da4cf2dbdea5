/**
 * Changes of settings by their dotted path.
 *
 * @module
 */
import * as Result from "effect/Result"
import { empty, get, isTable, merge, type Table, type Value, without } from "./Table.ts"

/**
 * The segments of a dotted path. A segment in double quotes may contain dots; a backslash in it escapes the next character.
 * A failure is the text for the client.
 */
export const parseKeyPath = (text: string): Result.Result<ReadonlyArray<string>, string> => {
  if (text.trim() === "") return Result.fail("keyPath must not be empty")
  const segments: Array<string> = []
  let segment = ""
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (isQuoted && char === "\\" && at + 1 < text.length) segment += text.charAt(++at)
    else if (char === '"') isQuoted = !isQuoted
    else if (char === "." && !isQuoted) {
      segments.push(segment)
      segment = ""
    } else segment += char
  }
  if (isQuoted) return Result.fail("unterminated quoted keyPath segment")
  segments.push(segment)
  return segments.includes("") ? Result.fail("keyPath segments must not be empty") : Result.succeed(segments)
}

/** A change of one setting. `value` null removes it. */
export interface Change {
  readonly path: ReadonlyArray<string>
  readonly value: Value
  /** Whether a table is merged into the existing one. */
  readonly isMerged: boolean
}

/** The table with the change. Tables on the way are made. A failure is the text for the client. */
export const withChange = (table: Table, change: Change): Result.Result<Table, string> => {
  const [key = "", ...rest] = change.path
  const existing = get(table, key)
  const replaced = (value: Value) => Result.succeed({ ...table, [key]: value })
  if (rest.length === 0) {
    if (change.value === null) return Result.succeed(without(table, (name) => name === key))
    const isMerged = change.isMerged && isTable(existing) && isTable(change.value)
    return replaced(isMerged ? merge(existing, change.value) : change.value)
  }
  if (existing === undefined && change.value === null) return Result.succeed(table)
  if (existing !== undefined && !isTable(existing)) {
    return change.value === null ? Result.succeed(table) : Result.fail("cannot set value on non-table parent")
  }
  return Result.flatMap(withChange(existing ?? empty, { ...change, path: rest }), replaced)
}

/** Whether TOML has no form for the value. A failure is the text for the client. */
export const faultOf = (value: Value): string | undefined => {
  if (value === null) return "invalid value: invalid type: null, expected any valid TOML value"
  if (typeof value === "number" && Number.isInteger(value) && value > Number.MAX_SAFE_INTEGER) {
    return "invalid value: u64 value was too large"
  }
  if (typeof value !== "object") return undefined
  for (const child of Object.values(value)) {
    const fault = faultOf(child)
    if (fault !== undefined) return fault
  }
  return undefined
}
