/**
 * Reads from a rollout file only what the summary of its thread needs.
 *
 * Most lines of a file are neither parsed nor decoded: their type is at their beginning. A skim can be continued when the
 * file has grown.
 *
 * @module
 */
import type { ThreadEvent } from "../../../services/thread/ThreadEvent.ts"
import { fold, initial, type ThreadState } from "../../../services/thread/ThreadState.ts"
import { Decoder, type DecoderState, initialState } from "./Decode.ts"
import type { RolloutFile } from "./Folder.ts"
import { parse } from "./Line.ts"
import { type Part, partsOf } from "./Lineage.ts"
import { LineReader, withSource } from "./Source.ts"

/** How far a skim has come. Immutable. */
export interface Skimmed {
  readonly parts: ReadonlyArray<Part>
  /** Position in the last part. */
  readonly offset: number
  readonly decoder: DecoderState
  /** Undefined for a file that has no thread. */
  readonly state: ThreadState | undefined
}

const beginningOf = /^\{"timestamp":"[^"]*",(?:"ordinal":\d+,)?"type":"(\w+)","payload":\{"type":"(\w+)"/

const typeOf = /^\{"timestamp":"[^"]*",(?:"ordinal":\d+,)?"type":"(\w+)"/

/** Lines that no summary needs. */
const skipped: ReadonlySet<string> = new Set(["response_item", "world_state", "token_usage_record", "compacted"])

/** Whether a line can be passed over. When in doubt it is decoded. */
const isSkippable = (text: string, hasPreview: boolean): boolean => {
  const [, type = ""] = typeOf.exec(text) ?? []
  if (skipped.has(type)) return true
  if (type !== "event_msg") return false
  const [, , kind = ""] = beginningOf.exec(text) ?? []
  return kind === "token_count" || (kind === "item_completed" && hasPreview)
}

/** Number of events that are folded at a time. */
const FoldEvery = 256

/** Skims a file from its beginning, or from where an earlier skim ended. */
export const skim = (
  file: RolloutFile,
  filesOf: (threadId: string) => ReadonlyArray<RolloutFile>,
  before?: Skimmed
): Skimmed => {
  const parts = before?.parts ?? partsOf(file, filesOf)
  const decoder = new Decoder(before?.decoder ?? initialState)
  let state = before?.state
  let offset = before?.offset ?? 0
  let pending: Array<ThreadEvent> = []
  const settle = () => {
    const [first, ...rest] = pending
    if (state !== undefined) state = fold(state, pending)
    else if (first?._tag === "Created") state = fold(initial(first), rest)
    pending = []
  }
  const begin = before === undefined ? 0 : parts.length - 1
  for (const [index, { from, path, to }] of parts.slice(begin).entries()) {
    withSource(path, (source) => {
      const reader = new LineReader(source, before !== undefined && index === 0 ? offset : from, to)
      for (let raw = reader.next(); raw !== undefined; raw = reader.next()) {
        const { text } = raw
        const line =
          text === null || isSkippable(text, state !== undefined && state.preview !== "") ? undefined : parse(text)
        if (raw.isTerminated || line !== undefined) offset = raw.end
        if (line !== undefined) pending.push(...decoder.decode(line))
        if (pending.length >= FoldEvery || state === undefined || state.preview === "") settle()
      }
    })
  }
  settle()
  return { parts, offset, decoder: decoder.snapshot, state }
}
