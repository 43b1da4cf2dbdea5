/**
 * The differences between two files, in lines. Pure.
 *
 * Differences of small files are the shortest ones. Large files, and those with more than `MaxEdits`, are split at lines that
 * occur once in each, as patience diff does, and a part without such lines is replaced as a whole. So the work is bounded.
 *
 * @module
 */
import { diffArrays } from "diff"

/** Lines of the old file that lines of the new one replace. Positions count from 0. */
export interface Change {
  readonly oldStart: number
  readonly oldCount: number
  readonly newStart: number
  readonly newCount: number
}

/** Maximum number of removed and added lines for which the shortest difference is searched. */
const MaxEdits = 256

/** Maximum number of lines of both files together for which it is searched before the files are split. */
const MaxSearched = 2000

type Numbers = ReadonlyArray<number>

/** A part of both files; the ends are excluded. */
interface Region {
  readonly oldStart: number
  readonly oldEnd: number
  readonly newStart: number
  readonly newEnd: number
}

/** Equal lines get equal numbers. */
const numbered = (...files: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<Numbers> => {
  const numbers = new Map<string, number>()
  const numberOf = (line: string): number => {
    const known = numbers.get(line)
    if (known !== undefined) return known
    numbers.set(line, numbers.size)
    return numbers.size - 1
  }
  return files.map((lines) => lines.map(numberOf))
}

/** The region without the equal lines at its start and its end. */
const trimmed = (old: Numbers, now: Numbers, region: Region): Region => {
  let { newEnd, newStart, oldEnd, oldStart } = region
  while (oldStart < oldEnd && newStart < newEnd && old[oldStart] === now[newStart]) {
    oldStart++
    newStart++
  }
  while (oldStart < oldEnd && newStart < newEnd && old[oldEnd - 1] === now[newEnd - 1]) {
    oldEnd--
    newEnd--
  }
  return { oldStart, oldEnd, newStart, newEnd }
}

/** The shortest difference of the region; undefined when it has more than `MaxEdits`. */
const shortest = (old: Numbers, now: Numbers, region: Region): ReadonlyArray<Change> | undefined => {
  const { newEnd, newStart, oldEnd, oldStart } = region
  const parts = diffArrays(old.slice(oldStart, oldEnd), now.slice(newStart, newEnd), { maxEditLength: MaxEdits })
  if (parts === undefined) return undefined
  const changes: Array<Change> = []
  let [oldAt, newAt] = [oldStart, newStart]
  let open: { oldStart: number; oldCount: number; newStart: number; newCount: number } | undefined
  for (const { added, count, removed } of parts) {
    if (!added && !removed) {
      open = undefined
      oldAt += count
      newAt += count
      continue
    }
    if (open === undefined) changes.push((open = { oldStart: oldAt, oldCount: 0, newStart: newAt, newCount: 0 }))
    if (removed) {
      open.oldCount += count
      oldAt += count
    } else {
      open.newCount += count
      newAt += count
    }
  }
  return changes
}

/** The positions of numbers that occur once in a part of a file. */
const unique = (numbers: Numbers, start: number, end: number): ReadonlyMap<number, number> => {
  const found = new Map<number, number>()
  const repeated = new Set<number>()
  for (let at = start; at < end; at++) {
    const number = numbers[at] ?? -1
    if (repeated.has(number)) continue
    if (found.delete(number)) repeated.add(number)
    else found.set(number, at)
  }
  return found
}

/** Pairs of equal lines that occur once in each file, ascending in both: the longest such series. */
const anchors = (old: Numbers, now: Numbers, region: Region): ReadonlyArray<readonly [old: number, now: number]> => {
  const inNew = unique(now, region.newStart, region.newEnd)
  const pairs: Array<{ old: number; now: number; before: number }> = []
  /** The last pair of the best series of each length. */
  const tails: Array<number> = []
  for (const [number, at] of unique(old, region.oldStart, region.oldEnd)) {
    const other = inNew.get(number)
    if (other === undefined) continue
    let [low, high] = [0, tails.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((pairs[tails[middle] ?? 0]?.now ?? 0) < other) low = middle + 1
      else high = middle
    }
    tails[low] = pairs.push({ old: at, now: other, before: low === 0 ? -1 : (tails[low - 1] ?? -1) }) - 1
  }
  const series: Array<readonly [number, number]> = []
  for (let at = tails.at(-1) ?? -1; at !== -1;) {
    const pair = pairs[at]
    if (pair === undefined) break
    series.push([pair.old, pair.now])
    at = pair.before
  }
  return series.toReversed()
}

/** The parts between the anchors, in order; undefined without anchors. */
const split = (old: Numbers, now: Numbers, region: Region): ReadonlyArray<Region> | undefined => {
  const series = anchors(old, now, region)
  if (series.length === 0) return undefined
  const parts: Array<Region> = []
  let [oldStart, newStart] = [region.oldStart, region.newStart]
  for (const [oldEnd, newEnd] of series) {
    parts.push({ oldStart, oldEnd, newStart, newEnd })
    oldStart = oldEnd + 1
    newStart = newEnd + 1
  }
  parts.push({ oldStart, oldEnd: region.oldEnd, newStart, newEnd: region.newEnd })
  return parts
}

/** The changes from the old lines to the new ones, ascending and apart from each other. */
export const changesOf = (oldLines: ReadonlyArray<string>, newLines: ReadonlyArray<string>): ReadonlyArray<Change> => {
  const [old = [], now = []] = numbered(oldLines, newLines)
  const changes: Array<Change> = []
  const open: Array<Region> = [{ oldStart: 0, oldEnd: old.length, newStart: 0, newEnd: now.length }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const region = trimmed(old, now, next)
    const oldCount = region.oldEnd - region.oldStart
    const newCount = region.newEnd - region.newStart
    if (oldCount === 0 && newCount === 0) continue
    const whole = { oldStart: region.oldStart, oldCount, newStart: region.newStart, newCount }
    // The only lines of a trimmed region differ.
    if (oldCount === 0 || newCount === 0 || (oldCount === 1 && newCount === 1)) {
      changes.push(whole)
      continue
    }
    const isLarge = oldCount + newCount > MaxSearched
    const found = isLarge ? undefined : shortest(old, now, region)
    const parts = found === undefined ? split(old, now, region) : undefined
    if (parts === undefined) changes.push(...(found ?? shortest(old, now, region) ?? [whole]))
    else for (let index = parts.length - 1; index >= 0; index--) open.push(parts[index] ?? region)
  }
  return changes
}
