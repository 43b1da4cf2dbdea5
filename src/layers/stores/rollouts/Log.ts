/**
 * The log of one thread: its events in the order of its lines, read from any number on and appended at the end.
 *
 * Reading remembers positions (`Mark`), so that a later read does not start at the beginning. The log knows the size of the
 * head file and which file it is; lines that another program appended are read, and a file that was replaced or became
 * shorter is noticed. Does not own locks, names and folders (`RolloutStore`).
 *
 * @module
 */
import * as Fs from "node:fs"
import type { NumberedEvent, ThreadEvent } from "../../../services/thread/ThreadEvent.ts"
import { Decoder, type DecoderState, initialState } from "./Decode.ts"
import { encode } from "./Encode.ts"
import type { RolloutFile } from "./Folder.ts"
import { type Line, parse, toText } from "./Line.ts"
import type { Part } from "./Lineage.ts"
import {
  createRegular,
  decompressed,
  type Identity,
  identityOf,
  LineReader,
  open,
  openRegular,
  type RawLine
} from "./Source.ts"

/** A position between two lines, and what decoding from there needs. */
interface Mark {
  /** Index of the part. */
  readonly part: number
  /** Where decoding continues: behind the last complete line. */
  readonly offset: number
  /** How far the part was read: at least `offset`. */
  readonly end: number
  /** Number of the next event. */
  readonly seq: number
  /** Ordinal of the next line. */
  readonly ordinal: number
  readonly state: DecoderState
  /** What was read does not end with a line feed. */
  readonly isTorn: boolean
}

/** A line with its events. `line` is undefined for a corrupt one. */
export interface Decoded {
  readonly raw: RawLine
  readonly line: Line | undefined
  readonly events: ReadonlyArray<ThreadEvent>
}

/** A decoded line between two positions. */
interface Step {
  readonly decoded: Decoded
  readonly before: Mark
  readonly after: Mark
}

/** Events between two remembered positions. */
const MarkEvery = 512

const beginning: Mark = { part: 0, offset: 0, end: 0, seq: 0, ordinal: 0, state: initialState, isTorn: false }

/** The head file is another one than before, or shorter. */
export class FileChanged extends Error {
  constructor(path: string) {
    super(`${path} was replaced, truncated or deleted by another program`)
  }
}

/** Whether an append also checks that the file is still at its path: at the begin and the end of a turn. */
const isBoundary = ({ _tag }: ThreadEvent): boolean =>
  _tag === "Created" || _tag === "TurnStarted" || _tag === "TurnEnded"

export interface LogOptions {
  readonly file: RolloutFile
  readonly parts: ReadonlyArray<Part>
  /** Called for a corrupt line in the middle of a file. */
  readonly onCorrupt: (path: string, position: number) => void
}

export class ThreadLog {
  #file: RolloutFile
  #parts: ReadonlyArray<Part>
  readonly #onCorrupt: LogOptions["onCorrupt"]
  readonly #marks: Array<Mark> = [beginning]
  /** The furthest position that was read, and where the last read ended. */
  #tail: Mark = beginning
  #last: Mark = beginning
  #identity: Identity | undefined
  /** Open while the thread has a writer. */
  #descriptor: number | undefined
  /** Where the last append began. */
  #undoable: Mark | undefined

  constructor({ file, onCorrupt, parts }: LogOptions) {
    this.#file = file
    this.#parts = parts
    this.#onCorrupt = onCorrupt
  }

  get file(): RolloutFile {
    return this.#file
  }

  /** Number of events that were read. */
  get length(): number {
    return this.#tail.seq
  }

  /** What the decoder remembers behind the last event. */
  get state(): DecoderState {
    return this.#tail.state
  }

