/**
 * Reads a rollout file for the index, in steps, and continues when the file has grown.
 *
 * Finds the thread's summary, its turns, and where each item is. Most lines are parsed but not decoded. The rules are those of
 * the fold of a thread (`ThreadState`); turns and items go to the index and not to memory.
 *
 * @module
 */
import type { TurnStatus } from "../../../../protocol/v2/turn/Turn.ts"
import type { EventOf, ThreadEvent } from "../../../../services/thread/ThreadEvent.ts"
import { fold, initial, previewOf, type ThreadState } from "../../../../services/thread/ThreadState.ts"
import { Decoder, type DecoderState, initialState } from "../Decode.ts"
import type { RolloutFile } from "../Folder.ts"
import { type Line, parse } from "../Line.ts"
import { type Part, partsOf } from "../Lineage.ts"
import { LineReader, type RawLine, type Source, withSource } from "../Source.ts"

/** How far a file was read. Plain data: it is stored with the thread. */
export interface Progress {
  readonly parts: ReadonlyArray<Part>
  /** Index of the part that is read. */
  readonly part: number
  /** Position in the part. */
  readonly offset: number
  /** The bytes before the position, which show that the file is still the same. */
  readonly tail: string
  readonly decoder: DecoderState
  /** Without turns and conversation. Null before the first line, and for a file without a thread. */
  readonly state: ThreadState | null
  /** Number of events. */
  readonly events: number
  /** Number of turns. */
  readonly turns: number
  /** Length of the conversation. */
  readonly conversation: number
  /** Number of items that were found, including those of reverted turns. */
  readonly items: number
  /** Everything was read that was there. */
  readonly isDone: boolean
}

export interface TurnRow {
  readonly n: number
  readonly seq: number
  readonly id: string
  readonly root: string
  readonly started: number
  readonly ended: number | null
  readonly status: TurnStatus
  readonly error: EventOf<"TurnEnded">["error"]
  /** Length of the conversation when the turn began. */
  readonly conversation: number
}

export interface ItemRow {
  /** Number of the item in its file. */
  readonly item: number
  /** Number of its turn. */
  readonly n: number
  readonly seq: number
  readonly part: number
  readonly start: number
  readonly length: number
  /** Number of items that a legacy file has named before. */
  readonly named: number
  readonly event: EventOf<"ItemCompleted">["item"]
}

/** Where a scan puts what it finds. */
export interface Sink {
  /** The number of the last turn with this id; undefined when there is none. */
  readonly turnOf: (id: string) => TurnRow | undefined
  readonly turnAt: (n: number) => TurnRow | undefined
  readonly putTurn: (turn: TurnRow) => void
  readonly putItem: (item: ItemRow) => void
  /** Removes the turns from a number on, and their items. */
  readonly cut: (from: number) => void
}

/** Bytes that are compared before a scan continues. */
const TailBytes = 64

/** Lines that become one event each, whatever they hold. */
const opaque: ReadonlySet<string> = new Set(["world_state", "token_usage_record"])

export const begin = (parts: ReadonlyArray<Part>): Progress => ({
  parts,
  part: 0,
  offset: parts[0]?.from ?? 0,
  tail: "",
  decoder: initialState,
  state: null,
  events: 0,
  turns: 0,
  conversation: 0,
  items: 0,
  isDone: false
})

/** The progress of a file that was never read. */
export const beginning = (file: RolloutFile, filesOf: (id: string) => ReadonlyArray<RolloutFile>): Progress =>
  begin(partsOf(file, filesOf))

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** One step of a scan: some lines. */
class Step {
  readonly progress: Mutable<Progress>
  readonly #sink: Sink
  readonly #decoder: Decoder

  constructor(progress: Progress, sink: Sink) {
    this.progress = { ...progress }
    this.#sink = sink
    this.#decoder = new Decoder(progress.decoder)
  }

  /** Reads lines until `isOver` says so; true when the end was reached. */
  run(isOver: () => boolean): boolean {
    const { progress } = this
    for (; progress.part < progress.parts.length; progress.part++) {
      const part = progress.parts[progress.part]
      if (part === undefined) return true
      if (!withSource(part.path, (source) => this.#part(source, part, isOver))) return false
      const next = progress.parts[progress.part + 1]
      if (next === undefined) return true
      progress.offset = next.from
      progress.tail = ""
    }
    return true
  }

  /** Reads lines of a part until `isOver` says so; true when its end was reached. */
  #part(source: Source, { path, to }: Part, isOver: () => boolean): boolean {
    const { progress } = this
    if (!isSame(source, progress)) throw new Changed(path)
    const reader = new LineReader(source, progress.offset, to)
    for (let raw = reader.next(); raw !== undefined; raw = reader.next()) {
      const line = raw.text === null ? undefined : parse(raw.text)
      // A torn line may still be completed.
      if (line === undefined && !raw.isTerminated) break
      if (line !== undefined) this.#line(line, raw)
      progress.offset = raw.end
      if (isOver()) {
        this.#settle(source)
        return false
      }
    }
    this.#settle(source)
    return true
  }

  #settle(source: Source): void {
    const { offset } = this.progress
    this.progress.tail = tailAt(source, offset)
    this.progress.decoder = this.#decoder.snapshot
  }

