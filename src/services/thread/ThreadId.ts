/**
 * Checks that a thread id is a UUID, with the error texts of the release.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { InvalidThreadId } from "./ThreadError.ts"

const groupLengths = [8, 4, 4, 4, 12]

const urn = "urn:uuid:"

/** The text between the marks around a UUID, and how many bytes the mark in front of it has. */
const unmarked = (text: string): readonly [body: string, offset: number] => {
  if (text.length > 1 && text.startsWith("{") && text.endsWith("}")) return [text.slice(1, -1), 1]
  return text.startsWith(urn) ? [text.slice(urn.length), urn.length] : [text, 0]
}

/** The release's error text for an id that is not a UUID, or undefined. */
export const problemOf = (threadId: string): string | undefined => {
  const [body, offset] = unmarked(threadId)
  const at = body.search(/[^0-9a-f-]/iu)
  if (at !== -1) {
    const found = String.fromCodePoint(body.codePointAt(at) ?? 0)
    // What is in front of the first wrong character is ASCII: characters are bytes.
    return `invalid character: expected an optional prefix of \`urn:uuid:\` followed by [0-9a-fA-F-], found \`${found}\` at ${offset + at + 1}`
  }
  const groups = body.split("-")
  if (groups.length === 1 && offset === 0) {
    return body.length === 32 ? undefined : `invalid length: expected length 32 for simple format, found ${body.length}`
  }
  if (groups.length !== 5) return `invalid group count: expected 5, found ${groups.length}`
  const wrong = groups.findIndex((group, index) => group.length !== groupLengths[index])
  if (wrong === -1) return undefined
  return `invalid group length in group ${wrong}: expected ${groupLengths[wrong]}, found ${groups[wrong]?.length}`
}

/** Fails for an id that is not a UUID. */
export const checkId = (threadId: string, kind: InvalidThreadId["kind"]): Effect.Effect<void, InvalidThreadId> => {
  const detail = problemOf(threadId)
  return detail === undefined ? Effect.void : Effect.fail(new InvalidThreadId({ kind, detail }))
}
