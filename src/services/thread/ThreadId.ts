/**
 * Whether a text may name a thread: a UUID, in the words of the release where it is none.
 *
 * @module
 */

const hex = /^[0-9a-f]+$/i

/** What the release says of an id that is no UUID, or undefined. */
export const problemOf = (threadId: string): string | undefined => {
  const digits = threadId.replaceAll("-", "")
  if (digits.length === 32 && hex.test(digits)) return undefined
  const invalid = Array.from(threadId).find((char) => char !== "-" && !hex.test(char))
  return invalid !== undefined && threadId.length === 36
    ? `invalid character: found \`${invalid}\``
    : `invalid length: expected length 32 for simple format, found ${threadId.length}`
}
