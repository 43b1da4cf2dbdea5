/**
 * Base64 in parameters, checked as strictly as the released server does and with its error texts.
 *
 * @module
 */
import * as Result from "effect/Result"

const symbols = /^[A-Za-z0-9+/]*={0,2}$/

const valueOf = (code: number): number => {
  if (code >= 65 && code <= 90) return code - 65
  if (code >= 97 && code <= 122) return code - 71
  if (code >= 48 && code <= 57) return code + 4
  return code === 43 ? 62 : code === 47 ? 63 : -1
}

const Padding = 61

const invalidSymbol = (bytes: Uint8Array, offset: number): string =>
  `Invalid symbol ${bytes[offset]}, offset ${offset}.`

/** The fault in the last symbols, from `start`, of which there are at most four. */
const faultAtEnd = (bytes: Uint8Array, start: number): string => {
  let firstPadding = -1
  for (let at = start; at < bytes.length; at++) {
    if (bytes[at] === Padding) {
      if (firstPadding < 0) firstPadding = at
      if (at - start < 2) return invalidSymbol(bytes, firstPadding)
    } else if (firstPadding >= 0) return invalidSymbol(bytes, firstPadding)
    else if (valueOf(bytes[at] ?? 0) < 0) return invalidSymbol(bytes, at)
  }
  const end = firstPadding < 0 ? bytes.length : firstPadding
  if (end - start < 2) return `Invalid input length: ${bytes.length}`
  if ((bytes.length - start) % 4 !== 0) return "Invalid padding"
  return `Invalid last symbol ${bytes[end - 1]}, offset ${end - 1}.`
}

/** Why a text that `decode` refuses is not base64. Offsets count UTF-8 bytes. */
const faultOf = (text: string): string => {
  const bytes = new TextEncoder().encode(text)
  const last = bytes.length - 1
  if (bytes.length % 4 === 1 && bytes[last] !== Padding && valueOf(bytes[last] ?? 0) < 0) {
    return invalidSymbol(bytes, last)
  }
  const start = Math.floor(last / 4) * 4
  for (let at = 0; at < start; at++) if (valueOf(bytes[at] ?? 0) < 0) return invalidSymbol(bytes, at)
  return faultAtEnd(bytes, start)
}

/** The bits of the last symbol that no byte uses. They must be zero. */
const hasSpareBits = (text: string): boolean => {
  const end = text.endsWith("==") ? text.length - 2 : text.endsWith("=") ? text.length - 1 : text.length
  const spare = end === text.length ? 0 : end === text.length - 1 ? 0b11 : 0b1111
  return (valueOf(text.charCodeAt(end - 1)) & spare) !== 0
}

/** The bytes of padded base64 of the standard alphabet. A failure is the text of the error. */
export const decode = (text: string): Result.Result<Uint8Array, string> => {
  if (text.length % 4 === 0 && symbols.test(text) && (text === "" || !hasSpareBits(text))) {
    return Result.succeed(Buffer.from(text, "base64"))
  }
  return Result.fail(faultOf(text))
}

/** Padded base64 of the standard alphabet. */
export const encode = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")
