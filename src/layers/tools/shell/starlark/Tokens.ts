/**
 * A cursor over the tokens of a Starlark file, with the depth of its reader.
 *
 * @module
 */
import { type Token, type TokenKind, tokenize } from "./Lexer.ts"
import { errorAt, limitAt, type StarlarkError } from "./StarlarkError.ts"

/** Maximum nesting of expressions and statements. */
const MaxDepth = 64

export class Tokens {
  readonly #tokens: ReadonlyArray<Token>
  #at = 0
  #depth = 0

  constructor(source: string) {
    this.#tokens = tokenize(source)
  }

  peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)]
    if (token === undefined) throw errorAt({ line: 1, column: 1 }, "unexpected end")
    return token
  }

  next(): Token {
    const token = this.peek()
    this.#at++
    return token
  }

  /** True when the next token is this mark or keyword. */
  is(text: string, ahead = 0): boolean {
    const token = this.peek(ahead)
    return token.text === text && (token.kind === "mark" || token.kind === "keyword")
  }

  /** Takes the mark or keyword if it is the next token. */
  accept(text: string): boolean {
    if (!this.is(text)) return false
    this.#at++
    return true
  }

  expect(text: string): Token {
    if (!this.is(text)) throw this.unexpected(`\`${text}\``)
    return this.next()
  }

  take(kind: TokenKind, what: string): Token {
    if (this.peek().kind !== kind) throw this.unexpected(what)
    return this.next()
  }

  unexpected(expected: string): StarlarkError {
    const token = this.peek()
    const found = token.text === "" || token.kind === "string" ? nameOf(token.kind) : `\`${token.text}\``
    return errorAt(token, `unexpected ${found}, expected ${expected}`)
  }

  /** Reads one level deeper. */
  nested<A>(read: () => A): A {
    if (++this.#depth > MaxDepth) throw limitAt(this.peek(), `nested deeper than ${MaxDepth} levels`)
    const result = read()
    this.#depth--
    return result
  }
}

const nameOf = (kind: TokenKind): string => (kind === "end" ? "end of file" : kind === "newline" ? "new line" : kind)
