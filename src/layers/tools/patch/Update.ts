/**
 * Applies the chunks of a patch to the text of a file. Pure.
 *
 * The chunks are in the order of the file, and none overlaps another. Lines that stay keep their ending; new lines get that of
 * the file's first line. The result ends with a line ending, as in the release.
 *
 * @module
 */
import * as Result from "effect/Result"
import type { Chunk, ChunkLine } from "./Patch.ts"
import { Lines, TooMuchWork } from "./Seek.ts"

/** Lines that replace others. */
export interface Replacement {
  /** The first replaced line, from 0. */
  readonly start: number
  readonly count: number
  readonly lines: ReadonlyArray<string>
}

/** A text in lines, without their endings. */
interface Text {
  readonly lines: ReadonlyArray<string>
  /** The ending of each line: `\n`, `\r\n`, or none for the last one. */
  readonly endings: ReadonlyArray<string>
}

const textOf = (text: string): Text => {
  const lines: Array<string> = []
  const endings: Array<string> = []
  for (let start = 0; start < text.length;) {
    const end = text.indexOf("\n", start)
    const stop = end === -1 ? text.length : end
    const isCrlf = end !== -1 && text.charCodeAt(end - 1) === 13 && end > start
    lines.push(text.slice(start, isCrlf ? stop - 1 : stop))
    endings.push(end === -1 ? "" : isCrlf ? "\r\n" : "\n")
    start = stop + 1
  }
  return { lines, endings }
}

/** The lines that the file must have. */
const oldLinesOf = (lines: ReadonlyArray<ChunkLine>): ReadonlyArray<string> =>
  lines.flatMap(({ sign, text }) => (sign === "+" ? [] : [text]))

/**
 * The chunk without its last line of the file. If that line was to stay, it is added instead, unless nothing follows it: then
 * it was only the end of the chunk.
 */
const withoutLast = (lines: ReadonlyArray<ChunkLine>): ReadonlyArray<ChunkLine> => {
  const last = lines.findLastIndex(({ sign }) => sign !== "+")
  const end = lines.findLastIndex(({ sign }) => sign !== "-")
  return lines.flatMap((line, index): ReadonlyArray<ChunkLine> => {
    if (index === end && line.text === "") return []
    if (index !== last) return [line]
    return line.sign === " " ? [{ sign: "+", text: line.text }] : []
  })
}

/** The place of a chunk from line `start` on. A blank last line of the chunk need not exist: models often add one. */
const placeOf = ({ endOfFile, lines: wanted }: Chunk, lines: Lines, start: number): Place | undefined => {
  const at = lines.find(oldLinesOf(wanted), start, endOfFile)
  if (at !== undefined) return { at, lines: wanted }
  if (oldLinesOf(wanted).at(-1) !== "") return undefined
  const shorter = withoutLast(wanted)
  const again = lines.find(oldLinesOf(shorter), start, endOfFile)
  return again === undefined ? undefined : { at: again, lines: shorter }
}

/** A chunk at its place. */
interface Place {
  readonly at: number
  readonly lines: ReadonlyArray<ChunkLine>
}

/** The replacements of a chunk. Lines that stay are those of the file, which may differ from the patch in their blanks. */
const replacementsOf = ({ at, lines }: Place): ReadonlyArray<Replacement> => {
  const replacements: Array<{ readonly start: number; count: number; readonly lines: Array<string> }> = []
  let next = at
  let open: (typeof replacements)[number] | undefined
  for (const { sign, text } of lines) {
    if (sign === " ") {
      open = undefined
      next++
      continue
    }
    if (open === undefined) replacements.push((open = { start: next, count: 0, lines: [] }))
    if (sign === "+") open.lines.push(text)
    else {
      open.count++
      next++
    }
  }
  return replacements
}

const place = (chunks: ReadonlyArray<Chunk>, all: ReadonlyArray<string>, path: string) => {
  const lines = new Lines(all)
  const replacements: Array<Replacement> = []
  let start = 0
  for (const chunk of chunks) {
    if (chunk.context !== null) {
      const at = lines.find([chunk.context], start, false)
      if (at === undefined) return Result.fail(`Failed to find context '${chunk.context}' in ${path}`)
      start = at + 1
    }
    const old = oldLinesOf(chunk.lines)
    const found = old.length === 0 ? { at: all.length, lines: chunk.lines } : placeOf(chunk, lines, start)
    if (found === undefined) {
      return Result.fail(`Failed to find expected lines in ${path}:\n${old.join("\n")}`)
    }
    replacements.push(...replacementsOf(found))
    // Lines that are added at the end say nothing about the place of the next chunk.
    if (old.length > 0) start = found.at + oldLinesOf(found.lines).length
  }
  return Result.succeed(replacements.sort((a, b) => a.start - b.start))
}

const replaced = (text: Text, replacements: ReadonlyArray<Replacement>): string => {
  const ending = text.endings[0] === "\r\n" ? "\r\n" : "\n"
  const parts: Array<string> = []
  let next = 0
  const keep = (until: number) => {
    for (; next < until; next++) parts.push(text.lines[next] ?? "", text.endings[next] || ending)
  }
  for (const { count, lines, start } of replacements) {
    keep(start)
    for (const line of lines) parts.push(line, ending)
    next = start + count
  }
  keep(text.lines.length)
  return parts.join("")
}

/** The mark that some programs write in front of UTF-8. It is not part of the first line. */
const ByteOrderMark = "\uFEFF"

/** The text after the chunks, or the reason why they do not apply. `path` is for the reason. */
export const update = (text: string, chunks: ReadonlyArray<Chunk>, path: string): Result.Result<string, string> => {
  const mark = text.startsWith(ByteOrderMark) ? ByteOrderMark : ""
  const parsed = textOf(text.slice(mark.length))
  try {
    return Result.map(place(chunks, parsed.lines, path), (replacements) => mark + replaced(parsed, replacements))
  } catch (error) {
    if (error instanceof TooMuchWork) {
      return Result.fail(
        `Failed to apply the patch to ${path}: its lines repeat too often to be found in time. Split the patch.`
      )
    }
    throw error
  }
}
