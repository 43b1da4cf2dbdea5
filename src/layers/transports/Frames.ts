/**
 * Encodes WebSocket text frames of a server: unfragmented, unmasked, uncompressed.
 *
 * Many messages become one buffer and one write. A library that frames each message separately takes twice the time of the
 * whole connection; the rest of the WebSocket protocol is left to a library (WebSocketPeer).
 *
 * @module
 */

/** A final frame of text. */
const Text = 0x81

/** Up to this length the second byte is the length; above it selects the size of the length field. */
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
  // The upper two of the eight bytes stay zero, because no message is that long.
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

/** Maximum size of the cached frames in bytes. A larger batch would occupy memory for little gain. */
const MaxKept = 1024 * 1024

/**
 * Encodes a batch once for clients that receive the same messages one after another, as subscribers of a thread do, because
 * encoding is most of the work per client. The last batch is cached.
 */
export class Encoder {
  #texts: ReadonlyArray<string> = []
  #frames: Buffer = Buffer.alloc(0)

  /** The texts as frames, in order. The buffer may be shared and must not be modified. */
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
