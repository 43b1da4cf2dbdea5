/**
 * WebSocket frames as a server writes them: text, whole, neither masked nor compressed.
 *
 * Many messages become one buffer, and one write. A library that frames each message by itself costs twice the time of the
 * whole connection; everything else of the WebSocket protocol is left to one (Peer).
 *
 * @module
 */

/** A final frame of text. */
const Text = 0x81

/** Payloads up to this have their length in the second byte; from there on it says how many bytes the length has. */
const ShortLength = 125
const MediumLength = 0xff_ff
const Medium = 126
const Long = 127

const headerBytes = (payload: number): number => (payload <= ShortLength ? 2 : payload <= MediumLength ? 4 : 10)

const writeHeader = (frames: Buffer, at: number, payload: number): number => {
  frames[at] = Text
  if (payload <= ShortLength) {
    frames[at + 1] = payload
    return at + 2
  }
  if (payload <= MediumLength) {
    frames[at + 1] = Medium
    return frames.writeUInt16BE(payload, at + 2)
  }
  frames[at + 1] = Long
  // Of the eight bytes the upper two are zero: no message is that long.
  frames.writeUInt16BE(0, at + 2)
  return frames.writeUIntBE(payload, at + 4, 6)
}

/** The texts as frames, in order. */
const encode = (texts: ReadonlyArray<string>): Buffer => {
  let total = 0
  const lengths: Array<number> = []
  for (const text of texts) {
    const payload = Buffer.byteLength(text)
    lengths.push(payload)
    total += headerBytes(payload) + payload
  }
  const frames = Buffer.allocUnsafe(total)
  let at = 0
  for (const [index, text] of texts.entries()) {
    const payload = lengths[index] ?? 0
    at = writeHeader(frames, at, payload)
    at += frames.write(text, at, payload)
  }
  return frames
}

const isSame = (one: ReadonlyArray<string>, other: ReadonlyArray<string>): boolean => {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}

/** Bytes that are kept for the next client; a larger message would stay in memory for nothing. */
const MaxKept = 1024 * 1024

/**
 * Makes the frames of a batch once for clients who are told the same one after another, as those who follow a thread are:
 * the bytes are what most of the work of telling one more of them would be. What was made last is kept for that.
 */
export class Encoder {
  #texts: ReadonlyArray<string> = []
  #frames: Buffer = Buffer.alloc(0)

  /** The texts as frames, in order; the buffer may have other readers, and nobody writes to it. */
  encode(texts: ReadonlyArray<string>): Buffer {
    if (isSame(texts, this.#texts)) return this.#frames
    const frames = encode(texts)
    if (frames.length <= MaxKept) {
      this.#texts = texts
      this.#frames = frames
    }
    return frames
  }
}
