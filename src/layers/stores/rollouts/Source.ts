/**
 * The bytes of a rollout file, and the lines in them.
 *
 * Only regular files are opened, never through a link: opening a device can have side effects, and a pipe blocks. A
 * compressed file is decompressed in memory. A line longer than `MaxLineBytes` is passed over without being kept; one longer
 * than `MaxSkippedBytes` makes the file unreadable.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Zlib from "node:zlib"

/** The longest line that is read, in bytes. */
export const MaxLineBytes = 64 * 1024 * 1024

/** The longest line that is passed over, in bytes. A file with a longer one is not read. */
export const MaxSkippedBytes = 256 * 1024 * 1024

/** A line is longer than `MaxSkippedBytes`. */
export class LineTooLong extends Error {
  constructor(position: number) {
    super(`the line at byte ${position} is longer than ${MaxSkippedBytes} bytes`)
  }
}

/** The largest compressed file that is read, in bytes after decompression. */
export const MaxPlainBytes = 512 * 1024 * 1024

const ChunkBytes = 256 * 1024

const readFlags =
  Fs.constants.O_RDONLY | (Fs.constants.O_NOFOLLOW ?? 0) | (Fs.constants.O_NONBLOCK ?? 0) | (Fs.constants.O_NOCTTY ?? 0)

const appendFlags =
  Fs.constants.O_RDWR | Fs.constants.O_APPEND | (Fs.constants.O_NOFOLLOW ?? 0) | (Fs.constants.O_NONBLOCK ?? 0)

/** Which file a path led to. */
export interface Identity {
  readonly dev: number
  readonly ino: number
}

/** Without the rest of what the system tells about a file. */
export const identityOf = ({ dev, ino }: Identity): Identity => ({ dev, ino })

/** Opens a regular file. Throws for any other one, and for a link. */
export const openRegular = (path: string, mode: "read" | "append"): { descriptor: number; stat: Fs.Stats } => {
  // A device is not even opened.
  if (!Fs.lstatSync(path).isFile()) throw new Error("not a regular file")
  const descriptor = Fs.openSync(path, mode === "read" ? readFlags : appendFlags)
  try {
    const stat = Fs.fstatSync(descriptor)
    if (!stat.isFile()) throw new Error("not a regular file")
    return { descriptor, stat }
  } catch (error) {
    Fs.closeSync(descriptor)
    throw error
  }
}

/** Makes a file with mode 0600, open for appending. Throws when there is anything at its path, also a link. */
export const createRegular = (path: string): { descriptor: number; stat: Fs.Stats } => {
  const descriptor = Fs.openSync(path, appendFlags | Fs.constants.O_CREAT | Fs.constants.O_EXCL, 0o600)
  return { descriptor, stat: Fs.fstatSync(descriptor) }
}

/** Bytes that can be read at any position. */
export interface Source {
  readonly identity: Identity
  readonly size: number
  /** Reads into the whole buffer or up to the end; returns the number of bytes. */
  readonly read: (into: Buffer, position: number) => number
  readonly close: () => void
}

const plain = (path: string): Source => {
  const { descriptor, stat } = openRegular(path, "read")
  return {
    identity: identityOf(stat),
    size: stat.size,
    read: (into, position) => Fs.readSync(descriptor, into, 0, into.length, position),
    close: () => Fs.closeSync(descriptor)
  }
}

/** The decompressed content of a `.zst` file. */
export const decompressed = (path: string): { readonly identity: Identity; readonly bytes: Buffer } => {
  const { descriptor, stat } = openRegular(path, "read")
  try {
    return {
      identity: stat,
      bytes: Zlib.zstdDecompressSync(Fs.readFileSync(descriptor), { maxOutputLength: MaxPlainBytes })
    }
  } finally {
    Fs.closeSync(descriptor)
  }
}

const compressed = (path: string): Source => {
  const { bytes, identity } = decompressed(path)
  return {
    identity,
    size: bytes.length,
    read: (into, position) => bytes.copy(into, 0, position, position + into.length),
    close: () => {}
  }
}

