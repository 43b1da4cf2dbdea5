/**
 * Reads single items of a thread at the places that the index knows.
 *
 * @module
 */
import type { ThreadItem } from "../../../../protocol/v2/item/Item.ts"
import { Decoder, initialState } from "../Decode.ts"
import { parse } from "../Line.ts"
import { MaxLineBytes, open, type Source } from "../Source.ts"
import type { Progress } from "./Scan.ts"
import type { Place } from "./Tables.ts"

/** The file does not hold what the index expects: it was changed by another program. */
export class Moved extends Error {
  constructor(path: string) {
    super(`${path} does not hold the expected item`)
  }
}

/** The longest range of a file that is read at once, in bytes. */
const MaxSpan = 1024 * 1024

/** Some bytes of a part. */
interface Span {
  readonly start: number
  readonly bytes: Buffer
}

export class ItemReader {
  readonly #progress: Progress
  readonly #sources = new Map<number, Source>()
  readonly #spans = new Map<number, Span>()

  constructor(progress: Progress) {
    this.#progress = progress
  }

  /** The item at a place. `turnId` is the turn that it belongs to. Throws `Moved`, and errors of the file. */
  read({ length, named, part, start }: Place, turnId: string): ThreadItem {
    const path = this.#progress.parts[part]?.path
    if (path === undefined || length > MaxLineBytes + 1) throw new Moved(path ?? "")
    const bytes = this.#prefetched(part, start, length) ?? this.#bytes(part, path, start, length)
    if (bytes.length !== length) throw new Moved(path)
    const line = parse(bytes.toString("utf8"))
    if (line === undefined) throw new Moved(path)
    const { isLegacy } = this.#progress.decoder
    const decoder = new Decoder({ ...initialState, hasBegun: true, isLegacy, isTurnOpen: true, named, turnId })
    const found = decoder.decode(line).find((event) => event._tag === "ItemCompleted")
    if (found?._tag !== "ItemCompleted") throw new Moved(path)
    return found.item
  }

  /** Reads what these places need with one call for each part, unless they are far apart. */
  prefetch(places: ReadonlyArray<Place>): void {
    for (const [part, some] of Map.groupBy(places, ({ part }) => part)) {
      const path = this.#progress.parts[part]?.path
      const start = some.reduce((least, place) => Math.min(least, place.start), Number.POSITIVE_INFINITY)
      const end = some.reduce((most, place) => Math.max(most, place.start + place.length), 0)
      if (path === undefined || some.length < 2 || end - start > MaxSpan) continue
      this.#spans.set(part, { start, bytes: this.#bytes(part, path, start, end - start) })
    }
  }

  #prefetched(part: number, start: number, length: number): Buffer | undefined {
    const span = this.#spans.get(part)
    if (span === undefined || start < span.start || start + length > span.start + span.bytes.length) return undefined
    return span.bytes.subarray(start - span.start, start - span.start + length)
  }

  /** Fewer bytes than `length` at the end of the file. */
  #bytes(part: number, path: string, start: number, length: number): Buffer {
    let source = this.#sources.get(part)
    if (source === undefined) this.#sources.set(part, (source = open(path)))
    const bytes = Buffer.allocUnsafe(length)
    return bytes.subarray(0, source.read(bytes, start))
  }

  close(): void {
    for (const source of this.#sources.values()) source.close()
    this.#sources.clear()
  }
}
