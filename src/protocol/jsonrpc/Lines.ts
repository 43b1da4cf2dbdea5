/**
 * Line framing: one JSON document per line, independent of how the bytes are split into chunks. For servers and clients.
 *
 * @module
 */
import type { Incoming } from "./Envelope.ts"
import { parse } from "./Parse.ts"

const Newline = 0x0a

/** A line longer than the limit. Its bytes were discarded. */
export interface Overlong {
  /** The limit, in bytes. */
  readonly overlong: number
}

/** Collects bytes and returns each line when it is complete, without its line ending. Holds at most one incomplete line. */
export class LineSplitter {
  readonly #maxBytes: number
  #partial: Array<Uint8Array> = []
  #partialBytes = 0
  /** The limit that the current line exceeds; the rest of the line is skipped. */
  #overlong: number | undefined

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes held of the incomplete line. */
  get partialBytes(): number {
    return this.#overlong === undefined ? this.#partialBytes : 0
  }

  /** Whether the incomplete line already exceeds the limit. */
  get isOverlong(): boolean {
    return this.#overlong !== undefined
  }

  /** Discards the incomplete line and skips the rest of it, as a line longer than `maxBytes`. */
  skip(maxBytes: number): void {
    this.#overlong = maxBytes
    this.#partial = []
  }

  /** Adds bytes, and returns the lines that they complete. */
  push(chunk: Uint8Array): ReadonlyArray<Uint8Array | Overlong> {
    const lines: Array<Uint8Array | Overlong> = []
    let from = 0
    for (let at = chunk.indexOf(Newline); at !== -1; at = chunk.indexOf(Newline, from)) {
      lines.push(this.#line(chunk.subarray(from, at)))
      from = at + 1
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from))
    return lines
  }

  /** The last line, when the bytes do not end with a line ending. Call it once, when there are no more bytes. */
  end(): ReadonlyArray<Uint8Array | Overlong> {
    return this.#partialBytes === 0 ? [] : [this.#line(new Uint8Array())]
  }

  #keep(bytes: Uint8Array): void {
    this.#partialBytes += bytes.length
    if (this.#overlong !== undefined) return
    if (this.#partialBytes > this.#maxBytes) this.skip(this.#maxBytes)
    else this.#partial.push(bytes)
  }

  #line(last: Uint8Array): Uint8Array | Overlong {
    const isLong = this.#partialBytes + last.length > this.#maxBytes
    const overlong = this.#overlong ?? (isLong ? this.#maxBytes : undefined)
    const bytes = this.#partial.length === 0 ? last : Buffer.concat([...this.#partial, last])
    this.#partial = []
    this.#partialBytes = 0
    this.#overlong = undefined
    return overlong === undefined ? bytes : { overlong }
  }
}

/** Reads the messages of a byte stream. */
export class Decoder {
  readonly #lines: LineSplitter
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true })

  constructor(maxBytes: number) {
    this.#lines = new LineSplitter(maxBytes)
  }

  /** Bytes held of the incomplete line. */
  get partialBytes(): number {
    return this.#lines.partialBytes
  }

  /** Discards the incomplete line and skips the rest of it, as a line longer than `maxBytes`. */
  skip(maxBytes: number): void {
    this.#lines.skip(maxBytes)
  }

  /** The messages of the lines that the bytes complete. */
  push(chunk: Uint8Array): ReadonlyArray<Incoming> {
    return this.#lines.push(chunk).map(this.#message)
  }

  /** The message of the last line, when the bytes do not end with a line ending. */
  end(): ReadonlyArray<Incoming> {
    return this.#lines.end().map(this.#message)
  }

  readonly #message = (line: Uint8Array | Overlong): Incoming => {
    if ("overlong" in line) return { _tag: "Ignored", reason: `line longer than ${line.overlong} bytes` }
    try {
      return parse(this.#utf8.decode(line))
    } catch {
      return { _tag: "Ignored", reason: "not UTF-8" }
    }
  }
}
