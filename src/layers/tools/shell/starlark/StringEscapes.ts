/**
 * The escapes of Starlark's string literals, in both directions.
 *
 * @module
 */
import { errorAt, type Position } from "./StarlarkError.ts"

const Escape = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|([^]))/g

const Named: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  a: "\u0007",
  b: "\b",
  f: "\f",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
  "\n": ""
}

/** The value of a literal's body. Throws for a code that is not a character; an unknown escape is kept unchanged. */
export const unescape = (body: string, position: Position): string =>
  body.replace(Escape, (whole: string, hex?: string, short?: string, long?: string, octal?: string, char?: string) => {
    const digits = hex ?? short ?? long
    if (digits !== undefined) return character(Number.parseInt(digits, 16), position)
    if (octal !== undefined) return character(Number.parseInt(octal, 8), position)
    return Named[char ?? ""] ?? whole
  })

const character = (code: number, position: Position): string => {
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw errorAt(position, "an escape is not a character")
  return String.fromCodePoint(code)
}

/** A literal for `text`. Everything but printable ASCII is escaped; a lone surrogate becomes U+FFFD. */
export const quoted = (text: string): string => {
  let body = ""
  for (const char of text.toWellFormed()) {
    const code = char.codePointAt(0) ?? 0
    if (char === '"' || char === "\\") body += `\\${char}`
    else if (code >= 0x20 && code < 0x7f) body += char
    else if (char === "\n") body += "\\n"
    else if (code <= 0xffff) body += `\\u${code.toString(16).padStart(4, "0")}`
    else body += `\\U${code.toString(16).padStart(8, "0")}`
  }
  return `"${body}"`
}
