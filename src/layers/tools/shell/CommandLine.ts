/**
 * Formats an argv as one line that a shell parses to the same words.
 *
 * The quoting matches the released server exactly, because clients show the line and people compare and copy it. It is
 * conservative: a caret is only written directly after an opening single quote (history expansion), a backslash never inside
 * single quotes (fish reads them differently), `$`, backtick and `!` never inside double quotes. A word that no single style
 * can quote is split into pieces, each in the style that covers the most.
 *
 * @module
 */

/** One word, quoted where it must be. */
export const quote = (word: string): string => {
  if (word === "") return "''"
  let line = ""
  for (let start = 0; start < word.length;) {
    const piece = pieceAt(word, start)
    const text = word.slice(start, piece.end)
    line += piece.style === "bare" ? text : piece.style === "single" ? `'${text}'` : `"${escape(text)}"`
    start = piece.end
  }
  return line
}

/** All words of an argv, separated by blanks. */
export const display = (argv: ReadonlyArray<string>): string => argv.map(quote).join(" ")

type Style = "bare" | "single" | "double"

interface Piece {
  readonly end: number
  readonly style: Style
}

const Bare = /^[\w+\-./:@\]]$/
const escape = (text: string): string => text.replace(/["\\]/g, "\\$&")

/** The longest piece from `start` that one style can hold; bare before single before double where several can. */
const pieceAt = (word: string, start: number): Piece => {
  const caret = word[start] === "^"
  let bare = !caret
  let single = true
  let double = !caret
  let end = caret ? start + 1 : start
  for (; end < word.length; end++) {
    const char = word.charAt(end)
    const nextBare: boolean = bare && Bare.test(char)
    const nextSingle: boolean = single && char !== "'" && char !== "\\" && char !== "^"
    const nextDouble: boolean = double && char !== "$" && char !== "`" && char !== "!" && char !== "^"
    if (!nextBare && !nextSingle && !nextDouble) break
    bare = nextBare
    single = nextSingle
    double = nextDouble
  }
  return { end, style: bare ? "bare" : single ? "single" : "double" }
}
