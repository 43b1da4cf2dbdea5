/**
 * Unified diffs of texts. Pure.
 *
 * @module
 */
import { type Change, changesOf } from "./LineDiff.ts"

/** The lines of a text, each with its line ending. */
export const linesOf = (text: string): ReadonlyArray<string> => text.match(/[^\n]*\n|[^\n]+$/g) ?? []

/** The position of a range, as `diff -u` writes it: the line before an empty range. */
const range = (start: number, count: number): string => {
  if (count === 0) return `${start},0`
  return count === 1 ? `${start + 1}` : `${start + 1},${count}`
}

const line = (sign: string, text: string): string =>
  text.endsWith("\n") ? sign + text : `${sign}${text}\n\\ No newline at end of file\n`

/** Changes whose context would overlap or touch, in one group. */
const groups = (changes: ReadonlyArray<Change>, context: number): ReadonlyArray<ReadonlyArray<Change>> => {
  const all: Array<Array<Change>> = []
  for (const change of changes) {
    const group = all.at(-1)
    const last = group?.at(-1)
    if (last !== undefined && change.oldStart - (last.oldStart + last.oldCount) <= 2 * context) group?.push(change)
    else all.push([change])
  }
  return all
}

const hunk = (
  group: ReadonlyArray<Change>,
  old: ReadonlyArray<string>,
  now: ReadonlyArray<string>,
  context: number
): string => {
  const first = group[0]
  const last = group.at(-1)
  if (first === undefined || last === undefined) return ""
  const before = Math.min(context, first.oldStart)
  const lastEnd = last.oldStart + last.oldCount
  const after = Math.min(context, old.length - lastEnd)
  const oldStart = first.oldStart - before
  const newStart = first.newStart - before
  const newEnd = last.newStart + last.newCount + after
  const parts = [`@@ -${range(oldStart, lastEnd + after - oldStart)} +${range(newStart, newEnd - newStart)} @@\n`]
  let next = oldStart
  const keep = (until: number) => {
    for (; next < until; next++) parts.push(line(" ", old[next] ?? ""))
  }
  for (const change of group) {
    keep(change.oldStart)
    for (let at = 0; at < change.oldCount; at++) parts.push(line("-", old[next + at] ?? ""))
    for (let at = 0; at < change.newCount; at++) parts.push(line("+", now[change.newStart + at] ?? ""))
    next += change.oldCount
  }
  keep(lastEnd + after)
  return parts.join("")
}

/** The hunks from one text to another, with `context` lines around each; empty for equal texts. */
export const hunks = (before: string, after: string, context: number): string => {
  if (before === after) return ""
  const [old, now] = [linesOf(before), linesOf(after)]
  return groups(changesOf(old, now), context)
    .map((group) => hunk(group, old, now, context))
    .join("")
}
