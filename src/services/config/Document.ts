/**
 * One TOML text: parses it, locates syntax errors, and locates settings in it.
 *
 * The parser is Effect's. It reports the position of an error only in its message, and no positions of values. So this
 * module parses the message, and searches for a value's position itself when the value is wrong.
 *
 * @module
 */
import * as Toml from "effect/encoding/Toml"
import * as Result from "effect/Result"
import { isDeeperThan, MaxDepth } from "../../protocol/jsonrpc/Depth.ts"
import type { TextRange } from "./ConfigError.ts"
import { type Table, tableFromUnknown } from "./Table.ts"

/** Size limit of a settings file, in bytes. */
export const MaxBytes = 1024 * 1024

/** A text that is not TOML. */
export interface SyntaxProblem {
  readonly detail: string
  readonly range: TextRange
  /** True when the text is nested too deeply to be parsed, so it is not known whether it is TOML. */
  readonly tooDeep?: true
}

const range = (line: number, start: number, end: number): TextRange => ({
  start: { line, column: start },
  end: { line, column: end }
})

/** The parser's message when the nesting of a text overflows its stack. */
const overflow = "Maximum call stack size exceeded"

/** Parses `source`. Dates become ISO text. */
export const parse = (source: string): Result.Result<Table, SyntaxProblem> => {
  const parsed = Toml.parse(source)
  if (Result.isSuccess(parsed)) {
    const table = parsed.success
    return isDeeperThan(table, MaxDepth)
      ? Result.fail(tooDeep(locate(source, deepPath(table))))
      : Result.succeed(tableFromUnknown(table))
  }
  const { message } = parsed.failure
  return Result.fail(message === overflow ? tooDeep(deepBracket(source)) : syntaxProblem(source, message))
}

const tooDeep = (place: TextRange | undefined): SyntaxProblem => ({
  detail: `nested deeper than ${MaxDepth} levels`,
  range: place ?? range(1, 1, 1),
  tooDeep: true
})

/** The path to the first value that is nested too deeply, and on to its innermost value. */
const deepPath = (table: object): ReadonlyArray<string> => {
  const path: Array<string> = []
  let at: unknown = table
  for (let left = MaxDepth - 1; typeof at === "object" && at !== null; left--) {
    const entries = Object.entries(at)
    const child: [string, unknown] | undefined =
      left < 0 ? entries[0] : entries.find(([, value]) => isDeeperThan(value, left))
    if (child === undefined) break
    path.push(child[0])
    at = child[1]
  }
  return path
}

/** Quoted text and comments, in which brackets have no meaning. */
const opaque = /"""(?:[^"\\]|\\[^]|"(?!""))*"""|'''(?:[^']|'(?!''))*'''|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*/y

/** The position at which brackets are nested too deeply. */
const deepBracket = (source: string): TextRange | undefined => {
  let depth = 0
  let line = 1
  let lineStart = 0
  for (let at = 0; at < source.length; at++) {
    const char = source.charAt(at)
    if (char === "\n") {
      line++
      lineStart = at + 1
    } else if (char === "[" || char === "{") {
      depth++
      if (depth > MaxDepth) return range(line, at - lineStart + 1, at - lineStart + 1)
    } else if (char === "]" || char === "}") depth--
    else if (char === '"' || char === "'" || char === "#") {
      opaque.lastIndex = at
      const text = opaque.exec(source)?.[0] ?? char
      line += text.split("\n").length - 1
      lineStart = text.includes("\n") ? at + text.lastIndexOf("\n") + 1 : lineStart
      at += text.length - 1
    }
  }
  return undefined
}

const unquoted = "string values must be quoted, expected literal string"

