/**
 * Limits on JSON, checked before it is parsed or encoded.
 *
 * `JSON.parse` accepts any nesting, but decoders and `JSON.stringify` are recursive and overflow the stack at a few thousand
 * levels. Deeply nested text is also slow to parse: 30 MB of opening brackets take 7 s. The check is not recursive, skips
 * strings with `indexOf`, and stops at the first excess. On a message of 200 characters it takes about 30 ns; parsing takes
 * 600 ns.
 *
 * @module
 */

import { MaxDepth } from "./Depth.ts"

export { MaxDepth }

const Quote = 0x22
const Comma = 0x2c
const Backslash = 0x5c
const OpenBracket = 0x5b
const CloseBracket = 0x5d
const OpenBrace = 0x7b
const CloseBrace = 0x7d

/** The index at which the string that opens at `from` closes; the length of the text when it does not close. */
const endOfString = (text: string, from: number): number => {
  for (let end = text.indexOf('"', from + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0
    while (text.charCodeAt(end - 1 - escapes) === Backslash) escapes++
    if (escapes % 2 === 0) return end
  }
  return text.length
}

/** Whether the text contains more of these characters than the depth limit; characters in strings are counted too. */
const hasManyOpenings = (text: string): boolean => {
  let openings = 0
  for (const opening of ["[", "{"])
    for (let at = text.indexOf(opening); at !== -1; at = text.indexOf(opening, at + 1))
      if (++openings > MaxDepth) return true
  return false
}

/** The limit that a text exceeds. */
export type Excess = "depth" | "values"

/** Whether the text is nested deeper than `MaxDepth`, or has more values than `maxValues`. It need not be valid JSON. */
export const excessOf = (text: string, maxValues: number = Number.POSITIVE_INFINITY): Excess | undefined => {
  // Nearly every text returns here. Two scans for a character are faster than one scan that inspects each character.
  if (text.length <= maxValues && !hasManyOpenings(text)) return undefined
  let depth = 0
  let values = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case Quote:
        at = endOfString(text, at)
        break
      case OpenBracket:
      case OpenBrace:
        if (++depth > MaxDepth) return "depth"
        if (++values > maxValues) return "values"
        break
      case CloseBracket:
      case CloseBrace:
        depth--
        break
      case Comma:
        if (++values > maxValues) return "values"
        break
    }
  }
  return undefined
}

/** Whether the text is nested deeper than `MaxDepth`. */
export const isTooDeep = (text: string): boolean => excessOf(text) !== undefined

/** Number of values that `isTooDeepValue` visits; shared parts of a value count each time. */
const MaxValues = 1_000_000

/** The same check for a value that was not read from text and may have shared parts. */
export const isTooDeepValue = (value: unknown): boolean => {
  let level: Array<unknown> = [value]
  let seen = 0
  for (let depth = 0; level.length > 0; depth++) {
    const next: Array<unknown> = []
    for (const part of level) {
      if (typeof part !== "object" || part === null) continue
      if (depth >= MaxDepth) return true
      for (const member of Object.values(part)) next.push(member)
    }
    seen += next.length
    if (seen > MaxValues) return true
    level = next
  }
  return false
}

/** Members of the outermost object, as written in the text. */
export interface Envelope {
  readonly id: string | undefined
  readonly method: string | undefined
}

const colon = /\s*:\s*/y
const number = /-?\d{1,20}(?=\s*[,}])/y

/** Maximum length, in UTF-16 units, of an id or method that is read from a refused document. */
const MaxMember = 1024

/** The string or integer at `from`, as written in the text. */
const scalarAt = (text: string, from: number): string | undefined => {
  if (text.charCodeAt(from) === Quote) {
    const end = endOfString(text, from)
    return end - from > MaxMember ? undefined : text.slice(from, end + 1)
  }
  number.lastIndex = from
  return number.exec(text)?.[0]
}

/** The id and method of a document that is not parsed. As in `JSON.parse`, the last of several equal keys counts. */
export const envelopeOf = (text: string): Envelope => {
  let depth = 0
  let id: string | undefined
  let method: string | undefined
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case Quote: {
        const end = endOfString(text, at)
        const name = depth === 1 && end - at < 8 ? text.slice(at, end + 1) : ""
        at = end
        if (name !== '"id"' && name !== '"method"') break
        colon.lastIndex = end + 1
        // Without a colon this is a value that equals the name.
        if (!colon.test(text)) break
        at = colon.lastIndex - 1
        if (name === '"id"') id = scalarAt(text, at + 1)
        else method = scalarAt(text, at + 1)
        break
      }
      case OpenBracket:
      case OpenBrace:
        depth++
        break
      case CloseBracket:
      case CloseBrace:
        depth--
        break
    }
  }
  return { id, method }
}
