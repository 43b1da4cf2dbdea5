/**
 * Splits the text of a Starlark file into tokens. Line ends and indentation are tokens, outside of brackets.
 *
 * Owns string literals and their escapes. f-strings, byte strings and floating-point numbers are refused.
 *
 * @module
 */
import { errorAt, type Position } from "./StarlarkError.ts"
import { unescape } from "./StringEscapes.ts"

export type TokenKind = "name" | "keyword" | "string" | "int" | "mark" | "newline" | "indent" | "dedent" | "end"

export interface Token extends Position {
  readonly kind: TokenKind
  /** The name, the keyword, the mark, the digits, or the value of the string. */
  readonly text: string
}

const Keywords = new Set(
  "and break continue def elif else for if in lambda load not or pass return as assert async await class del except finally from global import is nonlocal raise try while with yield".split(
    " "
  )
)
/** Longest first. */
const Marks = /(?:\/\/=|<<=|>>=|\*\*|\/\/|<<|>>|==|!=|<=|>=|\+=|-=|\*=|\/=|%=|&=|\|=|\^=|->|[-+*/%=<>()[\]{},:;.|&^~])/y
const Name = /[A-Za-z_][A-Za-z0-9_]*/y
const Digits = /0[xX][0-9a-fA-F]+|0[oO][0-7]+|[0-9]+/y
const StringStart = /([A-Za-z]{0,2})("""|'''|"|')/y

const matchAt = (pattern: RegExp, source: string, at: number): RegExpExecArray | null => {
  pattern.lastIndex = at
  return pattern.exec(source)
}

class Lexer {
  readonly #source: string
  readonly #tokens: Array<Token> = []
  readonly #indents = [0]
  #at = 0
  #line = 1
  #lineStart = 0
  #brackets = 0

  constructor(source: string) {
    this.#source = source
  }

  run(): ReadonlyArray<Token> {
    let isLineStart = true
    while (this.#at < this.#source.length) {
      if (isLineStart && this.#brackets === 0 && this.#startLine()) continue
      isLineStart = false
      const char = this.#source.charAt(this.#at)
      if (char === "\n") {
        if (this.#brackets === 0) {
          this.#push("newline", "")
          isLineStart = true
        }
        this.#at++
        this.#nextLine()
      } else if (char === " " || char === "\t") this.#at++
      else if (char === "#") this.#skipComment()
      else if (char === "\\" && this.#source[this.#at + 1] === "\n") {
        this.#at += 2
        this.#nextLine()
      } else this.#readToken()
    }
    if (this.#tokens.at(-1)?.kind !== "newline" && this.#tokens.length > 0) this.#push("newline", "")
    for (; this.#indents.length > 1; this.#indents.pop()) this.#push("dedent", "")
    this.#push("end", "")
    return this.#tokens
  }

  /** Measures the indentation. True for a line with nothing on it, which is skipped. */
  #startLine(): boolean {
    const begin = this.#at
    while (this.#source[this.#at] === " ") this.#at++
    const char = this.#source[this.#at]
    if (char === "\t") throw errorAt(this.#position(), "tabs are not allowed in indentation")
    if (char === "#") this.#skipComment()
    if (this.#at >= this.#source.length) return true
    if (this.#source[this.#at] === "\n") {
      this.#at++
      this.#nextLine()
      return true
    }
    const width = this.#at - begin
    if (width > (this.#indents.at(-1) ?? 0)) {
      this.#indents.push(width)
      this.#push("indent", "")
    }
    while (width < (this.#indents.at(-1) ?? 0)) {
      this.#indents.pop()
      this.#push("dedent", "")
    }
    if (width !== this.#indents.at(-1)) throw errorAt(this.#position(), "inconsistent indentation")
    return false
  }

  #readToken(): void {
    const string = matchAt(StringStart, this.#source, this.#at)
    if (string !== null) return this.#readString(string[1] ?? "", string[2] ?? "")
    const name = matchAt(Name, this.#source, this.#at)?.[0]
    if (name !== undefined) return this.#take(Keywords.has(name) ? "keyword" : "name", name)
    const digits = matchAt(Digits, this.#source, this.#at)?.[0]
    if (digits !== undefined) {
      if (/[\w.]/.test(this.#source.charAt(this.#at + digits.length)) || /^0[0-9]/.test(digits)) {
        throw errorAt(this.#position(), "this form of a number is not supported")
      }
      return this.#take("int", digits)
    }
    const mark = matchAt(Marks, this.#source, this.#at)?.[0]
    if (mark === undefined) throw errorAt(this.#position(), "unexpected character")
    if ("([{".includes(mark)) this.#brackets++
    if (")]}".includes(mark)) this.#brackets = Math.max(0, this.#brackets - 1)
    this.#take("mark", mark)
  }

  #readString(prefix: string, quote: string): void {
    const position = this.#position()
    const isRaw = prefix.toLowerCase() === "r"
    if (prefix !== "" && !isRaw) throw errorAt(position, `string prefix \`${prefix}\` is not supported`)
    const begin = this.#at + prefix.length + quote.length
    let end = begin
    while (!this.#source.startsWith(quote, end)) {
      const char = this.#source[end]
      if (char === undefined || (char === "\n" && quote.length === 1)) throw errorAt(position, "unterminated string")
      end += char === "\\" ? 2 : 1
    }
    const body = this.#source.slice(begin, end)
    this.#tokens.push({ kind: "string", text: isRaw ? body : unescape(body, position), ...position })
    this.#at = end + quote.length
    for (let newline = body.indexOf("\n"); newline !== -1; newline = body.indexOf("\n", newline + 1)) {
      this.#line++
      this.#lineStart = begin + newline + 1
    }
  }

  #skipComment(): void {
    while (this.#at < this.#source.length && this.#source[this.#at] !== "\n") this.#at++
  }

  #nextLine(): void {
    this.#line++
    this.#lineStart = this.#at
  }

  #take(kind: TokenKind, text: string): void {
    this.#push(kind, text)
    this.#at += text.length
  }

  #push(kind: TokenKind, text: string): void {
    this.#tokens.push({ kind, text, ...this.#position() })
  }

  #position(): Position {
    return { line: this.#line, column: this.#at - this.#lineStart + 1 }
  }
}

/** The tokens of `source`, the last of kind `end`. Throws a `StarlarkError`. */
export const tokenize = (source: string): ReadonlyArray<Token> => new Lexer(source.replaceAll("\r\n", "\n")).run()
