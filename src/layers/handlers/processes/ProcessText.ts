/**
 * The output of a process as text, whatever its encoding.
 *
 * @module
 */

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true })
const lossy = new TextDecoder("utf-8", { ignoreBOM: true })
const latin = new TextDecoder("windows-1252")

/** A character of several bytes in UTF-8, which hardly any text in another encoding contains. */
const multiByte = (bytes: Uint8Array): boolean => {
  for (let at = 0; at + 1 < bytes.length; at++) {
    const [first = 0, second = 0] = [bytes[at], bytes[at + 1]]
    if (first >= 0xc2 && first <= 0xf4 && (second & 0xc0) === 0x80) return true
  }
  return false
}

/** The number of bytes in front of a character that is incomplete at the end. */
const completeLength = (bytes: Uint8Array): number => {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return size > back ? bytes.length - back : bytes.length
  }
  return bytes.length
}

/**
 * The text: UTF-8, else Windows-1252, as the released server guesses for single bytes. Text with some valid characters of
 * several bytes is UTF-8 with faults, each of which becomes U+FFFD. `truncated`: the last character may be incomplete, and is
 * left out then.
 */
export const textOf = (bytes: Uint8Array, truncated: boolean): string => {
  const whole = truncated ? bytes.subarray(0, completeLength(bytes)) : bytes
  try {
    return utf8.decode(whole)
  } catch {
    return multiByte(bytes) ? lossy.decode(whole) : latin.decode(bytes)
  }
}
