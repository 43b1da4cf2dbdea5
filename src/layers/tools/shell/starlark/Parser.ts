/**
 * Reads the statements of a Starlark file. Unsupported statements are refused by name.
 *
 * @module
 */
import { expression, expressionList, parameters, target } from "./Expressions.ts"
import { errorAt } from "./StarlarkError.ts"
import type { Statement } from "./Syntax.ts"
import { Tokens } from "./Tokens.ts"

interface Place {
  readonly inFunction: boolean
  readonly inLoop: boolean
}

/** The statements of `source`. Throws a `StarlarkError`. */
export const parse = (source: string): ReadonlyArray<Statement> => {
  const tokens = new Tokens(source)
  const statements: Array<Statement> = []
  while (tokens.peek().kind !== "end") statements.push(...statement(tokens, { inFunction: false, inLoop: false }))
  return statements
}

const statement = (tokens: Tokens, place: Place): ReadonlyArray<Statement> =>
  tokens.nested(() => {
    const { column, kind, line, text } = tokens.peek()
    if (kind === "indent") throw errorAt(tokens.peek(), "unexpected indentation")
    if (kind === "keyword") {
      if (text === "if") {
        tokens.next()
        return [conditional(tokens, place)]
      }
      if (text === "for") {
        tokens.next()
        const bound = target(tokens)
        tokens.expect("in")
        const iterable = expressionList(tokens)
        return [{ type: "for", target: bound, iterable, body: block(tokens, { ...place, inLoop: true }), line, column }]
      }
      if (text === "def") {
        tokens.next()
        const name = tokens.take("name", "a name").text
        tokens.expect("(")
        const list = parameters(tokens, ")")
        tokens.expect(")")
        if (tokens.is("->")) throw errorAt(tokens.peek(), "type annotations are not supported")
        const body = block(tokens, { inFunction: true, inLoop: false })
        return [{ type: "def", name, parameters: list, body, line, column }]
      }
    }
    return simpleLine(tokens, place)
  })

const conditional = (tokens: Tokens, place: Place): Statement => {
  const { column, line } = tokens.peek()
  const condition = expression(tokens)
  const then = block(tokens, place)
  if (tokens.accept("elif")) {
    return {
      type: "if",
      condition,
      when: then,
      otherwise: [tokens.nested(() => conditional(tokens, place))],
      line,
      column
    }
  }
  return {
    type: "if",
    condition,
    when: then,
    otherwise: tokens.accept("else") ? block(tokens, place) : [],
    line,
    column
  }
}

const block = (tokens: Tokens, place: Place): ReadonlyArray<Statement> => {
  tokens.expect(":")
  if (tokens.peek().kind !== "newline") return simpleLine(tokens, place)
  tokens.next()
  tokens.take("indent", "an indented block")
  const statements: Array<Statement> = []
  while (tokens.peek().kind !== "dedent") statements.push(...statement(tokens, place))
  tokens.next()
  return statements
}

/** Simple statements on one line, with semicolons between them. */
const simpleLine = (tokens: Tokens, place: Place): ReadonlyArray<Statement> => {
  const statements = [simple(tokens, place)]
  while (tokens.accept(";")) if (tokens.peek().kind !== "newline") statements.push(simple(tokens, place))
  tokens.take("newline", "a new line")
  return statements
}

const simple = (tokens: Tokens, place: Place): Statement => {
  const token = tokens.peek()
  const { column, line } = token
  if (token.kind === "keyword") {
    switch (token.text) {
      case "pass":
        tokens.next()
        return { type: "pass", line, column }
      case "break":
      case "continue":
        tokens.next()
        if (!place.inLoop) throw errorAt(token, `\`${token.text}\` outside of a loop`)
        return { type: token.text, line, column }
      case "return": {
        tokens.next()
        if (!place.inFunction) throw errorAt(token, "`return` outside of a function")
        const isBare = tokens.peek().kind === "newline" || tokens.is(";")
        return { type: "return", value: isBare ? undefined : expressionList(tokens), line, column }
      }
      case "load":
        throw errorAt(token, "`load` is not available: a rules file stands for itself")
      default:
        if (token.text !== "not" && token.text !== "lambda") {
          throw errorAt(token, `\`${token.text}\` is not supported here`)
        }
    }
  }
  return assignment(tokens)
}

const assignment = (tokens: Tokens): Statement => {
  const left = expressionList(tokens)
  const { column, line } = left
  const mark = tokens.peek()
  if (tokens.is(":")) throw errorAt(mark, "type annotations are not supported")
  if (tokens.accept("=")) {
    const value = expressionList(tokens)
    if (tokens.is("=")) throw errorAt(tokens.peek(), "assignments cannot be chained")
    return { type: "assign", target: left, value, line, column }
  }
  if (mark.kind === "mark" && ["+=", "-=", "*=", "//=", "%="].includes(mark.text)) {
    tokens.next()
    const value = expressionList(tokens)
    return { type: "augment", operator: mark.text.slice(0, -1), target: left, value, line, column }
  }
  return { type: "expression", value: left, line, column }
}
