/**
 * Makes untrusted text safe for a terminal.
 *
 * There are two forms. Text that the user decides about, such as a command, is shown completely (`shown`, `shownOnOneLine`):
 * every character that a terminal would interpret, hide or show as a blank is escaped. From text that the user only reads,
 * such as an answer or output (`plain`), these characters are removed. Does not own layout.
 *
 * @module
 */
import { stripVTControlCharacters } from "node:util"

/** Embeddings, overrides and isolates: they reorder the text after them. */
const Reordering = /[\u202A-\u202E\u2066-\u2069]/g

/** Removes escape sequences, other control characters, and characters that reorder text. Line ends and tabs stay. */
export const plain = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(Reordering, "")
    .replace(/\p{Cc}/gu, (character) => (character === "\n" || character === "\t" ? character : ""))

/**
 * Control and format characters, lone surrogates, line and paragraph separators, default-ignorable characters (zero-width
 * characters, variation selectors, tags, fillers), and blanks other than the space, which a shell treats as letters.
 */
const Invisible = String.raw`\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Zs}\p{Default_Ignorable_Code_Point}\u2800`

const invisible = new RegExp(`(?![ \\n\\t])[${Invisible}]`, "u")
const escapable = new RegExp(`(?! )[\\\\${Invisible}]`, "gu")

const names: ReadonlyMap<string, string> = new Map([
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"]
])

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, "0")

const escapeOf = (character: string): string => {
  const code = character.codePointAt(0) ?? 0
  const named = names.get(character)
  if (named !== undefined) return named
  if (code < 0x100) return `\\x${hex(code, 2)}`
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\u{${hex(code, 1)}}`
}

/** Precedes text that contains escapes. In such text, a backslash is doubled. */
export const EscapedMark = "(with escapes) "

const escaped = (text: string): string =>
  `${EscapedMark}${text.replace(escapable, (character) =>
    character === "\n" || character === "\t" ? character : escapeOf(character)
  )}`

/** The prefix of every line of a text except the first. */
const Continuation = "> "

/**
 * The whole text, without any character that a terminal would interpret or hide. Different texts have different results.
 * Line ends and tabs are kept; every further line starts with `> `.
 */
export const shown = (text: string): string =>
  (invisible.test(text) || text.startsWith(EscapedMark) ? escaped(text) : text).replaceAll("\n", `\n${Continuation}`)

/** Like `shown`, with line ends and tabs as escapes too. */
export const shownOnOneLine = (text: string): string =>
  invisible.test(text) || /[\n\t]/.test(text) || text.startsWith(EscapedMark)
    ? `${EscapedMark}${text.replace(escapable, escapeOf)}`
    : text