  /** Throws `FileChanged` when the head is another file than the one that was read, or shorter. Returns its size. */
  check(): number {
    const stat = Fs.lstatSync(this.#file.path, { throwIfNoEntry: false })
    if (stat?.isFile() !== true) throw new FileChanged(this.#file.path)
    const known = this.#identity
    if (known !== undefined && (known.ino !== stat.ino || known.dev !== stat.dev))
      throw new FileChanged(this.#file.path)
    if (this.#file.isCompressed) return this.#tail.end
    if (known !== undefined && stat.size < this.#tail.end) throw new FileChanged(this.#file.path)
    return stat.size
  }

  /**
   * The size of the file. An append between the begin and the end of a turn looks only at the open file: it notices that the
   * file was deleted, replaced, truncated or appended to. Only a file that was moved is noticed by its path.
   */
  #size(descriptor: number, events: ReadonlyArray<ThreadEvent>): number {
    if (events.some(isBoundary)) return this.check()
    const stat = Fs.fstatSync(descriptor)
    if (stat.nlink === 0) throw new FileChanged(this.#file.path)
    return stat.size
  }

  /** Whether everything in the file was read. */
  get isRead(): boolean {
    return this.#identity !== undefined && this.check() === this.#tail.end
  }

  /** Decodes the lines from a position to the end. */
  *#walk(from: Mark): Generator<Step> {
    let mark = from
    for (let part = from.part; part < this.#parts.length; part++) {
      const { from: begin, path, to } = this.#parts[part] ?? { from: 0, path: "", to: 0 }
      if (part !== from.part || from === beginning) mark = { ...mark, part, offset: begin, end: begin }
      const source = open(path)
      try {
        if (path === this.#file.path) this.#identity ??= source.identity
        const reader = new LineReader(source, mark.offset, to)
        for (let raw = reader.next(); raw !== undefined; raw = reader.next()) {
          const { after, decoded } = this.#decode(raw, mark)
          const before = mark
          mark = after
          yield { decoded, before, after }
        }
      } finally {
        source.close()
      }
    }
  }

  #decode(raw: RawLine, before: Mark): Pick<Step, "decoded" | "after"> {
    const line = raw.text === null ? undefined : parse(raw.text)
    const isTorn = !raw.isTerminated
    // A torn line may still be completed by the program that writes it.
    if (line === undefined && isTorn) {
      return { decoded: { raw, line, events: [] }, after: { ...before, end: raw.end, isTorn } }
    }
    const decoder = new Decoder(before.state)
    const events = line === undefined ? [] : decoder.decode(line)
    const after: Mark = {
      part: before.part,
      offset: raw.end,
      end: raw.end,
      seq: before.seq + events.length,
      ordinal: Math.max(before.ordinal, (line?.ordinal ?? -1) + 1),
      state: line === undefined ? before.state : decoder.snapshot,
      isTorn
    }
    return { decoded: { raw, line, events }, after }
  }

  /** The nearest remembered position at or before an event. */
  #markBefore(seq: number): Mark {
    if (this.#last.seq <= seq && this.#last.seq >= seq - MarkEvery) return this.#last
    return this.#marks.findLast((mark) => mark.seq <= seq) ?? beginning
  }

  #remember(mark: Mark): void {
    const latest = this.#marks.at(-1) ?? beginning
    if (mark.seq >= latest.seq + MarkEvery && !mark.isTorn) this.#marks.push(mark)
    const { end, part } = this.#tail
    if (mark.part > part || (mark.part === part && mark.end >= end)) this.#tail = mark
  }

  /**
   * Reads events into `into` until it has `limit`, or `maxLines` lines were decoded. Returns whether there may be more: the
   * caller continues with the next number, after it has let others run.
   */
  read(from: number, limit: number, into: Array<NumberedEvent>, maxLines: number): boolean {
    const wanted = from + into.length
    let lines = 0
    for (const { after, before, decoded } of this.#walk(this.#markBefore(wanted))) {
      this.#note(decoded, before)
      this.#remember(after)
      this.#last = after
      for (const [index, event] of decoded.events.entries()) {
        const seq = before.seq + index
        if (seq >= wanted && into.length < limit) into.push({ seq, event })
      }
      if (into.length >= limit) return false
      if (++lines >= maxLines) return true
    }
    return false
  }

  /** Reports a corrupt line when it is read for the first time. */
  #note({ line, raw }: Decoded, before: Mark): void {
    if (line !== undefined || !raw.isTerminated || raw.text === "" || before.end < this.#tail.end) return
    this.#onCorrupt(this.#parts[before.part]?.path ?? "", raw.start)
  }

  /** Decodes the lines up to the end, from the furthest position that was read; at most `maxLines`. True when there are more. */
  scan(maxLines: number): boolean {
    // No other writer appends while the file is open here; `append` notices it.
    if (this.#descriptor !== undefined || this.isRead) return false
    const isMore = this.read(this.#tail.seq, Number.POSITIVE_INFINITY, [], maxLines)
    return isMore
  }

  /** All lines from the beginning, for a copy. */
  *lines(): Generator<Decoded> {
    for (const { decoded } of this.#walk(beginning)) yield decoded
  }

  /** Keeps the file open for appending. A compressed file becomes a plain one. */
  openForAppend(): void {
    if (this.#descriptor !== undefined) return
    this.check()
    if (this.#file.isCompressed) this.#decompress()
    const { descriptor, stat } = openRegular(this.#file.path, "append")
    this.#descriptor = descriptor
    this.#identity ??= identityOf(stat)
  }

  /** The log of a new file, which is open for appending. Throws when there is one at its path. */
  static create(options: LogOptions): ThreadLog {
    const log = new ThreadLog(options)
    const { descriptor, stat } = createRegular(options.file.path)
    log.#descriptor = descriptor
    log.#identity = identityOf(stat)
    return log
  }

  close(): void {
    if (this.#descriptor !== undefined) Fs.closeSync(this.#descriptor)
    this.#descriptor = undefined
  }

  #decompress(): void {
    const { path } = this.#file
    const plain = path.slice(0, -".zst".length)
    const { bytes } = decompressed(path)
    const temporary = `${plain}.tmp`
    Fs.writeFileSync(temporary, bytes, { mode: 0o600 })
    Fs.renameSync(temporary, plain)
    Fs.unlinkSync(path)
    this.moved({ ...this.#file, path: plain, isCompressed: false })
    this.#identity = identityOf(Fs.lstatSync(plain))
  }

  /** The head file was renamed. */
  moved(file: RolloutFile): void {
    const { path } = this.#file
    this.#parts = this.#parts.map((part) => (part.path === path ? { ...part, path: file.path } : part))
    this.#file = file
  }

  /**
   * Appends events with one write of whole lines. A write that fails half way is undone. Everything in the file must have been
   * read. Returns the descriptor, for a flush; it is only open until `close`.
   */
  append(events: ReadonlyArray<ThreadEvent>): number {
    const descriptor = (this.openForAppend(), this.#descriptor ?? -1)
    const { isTorn, ordinal, state } = this.#tail
    const encoded = encode(events, { threadId: this.#file.threadId, state, ordinal })
    const bytes = Buffer.from((isTorn ? "\n" : "") + encoded.lines.map(toText).join(""))
    const size = this.#size(descriptor, events)
    if (size !== this.#tail.end) throw new FileChanged(this.#file.path)
    writeAll(descriptor, bytes, size)
    this.#undoable = this.#tail
    this.#tail = {
      part: this.#parts.length - 1,
      offset: size + bytes.length,
      end: size + bytes.length,
      seq: this.#tail.seq + events.length,
      ordinal: encoded.target.ordinal,
      state: encoded.target.state,
      isTorn: false
    }
    this.#last = this.#tail
    if (this.#tail.seq >= (this.#marks.at(-1)?.seq ?? 0) + MarkEvery) this.#marks.push(this.#tail)
    return descriptor
  }

  /** Removes what the last append wrote, because something that belongs to it has failed. */
  undo(): void {
    const before = this.#undoable
    if (before === undefined || this.#descriptor === undefined) return
    if (this.check() !== this.#tail.end) throw new FileChanged(this.#file.path)
    Fs.ftruncateSync(this.#descriptor, before.end)
    this.#undoable = undefined
    this.#tail = this.#last = before
    while ((this.#marks.at(-1)?.seq ?? 0) > before.seq) this.#marks.pop()
  }
}

/** Writes everything, or restores the file's size. A size that cannot be restored is noticed by the next append. */
export const writeAll = (descriptor: number, bytes: Uint8Array, sizeBefore: number): void => {
  let written = 0
  try {
    while (written < bytes.length) written += Fs.writeSync(descriptor, bytes, written)
  } catch (error) {
    if (written > 0) Fs.ftruncateSync(descriptor, sizeBefore)
    throw error
  }
}