  #line(line: Line, raw: RawLine): void {
    const { progress } = this
    if (progress.events > 0 && opaque.has(line.type)) {
      if (line.spindle === undefined) {
        progress.events++
        return
      }
    }
    const { named } = this.#decoder.snapshot
    for (const event of this.#decoder.decode(line)) {
      this.#event(event, raw, named)
      progress.events++
    }
  }

  #event(event: ThreadEvent, raw: RawLine, named: number): void {
    const { progress } = this
    const seq = progress.events
    if (progress.state === null) {
      if (event._tag === "Created" && seq === 0) progress.state = initial(event)
      return
    }
    switch (event._tag) {
      case "TurnStarted":
        return this.#turnStarted(event, seq)
      case "TurnEnded":
        return this.#turnEnded(event)
      case "ItemCompleted":
        return this.#item(event, raw, named)
      case "RolledBack": {
        const kept = Math.max(0, progress.turns - Math.max(0, event.turns))
        const first = this.#sink.turnAt(kept)
        if (first === undefined) return
        this.#sink.cut(kept)
        progress.turns = kept
        progress.conversation = Math.min(progress.conversation, first.conversation)
        return
      }
      case "ConversationEntry":
        progress.conversation++
        return
      case "Compacted":
        progress.conversation = event.replacement.length
        return
      case "TokensCounted":
      case "InputAccepted":
      case "RequestOpened":
      case "RequestClosed":
        return
      default:
        progress.state = fold(progress.state, [event])
    }
  }

  #changeState(change: Partial<ThreadState>): void {
    if (this.progress.state !== null) this.progress.state = { ...this.progress.state, ...change }
  }

  #updated(at: number): number {
    return Math.max(this.progress.state?.updatedAt ?? 0, at)
  }

  #turnStarted({ at, rootTurnId, turnId }: EventOf<"TurnStarted">, seq: number): void {
    const { progress } = this
    const recencyAt = Math.max(progress.state?.recencyAt ?? 0, at)
    this.#changeState({ isRecorded: true, recencyAt, updatedAt: this.#updated(at) })
    const open = { ended: null, status: "inProgress", error: null, conversation: progress.conversation } as const
    this.#sink.putTurn({ n: progress.turns, seq, id: turnId, root: rootTurnId, started: at, ...open })
    progress.turns++
  }

  #turnEnded({ at, error, status, turnId }: EventOf<"TurnEnded">): void {
    const turn = this.#sink.turnOf(turnId)
    if (turn?.status !== "inProgress") return
    this.#sink.putTurn({ ...turn, ended: at, error, status })
    this.#changeState({ updatedAt: this.#updated(at) })
  }

  #item({ item, turnId }: EventOf<"ItemCompleted">, raw: RawLine, named: number): void {
    const { progress } = this
    const turn = this.#sink.turnOf(turnId)
    if (turn !== undefined) {
      const place = { part: progress.part, start: raw.start, length: raw.end - raw.start, named }
      this.#sink.putItem({ item: progress.items, n: turn.n, seq: progress.events, ...place, event: item })
      progress.items++
    }
    if (item.type === "userMessage" && progress.state?.preview === "") this.#changeState({ preview: previewOf(item) })
  }
}

/** The file is not the one that was read before. */
export class Changed extends Error {
  constructor(path: string) {
    super(`${path} was replaced by another program`)
  }
}

type Readable = Pick<Source, "read" | "size">

const tailAt = (source: Readable, offset: number): string => {
  const bytes = Buffer.alloc(Math.min(TailBytes, offset))
  const length = source.read(bytes, offset - bytes.length)
  return bytes.toString("base64", 0, length)
}

const isSame = (source: Readable, { offset, tail }: Progress): boolean =>
  tail === "" || (offset <= source.size && tailAt(source, offset) === tail)

/** Reads on until `isOver` says so or the file ends. Throws `Changed`, and errors of the file. */
export const step = (before: Progress, sink: Sink, isOver: () => boolean): Progress => {
  const one = new Step(before, sink)
  const isDone = one.run(isOver)
  // The last part is read on when the file grows.
  const part = Math.min(one.progress.part, one.progress.parts.length - 1)
  return { ...one.progress, part, isDone }
}
