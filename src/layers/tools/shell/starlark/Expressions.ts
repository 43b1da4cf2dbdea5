/**
 * Reads the expressions of a Starlark file.
 *
 * @module
 */
import { errorAt } from "./StarlarkError.ts"
import type { Argument, Clause, Expression, Parameter } from "./Syntax.ts"
import type { Tokens } from "./Tokens.ts"

/** An expression, or a tuple of several separated by commas. */
export const expressionList = (tokens: Tokens): Expression => {
  const first = expression(tokens)
  if (!tokens.is(",")) return first
  const items = [first]
  while (tokens.accept(",")) {
    if (!startsExpression(tokens)) break
    items.push(expression(tokens))
  }
  return { type: "tuple", items, line: first.line, column: first.column }
}

export const expression = (tokens: Tokens): Expression =>
  tokens.nested(() => {
    const { column, line } = tokens.peek()
    if (tokens.accept("lambda")) {
      const list = parameters(tokens, ":")
      tokens.expect(":")
      return { type: "lambda", parameters: list, body: expression(tokens), line, column }
    }
    const then = binary(tokens, 0)
    if (!tokens.accept("if")) return then
    const condition = binary(tokens, 0)
    tokens.expect("else")
    return { type: "conditional", condition, when: then, otherwise: expression(tokens), line, column }
  })

/** The target of a `for` or an assignment. */
export const target = (tokens: Tokens): Expression => {
  const first = postfix(tokens)
  if (!tokens.is(",")) return first
  const items = [first]
  while (tokens.accept(",")) {
    if (!startsExpression(tokens)) break
    items.push(postfix(tokens))
  }
  return { type: "tuple", items, line: first.line, column: first.column }
}

const startsExpression = (tokens: Tokens): boolean => {
  const { kind, text } = tokens.peek()
  if (kind === "mark") return ["(", "[", "{", "-", "+"].includes(text)
  return kind === "name" || kind === "string" || kind === "int" || (kind === "keyword" && /^(?:not|lambda)$/.test(text))
}

/** Operators by precedence, weakest first. */
const Operators: ReadonlyArray<ReadonlyArray<string>> = [
  ["or"],
  ["and"],
  ["not"],
  ["==", "!=", "<", ">", "<=", ">=", "in", "not"],
  ["+", "-"],
  ["*", "//", "%"]
]
const NotLevel = 2
const ComparisonLevel = 3

const binary = (tokens: Tokens, level: number): Expression => {
  const operators = Operators[level]
  if (operators === undefined) return unary(tokens)
  if (level === NotLevel) return negation(tokens)
  let left = binary(tokens, level + 1)
  for (let count = 0; ; count++) {
    const token = tokens.peek()
    const isOperator = (token.kind === "mark" || token.kind === "keyword") && operators.includes(token.text)
    if (!isOperator || (token.text === "not" && !tokens.is("in", 1))) return left
    if (level === ComparisonLevel && count > 0) throw errorAt(token, "comparisons cannot be chained")
    tokens.next()
    const operator = token.text === "not" ? "not in" : token.text
    if (token.text === "not") tokens.next()
    const right = binary(tokens, level + 1)
    left = { type: "binary", operator, left, right, line: token.line, column: token.column }
  }
}

const negation = (tokens: Tokens): Expression => {
  const { column, line } = tokens.peek()
  if (!tokens.accept("not")) return binary(tokens, NotLevel + 1)
  return { type: "unary", operator: "not", operand: tokens.nested(() => negation(tokens)), line, column }
}

const unary = (tokens: Tokens): Expression => {
  const { column, line, text } = tokens.peek()
  if (!tokens.accept("-") && !tokens.accept("+")) return postfix(tokens)
  return { type: "unary", operator: text, operand: tokens.nested(() => unary(tokens)), line, column }
}

const postfix = (tokens: Tokens): Expression => {
  let value = primary(tokens)
  for (;;) {
    const { column, line } = tokens.peek()
    if (tokens.accept(".")) {
      value = { type: "attribute", target: value, name: tokens.take("name", "a name").text, line, column }
    } else if (tokens.accept("(")) value = { type: "call", callee: value, args: callArguments(tokens), line, column }
    else if (tokens.accept("[")) value = subscript(tokens, value)
    else return value
  }
}

const subscript = (tokens: Tokens, value: Expression): Expression => {
  const { column, line } = tokens.peek()
  const from = tokens.is(":") ? undefined : expressionList(tokens)
  if (!tokens.accept(":")) {
    tokens.expect("]")
    return { type: "index", target: value, index: from ?? value, line, column }
  }
  const to = tokens.is("]") ? undefined : expression(tokens)
  tokens.expect("]")
  return { type: "slice", target: value, from, to, line, column }
}

