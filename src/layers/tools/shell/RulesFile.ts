/**
 * Parses a `*.rules` file: a Starlark file that calls
 *
 * ```
 * prefix_rule(pattern=["git", ["add", "rm"]], decision="allow", match=["git add x"], not_match=["git push"])
 * prefix_rule(pattern=["mkdir"], decision="prompt", justification="ask me first")
 * host_executable(name="git", paths=["/usr/bin/git"])
 * ```
 *
 * A position of a pattern is a word or a list of alternatives; `decision` defaults to `allow`. The examples in `match` and
 * `not_match` are verified. `network_rule` is accepted and has no effect, because no proxy could enforce it. An error in a
 * file invalidates the whole file.
 *
 * @module
 */
import * as Result from "effect/Result"
import { matches } from "./Rules.ts"
import type { Rule, RuleDecision } from "../../../services/tool/ExecRules.ts"
import { run } from "./starlark/Evaluator.ts"
import { type Bound, builtin } from "./starlark/Signature.ts"
import { errorAt, limitAt, type Position, StarlarkError } from "./starlark/StarlarkError.ts"
import { quoted } from "./starlark/StringEscapes.ts"
import { type Callable, List, typeName, type Value } from "./starlark/Values.ts"

export interface FileRules {
  readonly rules: ReadonlyArray<Rule>
  readonly hostExecutables: ReadonlyMap<string, ReadonlyArray<string>>
}

/** Maximum number of rules in one file. */
const MaxRules = 10_000

/** The rules of a file, or its error. */
export const parse = (source: string): Result.Result<FileRules, StarlarkError> => {
  const rules: Array<Rule> = []
  const hostExecutables = new Map<string, ReadonlyArray<string>>()
  try {
    run(source, [prefixRule(rules), hostExecutable(hostExecutables), networkRule])
    return Result.succeed({ rules, hostExecutables })
  } catch (error) {
    if (error instanceof StarlarkError) return Result.fail(error)
    throw error
  }
}

/** The line of a rule that allows commands with this prefix. */
export const printAllow = (prefix: ReadonlyArray<string>): string =>
  `prefix_rule(pattern=[${prefix.map(quoted).join(", ")}], decision="allow")`

const prefixRule = (into: Array<Rule>): Callable =>
  builtin("prefix_rule", ["pattern", "decision", "match", "not_match", "justification"], 1, (bound, { position }) => {
    const justification = bound.get("justification") === undefined ? null : bound.text("justification")
    if (justification?.trim() === "") throw errorAt(position, "invalid rule: justification cannot be empty")
    const rule: Rule = {
      pattern: patternOf(bound.get("pattern") ?? null, position),
      decision: decisionOf(bound.text("decision", "allow"), position),
      justification
    }
    for (const example of examples(bound, "match", position)) {
      if (!matches(rule, example)) throw errorAt(position, `example does not match its rule: ${shown(example)}`)
    }
    for (const example of examples(bound, "not_match", position)) {
      if (matches(rule, example)) throw errorAt(position, `example matches its rule: ${shown(example)}`)
    }
    if (into.length >= MaxRules) throw limitAt(position, `more than ${MaxRules} rules`)
    into.push(rule)
    return null
  })

const patternOf = (value: Value, at: Position): Rule["pattern"] => {
  if (!(value instanceof List)) throw errorAt(at, `parameter \`pattern\` must be a list, not ${typeName(value)}`)
  if (value.items.length === 0) throw errorAt(at, "invalid pattern element: pattern cannot be empty")
  return value.items.map((element) => {
    if (typeof element === "string") return [element]
    if (!(element instanceof List)) {
      throw errorAt(
        at,
        `invalid pattern element: pattern element must be a string or list of strings (got ${typeName(element)})`
      )
    }
    if (element.items.length === 0) {
      throw errorAt(at, "invalid pattern element: pattern alternatives cannot be empty")
    }
    return texts(element, "pattern alternative", at)
  })
}

const texts = (list: List, what: string, at: Position): ReadonlyArray<string> =>
  list.items.map((item) => {
    if (typeof item !== "string") throw errorAt(at, `${what} must be a string (got ${typeName(item)})`)
    return item
  })

const decisionOf = (text: string, at: Position): RuleDecision => {
  if (text === "allow" || text === "prompt" || text === "forbidden") return text
  throw errorAt(at, `invalid decision: ${shorten(text)}`)
}

const examples = (bound: Bound, parameter: string, at: Position): ReadonlyArray<ReadonlyArray<string>> => {
  const value = bound.get(parameter)
  if (value === undefined) return []
  if (!(value instanceof List)) throw errorAt(at, `parameter \`${parameter}\` must be a list, not ${typeName(value)}`)
  return value.items.map((example) => {
    const words =
      typeof example === "string"
        ? split(example)
        : example instanceof List
          ? texts(example, "example token", at)
          : undefined
    if (words === undefined || words.length === 0) {
      throw errorAt(at, "invalid example: an example is a command, as one string or as a list of its words")
    }
    return words
  })
}

/** The words of a line, with POSIX quoting; undefined when a quote is not closed. */
const split = (line: string): ReadonlyArray<string> | undefined => {
  const words: Array<string> = []
  const word = /\s*((?:[^\s'"\\]|\\[^]|'[^']*'|"(?:[^"\\]|\\[^])*")+)/y
  while (word.lastIndex < line.trimEnd().length) {
    const match = word.exec(line)
    if (match === null) return undefined
    words.push(unquote(match[1] ?? ""))
  }
  return words
}

const unquote = (word: string): string =>
  word.replace(/'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])/g, (_, single?: string, double?: string, escaped?: string) =>
    single !== undefined ? single : double !== undefined ? double.replace(/\\(["\\$`])/g, "$1") : (escaped ?? "")
  )

const shorten = (text: string): string => (text.length > 64 ? `${text.slice(0, 64)}…` : text)
const shown = (words: ReadonlyArray<string>): string => shorten(words.join(" "))

const hostExecutable = (into: Map<string, ReadonlyArray<string>>): Callable =>
  builtin("host_executable", ["name", "paths"], 2, (bound, { position }) => {
    const name = bound.text("name")
    const paths = bound.get("paths") ?? null
    if (name === "") throw errorAt(position, "host_executable name cannot be empty")
    if (/[/\\]/.test(name)) {
      throw errorAt(position, `host_executable name must be a bare executable name (got ${shorten(name)})`)
    }
    if (!(paths instanceof List)) throw errorAt(position, "host_executable paths must be a list of strings")
    const found = texts(paths, "host_executable path", position)
    for (const path of found) {
      if (!path.startsWith("/")) {
        throw errorAt(position, `host_executable paths must be absolute (got ${shorten(path)})`)
      }
      if (path.slice(path.lastIndexOf("/") + 1) !== name) {
        throw errorAt(position, `host_executable path \`${shorten(path)}\` must end in its name`)
      }
    }
    into.set(name, found)
    return null
  })

const networkRule = builtin("network_rule", ["host", "protocol", "decision", "justification"], 3, (bound) => {
  for (const parameter of ["host", "protocol", "decision"]) bound.text(parameter)
  if (bound.get("justification") !== undefined) bound.text("justification")
  return null
})
