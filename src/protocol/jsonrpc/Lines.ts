/**
 * Line framing: one JSON document per line, however the bytes are cut into chunks. Servers and clients read with it.
 *
 * @module
 */
import type { Incoming } from "./Envelope.ts"
import { parse } from "./Parse.ts"

const Newline = 0x0a

/** A line that is longer than the limit. Its bytes were not kept. */
export interface Overlong {
  /** The limit, in bytes. */
  readonly overlong: number
}

/** Collects bytes and returns lines as they become complete, without their ends. Holds at most one incomplete line. */
export class LineSplitter {
  readonly #maxBytes: number
  #partial: Array<Uint8Array> = []
  #partialBytes = 0
  /** The limit that the current line exceeds; its rest is skipped. */
  #overlong: number | undefined

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes that are held of a line that is not complete. */
  get partialBytes(): number {
    return this.#overlong === undefined ? this.#partialBytes : 0
  }

  /** Whether the line that is not complete is already longer than the limit. */
  get isOverlong(): boolean {
    return this.#overlong !== undefined
  }

  /** Skips the rest of the line that is not complete, as one that is longer than `maxBytes`. */
  skip(maxBytes: number): void {
    this.#overlong = maxBytes
    this.#partial = []
  }

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

  /** Bytes that are held of a line that is not complete. */
  get partialBytes(): number {
    return this.#lines.partialBytes
  }

  /** Skips the rest of the line that is not complete, as one that is longer than `maxBytes`. */
  skip(maxBytes: number): void {
    this.#lines.skip(maxBytes)
  }

  push(chunk: Uint8Array): ReadonlyArray<Incoming> {
    return this.#lines.push(chunk).map(this.#message)
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
