/**
 * The difference between two JSON values, so that a line can hold what the release's form of an event loses.
 *
 * Objects are compared member by member; every other value is replaced as a whole.
 *
 * @module
 */
import { isRecord } from "./Line.ts"

/** `=` replaces the value; `~` has the patches of members, `-` the names of removed members. */
export interface Patch {
  readonly "="?: unknown
  readonly "~"?: Readonly<Record<string, Patch>>
  readonly "-"?: ReadonlyArray<string>
}

const entriesOf = (value: Readonly<Record<string, unknown>>): ReadonlyArray<readonly [string, unknown]> =>
  Object.entries(value).filter(([, member]) => member !== undefined)

/** The patch that makes `to` of `from`; undefined when they are equal. Members that are undefined count as absent. */
export const between = (from: unknown, to: unknown): Patch | undefined => {
  if (from === to) return undefined
  if (Array.isArray(from) && Array.isArray(to)) {
    const isEqual = from.length === to.length && from.every((value, at) => between(value, to[at]) === undefined)
    return isEqual ? undefined : { "=": to }
  }
  if (!isRecord(from) || !isRecord(to)) return { "=": to }
  const [old, wanted] = [new Map(entriesOf(from)), new Map(entriesOf(to))]
  const changed = Array.from(wanted).flatMap(([key, value]) => {
    const patch = old.has(key) ? between(old.get(key), value) : { "=": value }
    return patch === undefined ? [] : [[key, patch] as const]
  })
  const removed = Array.from(old.keys()).filter((key) => !wanted.has(key))
  if (changed.length === 0 && removed.length === 0) return undefined
  return {
    ...(changed.length === 0 ? {} : { "~": Object.fromEntries(changed) }),
    ...(removed.length === 0 ? {} : { "-": removed })
  }
}

/** Applies a patch that was read from a file. A patch of another shape changes nothing. */
export const apply = (from: unknown, patch: unknown): unknown => {
  if (!isRecord(patch)) return from
  if (Object.hasOwn(patch, "=")) return patch["="]
  const members = new Map(isRecord(from) ? entriesOf(from) : [])
  const changed = patch["~"]
  if (isRecord(changed)) {
    for (const [key, inner] of Object.entries(changed)) members.set(key, apply(members.get(key), inner))
  }
  const removed = patch["-"]
  if (Array.isArray(removed)) for (const key of removed) members.delete(String(key))
  return Object.fromEntries(members)
}
