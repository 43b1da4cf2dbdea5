/**
 * Copies the beginning of a thread into the file of a new one.
 *
 * The release shows a complete copy immediately, also when its source is gone; it shows a reference only after it has loaded the
 * source. Lines are copied as they were read, with what a later version of the release may have added, wherever the copy
 * decodes to the same events; otherwise the events are encoded again.
 *
 * @module
 */
import { type EventOf, type ThreadEvent, ThreadEventVersion } from "../../../services/thread/ThreadEvent.ts"
import { Decoder, type DecoderState, initialState } from "./Decode.ts"
import { encode, type Target } from "./Encode.ts"
import { isRecord, type Line, parse, toText } from "./Line.ts"
import type { Decoded, ThreadLog } from "./Log.ts"
import * as Patch from "./Patch.ts"

/** A raw line that belongs to another thread, with another number. */
const moved = (text: string, { ordinal, state, threadId }: Target, spindle?: Line["spindle"]): string | undefined => {
  const value: unknown = JSON.parse(text)
  if (!isRecord(value)) return undefined
  const { payload } = value
  const isNamed = isRecord(payload) && typeof payload["thread_id"] === "string"
  const { ordinal: _, ...rest } = value
  return `${JSON.stringify({
    timestamp: value["timestamp"],
    ...(state.isLegacy ? {} : { ordinal }),
    ...(spindle === undefined ? {} : { spindle }),
    ...rest,
    ...(spindle === undefined ? {} : { spindle }),
    ...(isNamed ? { payload: { ...payload, thread_id: threadId } } : {})
  })}\n`
}

interface Copied {
  readonly text: string
  readonly target: Target
}

/** The copy of one line, if it decodes to the same events. */
const asItWas = ({ events, raw }: Decoded, target: Target): Copied | undefined => {
  const spindle = events.length === 0 ? ({ v: ThreadEventVersion, events: 0 } as const) : undefined
  const text = raw.text === null ? undefined : moved(raw.text, target, spindle)
  const line = text === undefined ? undefined : parse(text)
  if (text === undefined || line === undefined) return undefined
  const decoder = new Decoder(target.state)
  if (Patch.between(decoder.decode(line), events) !== undefined) return undefined
  return { text, target: { ...target, state: decoder.snapshot, ordinal: target.ordinal + 1 } }
}

const again = (events: ReadonlyArray<ThreadEvent>, target: Target): Copied => {
  const encoded = encode(events, target)
  return { text: encoded.lines.map(toText).join(""), target: encoded.target }
}

/**
 * The text of the new file, in pieces; returns what its decoder remembers at the end. `more` are the events of the source that its file does not have; `length` counts them
 * too.
 */
export function* copy(
  source: ThreadLog,
  length: number,
  created: EventOf<"Created">,
  more: ReadonlyArray<ThreadEvent>
): Generator<string, DecoderState> {
  const start: Target = {
    threadId: created.origin.id,
    state: { ...initialState, isLegacy: source.state.isLegacy },
    ordinal: 0
  }
  let { target, text } = again([created], start)
  yield text
  let seq = 0
  for (const decoded of source.lines()) {
    const before = seq
    seq += decoded.events.length
    if (before === 0 && seq > 0) continue
    if (before >= length) break
    if (decoded.line === undefined) continue
    const copied = seq <= length ? asItWas(decoded, target) : undefined
    ;({ target, text } = copied ?? again(decoded.events.slice(0, length - before), target))
    yield text
  }
  const rest = again(more.slice(0, Math.max(0, length - seq)), target)
  yield rest.text
  return rest.target.state
}
