/**
 * The parts of files that a thread's history consists of.
 *
 * A file may hold only its own lines and name the file before it: a fork by reference, or the rest of a thread that was
 * reverted. The history is the head's first line, then the parts of the older files, then the head's other lines.
 *
 * @module
 */
import { baseOf, type HistoryBase } from "./Origin.ts"
import type { RolloutFile } from "./Folder.ts"
import { type Line, parse } from "./Line.ts"
import { LineReader, type Source, withSource } from "./Source.ts"

/** Lines of a file between two positions; `to` is null for the end of a file that grows. */
export interface Part {
  readonly path: string
  readonly from: number
  readonly to: number | null
}

/** A file names an older one that does not exist, or names itself. */
export class BrokenLineage extends Error {}

/** Limit on the files of one history. */
const MaxFiles = 256

/** How far before the end of a base its last line is searched for, in bytes. */
const TailBytes = 1024 * 1024

interface FirstLine {
  readonly line: Line | undefined
  readonly end: number
}

/** The first line of a file, and where it ends. */
export const firstLine = (source: Source): FirstLine => {
  const raw = new LineReader(source, 0, null).next()
  return { line: raw?.text == null ? undefined : parse(raw.text), end: raw?.end ?? 0 }
}

/** Whether the bytes before the base's end are its last line. */
const endsAt = (source: Source, { endByteOffset, endOrdinalExclusive }: HistoryBase): boolean => {
  if (endByteOffset > source.size) return false
  const tail = Buffer.alloc(Math.min(TailBytes, endByteOffset))
  source.read(tail, endByteOffset - tail.length)
  if (tail.at(-1) !== 10) return false
  const text = tail.toString("utf8", tail.lastIndexOf(10, tail.length - 2) + 1, tail.length - 1)
  const ordinal = parse(text)?.ordinal
  return ordinal === undefined || ordinal < endOrdinalExclusive
}

/** The thread that a file refers to; undefined for a complete file, and for one that cannot be read. */
export const refersTo = (path: string): string | undefined => {
  try {
    const { line } = withSource(path, firstLine)
    return line === undefined ? undefined : baseOf(line)?.threadId
  } catch {
    return undefined
  }
}

/** The parts of the history that ends with `head`. `filesOf` finds the files of a thread, the newest last. */
export const partsOf = (
  head: RolloutFile,
  filesOf: (threadId: string) => ReadonlyArray<RolloutFile>
): ReadonlyArray<Part> => {
  const visited = new Set<string>()
  const before = (file: RolloutFile, base: HistoryBase | null): ReadonlyArray<Part> => {
    visited.add(file.path)
    if (base === null) return []
    if (visited.size > MaxFiles) throw new BrokenLineage("the history has too many files")
    const candidates = filesOf(base.threadId).filter(({ path }) => !visited.has(path))
    const found = candidates.findLast(({ path }) => withSource(path, (source) => endsAt(source, base)))
    if (found === undefined) throw new BrokenLineage(`missing source rollout of thread ${base.threadId}`)
    return withSource(found.path, (source) => {
      const { end, line } = firstLine(source)
      const older = before(found, line === undefined ? null : baseOf(line))
      return [...older, { path: found.path, from: end, to: base.endByteOffset }]
    })
  }
  const { end, line } = withSource(head.path, firstLine)
  const base = line === undefined ? null : baseOf(line)
  if (base === null) return [{ path: head.path, from: 0, to: null }]
  return [{ path: head.path, from: 0, to: end }, ...before(head, base), { path: head.path, from: end, to: null }]
}
