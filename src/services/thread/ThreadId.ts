/**
 * Checks that a thread id is a UUID, with the error texts of the release.
 *
 * @module
 */

const hex = /^[0-9a-f]+$/i

/** The release's error text for an id that is not a UUID, or undefined. */
export const problemOf = (threadId: string): string | undefined => {
  const digits = threadId.replaceAll("-", "")
  if (digits.length === 32 && hex.test(digits)) return undefined
  const invalid = Array.from(threadId).find((char) => char !== "-" && !hex.test(char))
  return invalid !== undefined && threadId.length === 36
    ? `invalid character: found \`${invalid}\``
    : `invalid length: expected length 32 for simple format, found ${threadId.length}`
}
