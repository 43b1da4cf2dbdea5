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
import type { TextRange } from "./ConfigError.ts"
import { type Table, tableFromUnknown } from "./Table.ts"

/** Bytes of a file of settings. */
export const MaxBytes = 1024 * 1024

/** A text that is not TOML. */
export interface SyntaxProblem {
  readonly detail: string
  readonly range: TextRange
}

const range = (line: number, start: number, end: number): TextRange => ({
  start: { line, column: start },
  end: { line, column: end }
})

/** Parses `source`. Dates become ISO text. */
export const parse = (source: string): Result.Result<Table, SyntaxProblem> =>
  Result.match(Toml.parse(source), {
    onSuccess: (table) => Result.succeed(tableFromUnknown(table)),
    onFailure: (error) => Result.fail(syntaxProblem(source, error.message))
  })

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