/** Opens a rollout file for reading. */
export const open = (path: string): Source => (path.endsWith(".zst") ? compressed(path) : plain(path))

/** Uses a rollout file and closes it. */
export const withSource = <A>(path: string, use: (source: Source) => A): A => {
  const source = open(path)
  try {
    return use(source)
  } finally {
    source.close()
  }
}

/** Bytes that are compared at a time. */
export const CompareBytes = 256 * 1024

/** Whether one of the texts occurs in a source, in any case. They are ASCII, in lower case. */
export const occursIn = (source: Pick<Source, "read" | "size">, texts: ReadonlyArray<string>): boolean => {
  // What precedes a chunk, so that a text is also found where two chunks meet.
  const overlap = Math.max(...texts.map(({ length }) => length)) - 1
  const bytes = Buffer.allocUnsafe(Math.min(source.size, CompareBytes + overlap))
  for (let position = 0; position < source.size; position += bytes.length - overlap) {
    const length = source.read(bytes, position)
    const content = bytes.toString("latin1", 0, length).toLowerCase()
    if (texts.some((text) => content.includes(text))) return true
    if (length < bytes.length || position + length >= source.size) return false
  }
  return false
}

/** A line of a source. */
export interface RawLine {
  /** Without the line feed; null for a line longer than the limit. */
  readonly text: string | null
  readonly start: number
  /** The position behind the line feed. */
  readonly end: number
  /** False for the last line of a file that does not end with a line feed. */
  readonly isTerminated: boolean
}

/** Reads the lines between two positions. */
export class LineReader {
  readonly #source: Source
  readonly #to: number
  #buffer = Buffer.alloc(0)
  /** Position of the buffer's first byte. */
  #at: number
  /** Start of the next line in the buffer. */
  #next = 0

  constructor(source: Source, from: number, to: number | null) {
    this.#source = source
    this.#at = from
    this.#to = Math.min(source.size, to ?? Number.POSITIVE_INFINITY)
  }

  /** The next line; undefined at the end. */
  next(): RawLine | undefined {
    const start = this.#at + this.#next
    let searched = this.#next
    let isTooLong = false
    while (true) {
      const feed = this.#buffer.indexOf(10, searched)
      if (feed !== -1) {
        const end = this.#at + feed + 1
        if (feed - this.#next > MaxLineBytes) isTooLong = true
        const text = isTooLong ? null : this.#buffer.toString("utf8", this.#next, feed)
        this.#next = feed + 1
        return { text, start, end, isTerminated: true }
      }
      if (this.#buffer.length - this.#next > MaxLineBytes) isTooLong = true
      if (isTooLong) this.#drop(this.#buffer.length)
      if (this.#at - start > MaxSkippedBytes) throw new LineTooLong(start)
      searched = this.#buffer.length - this.#next
      if (!this.#fill()) break
    }
    const end = this.#at + this.#buffer.length
    if (end === start) return undefined
    const text = isTooLong ? null : this.#buffer.toString("utf8", this.#next)
    this.#next = this.#buffer.length
    return { text, start, end, isTerminated: false }
  }

  /** Drops the bytes before an index of the buffer. */
  #drop(index: number): void {
    this.#buffer = this.#buffer.subarray(index)
    this.#at += index
    this.#next = 0
  }

  /** Reads more bytes behind the current line's; false at the end. */
  #fill(): boolean {
    const kept = this.#buffer.subarray(this.#next)
    const at = this.#at + this.#next
    const position = at + kept.length
    const wanted = Math.min(Math.max(ChunkBytes, kept.length), this.#to - position)
    if (wanted <= 0) return false
    const buffer = Buffer.allocUnsafe(kept.length + wanted)
    kept.copy(buffer)
    const length = this.#source.read(buffer.subarray(kept.length), position)
    this.#buffer = buffer.subarray(0, kept.length + length)
    this.#at = at
    this.#next = 0
    return length > 0
  }
}
