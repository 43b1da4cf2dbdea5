/**
 * The text around a match, as it is shown in search results.
 *
 * @module
 */

/** Characters shown before and behind the match. */
const Before = 49
const Behind = 96

/** Characters of the text that are looked at on each side. White space in a row is shown as one space. */
const Reach = 1024

/** A part of a text. The range counts UTF-16 units of the snippet. */
export interface Snippet {
  readonly snippet: string
  readonly start: number
  readonly end: number
}

const flat = (text: string): string => text.replaceAll(/\s+/g, " ")

/** Does not cut a character in two. */
const whole = (text: string): string => text.replace(/^[\uDC00-\uDFFF]/, "").replace(/[\uD800-\uDBFF]$/, "")

/** The text around the match of this length at this index. */
export const snippetAt = (text: string, index: number, length: number): Snippet => {
  const before = flat(text.slice(Math.max(0, index - Reach), index)).trimStart()
  const behind = flat(text.slice(index + length, index + length + Reach)).trimEnd()
  const head = before.length > Before ? `... ${whole(before.slice(-Before))}` : before
  const tail = behind.length > Behind ? `${whole(behind.slice(0, Behind))} ...` : behind
  const match = flat(text.slice(index, index + length))
  return { snippet: head + match + tail, start: head.length, end: head.length + match.length }
}

/** The start of each match of `sought` in the text, in any case. Matches do not overlap. */
export function* matchesOf(text: string, sought: string): Generator<number> {
  const lower = text.toLowerCase()
  // Some characters change their length in lower case, so positions are only right in texts that keep theirs.
  const searched = lower.length === text.length ? lower : text
  const needle = searched === lower ? sought.toLowerCase() : sought
  if (needle === "") return
  for (let at = searched.indexOf(needle); at !== -1; at = searched.indexOf(needle, at + needle.length)) yield at
}
