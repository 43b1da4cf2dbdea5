/**
 * The user's standing rules about commands: prefixes that are let through, asked about or forbidden, and the text form
 * they have in `<home>/rules/default.rules`.
 *
 * The file is a list of calls, in the notation of the release:
 *
 * ```
 * prefix_rule(pattern=["git", ["add", "rm"]], decision="allow")
 * prefix_rule(pattern=["mkdir"], decision="prompt", justification="ask me first")
 * ```
 *
 * A position of a pattern is a word or a list of alternatives. Other arguments and other calls are read and left aside;
 * where the notation itself is broken no rule of the file counts, because half of a policy is not one.
 *
 * @module
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

export type RuleDecision = "allow" | "prompt" | "forbidden"

export interface Rule {
  /** The alternatives at each position; a command matches when its first words do. */
  readonly pattern: ReadonlyArray<ReadonlyArray<string>>
  readonly decision: RuleDecision
  readonly justification: string | null
}

/** The rules file is not in the notation; `line` counts from 1. */
export class RulesSyntaxError extends Schema.TaggedError<RulesSyntaxError>()("RulesSyntaxError", {
  line: Schema.Int,
  expected: Schema.String
}) {
  override get message(): string {
    return `line ${this.line}: expected ${this.expected}`
  }
}

export const allowPrefix = (prefix: ReadonlyArray<string>): Rule => ({
  pattern: prefix.map((word) => [word]),
  decision: "allow",
  justification: null
})

/** True when `words` begin as the rule says. */
export const matches = (rule: Rule, words: ReadonlyArray<string>): boolean =>
  rule.pattern.length <= words.length &&
  rule.pattern.every((alternatives, position) => alternatives.includes(words[position] ?? ""))

/** The line that lets commands with this prefix through. */
export const printAllow = (prefix: ReadonlyArray<string>): string =>
  `prefix_rule(pattern=[${prefix.map((word) => JSON.stringify(word)).join(", ")}], decision="allow")`

/** The rules of a file. */
export const parse = (source: string): Result.Result<ReadonlyArray<Rule>, RulesSyntaxError> => {
  try {
    return Result.succeed(rulesOf(new Tokens(source)))
  } catch (error) {
    if (error instanceof RulesSyntaxError) return Result.fail(error)
    throw error
  }
}

// From here on a `RulesSyntaxError` is thrown where the notation is broken.

const rulesOf = (tokens: Tokens): ReadonlyArray<Rule> => {
  const rules: Array<Rule> = []
  while (tokens.peek().kind !== "end") {
    const name = tokens.take("name")
    const args = callArguments(tokens)
    const rule = name === "prefix_rule" ? toRule(args, tokens) : undefined
    if (rule !== undefined) rules.push(rule)
  }
  return rules
}

type Value = string | ReadonlyArray<Value>

const callArguments = (tokens: Tokens): Map<string, Value> => {
  const args = new Map<string, Value>()
  tokens.take("(")
  while (tokens.peek().kind !== ")") {
    const name = tokens.take("name")
    tokens.take("=")
    args.set(name, value(tokens))
    if (tokens.peek().kind !== ")") tokens.take(",")
  }
  tokens.take(")")
  return args
}

const value = (tokens: Tokens): Value => {
  if (tokens.peek().kind !== "[") return tokens.take("string")
  const items: Array<Value> = []
  tokens.take("[")
  while (tokens.peek().kind !== "]") {
    items.push(value(tokens))
    if (tokens.peek().kind !== "]") tokens.take(",")
  }
  tokens.take("]")
  return items
}

const toRule = (args: Map<string, Value>, tokens: Tokens): Rule => {
  const pattern = args.get("pattern")
  const decision = args.get("decision") ?? "allow"
  const justification = args.get("justification")
  if (typeof pattern !== "object" || pattern.length === 0) throw tokens.error("a pattern with at least one word")
  if (decision !== "allow" && decision !== "prompt" && decision !== "forbidden") {
    throw tokens.error('decision "allow", "prompt" or "forbidden"')
  }
  return {
    pattern: pattern.map((position) => (typeof position === "string" ? [position] : position.filter(isString))),
    decision,
    justification: typeof justification === "string" ? justification : null
  }
}

const isString = (value: Value): value is string => typeof value === "string"

type Kind = "name" | "string" | "(" | ")" | "[" | "]" | "=" | "," | "end"

interface Token {
  readonly kind: Kind
  readonly text: string
  readonly line: number
}

/** Blanks and comments, then one token: a name, a string in either quotes, or a mark. */
const Lexeme = /(?:\s|#[^\n]*)*(?:([A-Za-z_]\w*)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|([()[\]=,]))/y
const Rest = /(?:\s|#[^\n]*)*$/y

class Tokens {
  private at = 0
  private next: Token | undefined

  private readonly source: string

  constructor(source: string) {
    this.source = source
  }

  peek(): Token {
    this.next ??= this.read()
    return this.next
  }

  /** The text of the next token, which must be of this kind. */
  take(kind: Kind): string {
    const token = this.peek()
    if (token.kind !== kind) throw this.error(kind.length === 1 ? `\`${kind}\`` : `a ${kind}`)
    this.next = undefined
    return token.text
  }

  error(expected: string): RulesSyntaxError {
    return new RulesSyntaxError({ line: this.next?.line ?? this.line(), expected })
  }

  private read(): Token {
    Lexeme.lastIndex = this.at
    const match = Lexeme.exec(this.source)
    if (match === null) {
      Rest.lastIndex = this.at
      if (Rest.test(this.source)) return { kind: "end", text: "", line: this.line() }
      throw new RulesSyntaxError({ line: this.line(), expected: "a rule" })
    }
    this.at = Lexeme.lastIndex
    const line = this.line()
    if (match[1] !== undefined) return { kind: "name", text: match[1], line }
    if (match[2] !== undefined) return { kind: "string", text: unquoted(match[2]), line }
    // The third group is one of the marks.
    return { kind: match[3] as Kind, text: match[3] ?? "", line }
  }

  /** Of the end of what was read. */
  private line(): number {
    return this.source.slice(0, this.at).split("\n").length
  }
}

const Escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "0": "\0", b: "\b", f: "\f" }

/** JSON's escapes are among those of the notation; what else is escaped stands for itself. */
const unquoted = (text: string): string =>
  text
    .slice(1, -1)
    .replace(/\\(?:u([0-9a-fA-F]{4})|([^]))/g, (_, code: string | undefined, char: string | undefined) =>
      code !== undefined ? String.fromCharCode(Number.parseInt(code, 16)) : (Escapes[char ?? ""] ?? char ?? "")
    )