const syntaxProblem = (source: string, message: string): SyntaxProblem => {
  const match = /^([^]*) at line (\d+), column (\d+)$/.exec(message)
  if (match === null) return { detail: message, range: range(1, 1, 1) }
  const text = match[1] ?? message
  const line = Number(match[2])
  const column = Number(match[3])
  const invalid = /^Invalid value '([^]*)'$/.exec(text)
  if (invalid !== null) {
    // The parser's position is the end of the token; the error reports its beginning.
    const length = invalid[1]?.length ?? 0
    return { detail: unquoted, range: range(line, column - length, column - 1) }
  }
  if (text === "Expected a value") return { detail: unquoted, range: range(line, column, column) }
  if (text.startsWith("Cannot redefine")) {
    const start = (source.split("\n")[line - 1] ?? "").search(/[^\s[]/) + 1
    return { detail: "duplicate key", range: range(line, Math.max(start, 1), Math.max(start, 1)) }
  }
  return {
    detail: details[text] ?? `${text.slice(0, 1).toLowerCase()}${text.slice(1)}`,
    range: range(line, column, column)
  }
}

/** The release's texts for the most frequent errors. */
const details: Readonly<Record<string, string>> = {
  "Basic strings cannot contain newlines": 'invalid basic string, expected `"`',
  "Literal strings cannot contain newlines": "invalid literal string, expected `'`",
  "Expected ']'": "unclosed table, expected `]`",
  "Expected a key": "unquoted keys cannot be empty, expected letters, numbers, `-`, `_`"
}

const keyPart = String.raw`(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')`
const keyPath = String.raw`${keyPart}(?:\s*\.\s*${keyPart})*`
const headerLine = new RegExp(String.raw`^(\s*\[\[?\s*)(${keyPath})\s*\]`)
const assignmentLine = new RegExp(String.raw`^(\s*)(${keyPath})(\s*=\s*)(.*)$`)

/** A value without the comment after it; a `#` inside quotes does not start one. */
const withoutComment = /^(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^#"'])*/

const splitPath = (text: string): Array<string> =>
  (text.match(new RegExp(keyPart, "g")) ?? []).map((part) => (/^["']/.test(part) ? part.slice(1, -1) : part))

/** The number of characters in the first `parts` parts of a dotted key. */
const lengthOf = (text: string, parts: number): number =>
  new RegExp(`^${keyPart}(?:\\s*\\.\\s*${keyPart}){${parts - 1}}`).exec(text)?.[0].length ?? text.length

/** The length of `prefix` when `path` starts with it; otherwise 0. */
const covered = (path: ReadonlyArray<string>, prefix: ReadonlyArray<string>): number =>
  prefix.length <= path.length && prefix.every((part, index) => part === path[index]) ? prefix.length : 0

/**
 * Where `source` sets `path`: the position of the value, or of its enclosing value or table when the value is in an inline
 * table or missing. Undefined when the text has no part of the path. The search is line by line, so it can mistake a line of
 * a multi-line string for a setting.
 */
export const locate = (source: string, path: ReadonlyArray<string>): TextRange | undefined => {
  let header: ReadonlyArray<string> = []
  let best: TextRange | undefined
  let bestLength = 0
  for (const [index, text] of source.split(/\r?\n/).entries()) {
    const line = index + 1
    const table = headerLine.exec(text)
    if (table !== null) {
      header = splitPath(table[2] ?? "")
      const length = Math.max(covered(path, header), covered(header, path))
      if (length > bestLength) {
        const start = (table[1] ?? "").length + 1
        bestLength = length
        best = range(line, start, start + lengthOf(table[2] ?? "", length) - 1)
      }
      continue
    }
    const assignment = assignmentLine.exec(text)
    if (assignment === null) continue
    const length = covered(path, [...header, ...splitPath(assignment[2] ?? "")])
    if (length === 0 || length < bestLength) continue
    const start = (assignment[1] ?? "").length + (assignment[2] ?? "").length + (assignment[3] ?? "").length + 1
    const value = (withoutComment.exec(assignment[4] ?? "")?.[0] ?? "").trimEnd()
    bestLength = length
    best = range(line, start, start + Math.max(value.length - 1, 0))
  }
  return best
}