const callArguments = (tokens: Tokens): ReadonlyArray<Argument> => {
  const args: Array<Argument> = []
  while (!tokens.accept(")")) {
    if (tokens.accept("**")) args.push({ kind: "doubleStar", name: "", value: expression(tokens) })
    else if (tokens.accept("*")) args.push({ kind: "star", name: "", value: expression(tokens) })
    else if (tokens.peek().kind === "name" && tokens.is("=", 1)) {
      const name = tokens.next().text
      tokens.next()
      args.push({ kind: "named", name, value: expression(tokens) })
    } else if (args.length > 0 && args.at(-1)?.kind !== "positional") throw tokens.unexpected("a named argument")
    else args.push({ kind: "positional", name: "", value: expression(tokens) })
    if (!tokens.is(")")) tokens.expect(",")
  }
  return args
}

/** The parameters of a function, up to `close`, which is not consumed. */
export const parameters = (tokens: Tokens, close: ")" | ":"): ReadonlyArray<Parameter> => {
  const list: Array<Parameter> = []
  const seen = new Set<string>()
  while (!tokens.is(close)) {
    const kind = tokens.accept("**") ? "doubleStar" : tokens.accept("*") ? "star" : "plain"
    const name = tokens.take("name", "a parameter")
    if (seen.has(name.text)) throw errorAt(name, `parameter \`${name.text}\` is there twice`)
    if (list.at(-1)?.kind === "doubleStar") throw errorAt(name, "no parameter may follow `**`")
    seen.add(name.text)
    if (close === ")" && tokens.is(":")) throw errorAt(tokens.peek(), "type annotations are not supported")
    const standard = kind === "plain" && tokens.accept("=") ? expression(tokens) : undefined
    list.push({ kind, name: name.text, standard })
    if (!tokens.is(close)) tokens.expect(",")
  }
  return list
}

const primary = (tokens: Tokens): Expression => {
  const token = tokens.peek()
  const { column, line } = token
  switch (token.kind) {
    case "string":
      tokens.next()
      return { type: "literal", value: token.text, line, column }
    case "int": {
      tokens.next()
      const value = Number(token.text)
      if (!Number.isSafeInteger(value)) throw errorAt(token, "the number is too large")
      return { type: "literal", value, line, column }
    }
    case "name":
      tokens.next()
      if (token.text === "True" || token.text === "False") {
        return { type: "literal", value: token.text === "True", line, column }
      }
      return token.text === "None"
        ? { type: "literal", value: null, line, column }
        : { type: "name", name: token.text, line, column }
    default:
      if (tokens.accept("(")) return parenthesized(tokens, { line, column })
      if (tokens.accept("[")) return listOf(tokens, { line, column })
      if (tokens.accept("{")) return dictOf(tokens, { line, column })
      throw tokens.unexpected("an expression")
  }
}

type At = Pick<Expression, "line" | "column">

const parenthesized = (tokens: Tokens, at: At): Expression => {
  if (tokens.accept(")")) return { type: "tuple", items: [], ...at }
  const value = expressionList(tokens)
  tokens.expect(")")
  return value
}

const listOf = (tokens: Tokens, at: At): Expression => {
  const items: Array<Expression> = []
  while (!tokens.accept("]")) {
    const value = expression(tokens)
    if (items.length === 0 && tokens.is("for")) {
      return { type: "comprehension", key: undefined, value, clauses: clauses(tokens, "]"), ...at }
    }
    items.push(value)
    if (!tokens.is("]")) tokens.expect(",")
  }
  return { type: "list", items, ...at }
}

const dictOf = (tokens: Tokens, at: At): Expression => {
  const entries: Array<readonly [Expression, Expression]> = []
  while (!tokens.accept("}")) {
    const key = expression(tokens)
    tokens.expect(":")
    const value = expression(tokens)
    if (entries.length === 0 && tokens.is("for")) {
      return { type: "comprehension", key, value, clauses: clauses(tokens, "}"), ...at }
    }
    entries.push([key, value])
    if (!tokens.is("}")) tokens.expect(",")
  }
  return { type: "dict", entries, ...at }
}

const clauses = (tokens: Tokens, close: string): ReadonlyArray<Clause> => {
  const list: Array<Clause> = []
  while (!tokens.accept(close)) {
    if (tokens.accept("for")) {
      const bound = target(tokens)
      tokens.expect("in")
      list.push({ target: bound, value: binary(tokens, 0) })
    } else {
      tokens.expect("if")
      list.push({ target: undefined, value: binary(tokens, 0) })
    }
  }
  return list
}
