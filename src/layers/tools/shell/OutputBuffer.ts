/**
 * The output of a command, in bounded memory: its beginning and its end.
 *
 * @module
 */

/** Number of bytes kept of the beginning, and of the end; together the release's 1 MiB. */
export const HalfCapacity = 512 * 1024

const FirstAllocation = 4 * 1024

/**
 * Takes any number of bytes and keeps the first and the last `half` of them. Memory grows with the output, up to twice
 * `half`. A full tail is a ring.
 */
export class OutputBuffer {
  /** Total bytes written. */
  total = 0
  #head = new Uint8Array(0)
  #headLength = 0
  #tail = new Uint8Array(0)
  /** Number of bytes in the ring, and the index of the next one. */
  #tailLength = 0
  #tailNext = 0

  readonly #half: number

  constructor(half: number = HalfCapacity) {
    this.#half = half
  }

  /** Number of omitted bytes in the middle. */
  get omitted(): number {
    return this.total - this.#headLength - this.#tailLength
  }

  write(bytes: Uint8Array): void {
    this.total += bytes.length
    const first = Math.min(bytes.length, this.#half - this.#headLength)
    if (first > 0) {
      this.#head = grown(this.#head, this.#headLength, this.#headLength + first, this.#half)
      this.#head.set(first === bytes.length ? bytes : bytes.subarray(0, first), this.#headLength)
      this.#headLength += first
    }
    if (first < bytes.length) this.#writeTail(bytes.subarray(Math.max(first, bytes.length - this.#half)))
  }

  /** The kept parts in order; `omitted` bytes are missing between them. */
  parts(): readonly [head: Uint8Array, tail: Uint8Array] {
    const head = this.#head.slice(0, this.#headLength)
    const tail = new Uint8Array(this.#tailLength)
    // Before the ring is full it starts at 0 and `tailNext` equals its length.
    const start = this.#tailLength < this.#half ? 0 : this.#tailNext
    const upper = this.#tail.subarray(start, this.#tailLength)
    tail.set(upper)
    tail.set(this.#tail.subarray(0, this.#tailLength - upper.length), upper.length)
    return [head, tail]
  }

  /** The content as text. Invalid UTF-8 becomes U+FFFD, and a gap is marked. */
  text(): string {
    const [head, tail] = this.parts()
    if (this.omitted === 0) return lossy.decode(tail.length === 0 ? head : joined(head, tail))
    return `${lossy.decode(head)}\n${gap(this.omitted)}\n${lossy.decode(tail)}`
  }

  /** Discards the content and releases the memory. */
  clear(): void {
    this.total = 0
    this.#head = new Uint8Array(0)
    this.#tail = new Uint8Array(0)
    this.#headLength = 0
    this.#tailLength = 0
    this.#tailNext = 0
  }

  /** `bytes` is at most one ring long. */
  #writeTail(bytes: Uint8Array): void {
    if (this.#tailLength < this.#half) {
      const filled = Math.min(this.#half, this.#tailLength + bytes.length)
      this.#tail = grown(this.#tail, this.#tailLength, filled, this.#half)
      this.#tailLength = filled
    }
    const upper = Math.min(bytes.length, this.#half - this.#tailNext)
    this.#tail.set(bytes.subarray(0, upper), this.#tailNext)
    this.#tail.set(bytes.subarray(upper), 0)
    this.#tailNext = (this.#tailNext + bytes.length) % this.#half
  }
}

/** The text in place of omitted bytes. */
export const gap = (omitted: number): string => `... ${omitted} bytes omitted ...`

const lossy = new TextDecoder("utf-8", { ignoreBOM: true })

const joined = (head: Uint8Array, tail: Uint8Array): Uint8Array => {
  const all = new Uint8Array(head.length + tail.length)
  all.set(head)
  all.set(tail, head.length)
  return all
}

/** `bytes`, or a larger copy with room for `needed`. The size doubles, so that each byte is copied a few times at most. */
const grown = (bytes: Uint8Array<ArrayBuffer>, used: number, needed: number, most: number): Uint8Array<ArrayBuffer> => {
  if (bytes.length >= needed) return bytes
  let size = Math.max(bytes.length, Math.min(FirstAllocation, most))
  while (size < needed) size = Math.min(size * 2, most)
  const larger = new Uint8Array(size)
  larger.set(bytes.subarray(0, used))
  return larger
}
