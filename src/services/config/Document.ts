/**
 * One TOML text: parsed, or told where it is wrong, and where in it a setting stands.
 *
 * The parser is Effect's. It reports a position in its message and none for values, so this module reads the former and
 * looks for the latter by itself, which is done only when something is wrong with the value.
 *
 * @module
 */
import * as Toml from "effect/encoding/Toml"
import * as Result from "effect/Result"
import { isDeeperThan, MaxDepth } from "../../protocol/jsonrpc/Depth.ts"
import type { TextRange } from "./ConfigError.ts"
import { type Table, tableFromUnknown } from "./Table.ts"

/** Bytes of a file of settings. */
export const MaxBytes = 1024 * 1024

/** A text that is not TOML. */
export interface SyntaxProblem {
  readonly detail: string
  readonly range: TextRange
  /** True for a text that nobody can say whether it is TOML: it is nested too deep to be read. */
  readonly tooDeep?: true
}

const range = (line: number, start: number, end: number): TextRange => ({
  start: { line, column: start },
  end: { line, column: end }
})

/** What the parser says of a text that is deeper than its stack. */
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

/** The path to the first value that is nested too deep, and on to what is innermost. */
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

/** Text in quotes and comments, in which brackets are none. */
const opaque = /"""(?:[^"\\]|\\[^]|"(?!""))*"""|'''(?:[^']|'(?!''))*'''|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*/y

/** Where brackets are nested too deep. */
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
    // The parser stands behind the token; the reader wants its beginning.
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

/** The release's words for what happens most. */
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

/** A value up to the comment behind it; a `#` inside quotes is none. */
const withoutComment = /^(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^#"'])*/

const splitPath = (text: string): Array<string> =>
  (text.match(new RegExp(keyPart, "g")) ?? []).map((part) => (/^["']/.test(part) ? part.slice(1, -1) : part))

/** How many characters the first `parts` parts of a written path take. */
const lengthOf = (text: string, parts: number): number =>
  new RegExp(`^${keyPart}(?:\\s*\\.\\s*${keyPart}){${parts - 1}}`).exec(text)?.[0].length ?? text.length

/** How many leading parts of `path` are `prefix`; 0 where `prefix` is no prefix of it. */
const covered = (path: ReadonlyArray<string>, prefix: ReadonlyArray<string>): number =>
  prefix.length <= path.length && prefix.every((part, index) => part === path[index]) ? prefix.length : 0

/**
 * Where `source` sets `path`: the value, or what encloses it when the value is inside an inline table or was left out of a
 * table. Undefined where the text has nothing of it. Works line by line, so a setting that is shown inside a multi-line
 * text can be mistaken for one.
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
