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

export class ItemReader {
  readonly #progress: Progress
  readonly #sources = new Map<number, Source>()

  constructor(progress: Progress) {
    this.#progress = progress
  }

  /** The item at a place. `turnId` is the turn that it belongs to. Throws `Moved`, and errors of the file. */
  read({ length, named, part, start }: Place, turnId: string): ThreadItem {
    const path = this.#progress.parts[part]?.path
    if (path === undefined || length > MaxLineBytes + 1) throw new Moved(path ?? "")
    let source = this.#sources.get(part)
    if (source === undefined) this.#sources.set(part, (source = open(path)))
    const bytes = Buffer.allocUnsafe(length)
    if (source.read(bytes, start) !== length) throw new Moved(path)
    const line = parse(bytes.toString("utf8"))
    if (line === undefined) throw new Moved(path)
    const { isLegacy } = this.#progress.decoder
    const decoder = new Decoder({ ...initialState, hasBegun: true, isLegacy, isTurnOpen: true, named, turnId })
    const found = decoder.decode(line).find((event) => event._tag === "ItemCompleted")
    if (found?._tag !== "ItemCompleted") throw new Moved(path)
    return found.item
  }

  close(): void {
    for (const source of this.#sources.values()) source.close()
    this.#sources.clear()
  }
}
