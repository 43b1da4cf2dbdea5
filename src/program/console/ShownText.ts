/**
 * Text from elsewhere, made safe for a terminal.
 *
 * There are two forms. What a person decides about, such as a command, is shown completely (`shown`, `shownOnOneLine`): every
 * character that a terminal would act on, hide or show as a blank is written as an escape. What a person only reads, such as
 * an answer or output (`plain`), loses these characters. Does not own layout.
 *
 * @module
 */
import { stripVTControlCharacters } from "node:util"

/** Embeddings, overrides and isolates: they show the text behind them in another order. */
const Reordering = /[\u202A-\u202E\u2066-\u2069]/g

/** Removes escape sequences, other control characters, and characters that reorder text. Line ends and tabs stay. */
export const plain = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(Reordering, "")
    .replace(/\p{Cc}/gu, (character) => (character === "\n" || character === "\t" ? character : ""))

/**
 * Controls, formats, lone surrogates, line and paragraph separators, everything that a font need not draw (zero-width
 * characters, variation selectors, tags, fillers), and the blanks that are no space. A shell takes such a blank for a letter.
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

/** Stands before text that has escapes in it. A backslash of such a text is written twice. */
export const EscapedMark = "(with escapes) "

const escaped = (text: string): string =>
  `${EscapedMark}${text.replace(escapable, (character) =>
    character === "\n" || character === "\t" ? character : escapeOf(character)
  )}`

/** Every line of a text but its first begins with it. */
const Continuation = "> "

/**
 * The whole text, without a character that a terminal would act on or hide. Different texts are shown differently. Line ends
 * and tabs stay; a line that goes on the one before it begins with `> `.
 */
export const shown = (text: string): string =>
  (invisible.test(text) || text.startsWith(EscapedMark) ? escaped(text) : text).replaceAll("\n", `\n${Continuation}`)

/** As `shown`, with line ends and tabs as escapes too. */
export const shownOnOneLine = (text: string): string =>
  invisible.test(text) || /[\n\t]/.test(text) || text.startsWith(EscapedMark)
    ? `${EscapedMark}${text.replace(escapable, escapeOf)}`
    : text
