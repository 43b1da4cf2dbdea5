/**
 * Encodes events as lines of a rollout file.
 *
 * An event becomes the release's line where there is one. A line also carries what the release's form loses (`Patch`), so
 * that it decodes to the same event; an event without such a line becomes a line of an own type, which the release skips.
 *
 * @module
 */
import type { ThreadEvent } from "../../../services/thread/ThreadEvent.ts"
import { ThreadEventVersion } from "../../../services/thread/ThreadEvent.ts"
import { Decoder, type DecoderState } from "./Decode.ts"
import * as LegacyForm from "./LegacyForm.ts"
import { isRepresentable, type Line, OwnType, timestampOf } from "./Line.ts"
import * as Origin from "./Origin.ts"
import * as Patch from "./Patch.ts"
import * as SettingsForm from "./SettingsForm.ts"
import * as TokenForm from "./TokenForm.ts"
import * as TurnItem from "./TurnItem.ts"

type Body = Pick<Line, "type" | "payload">
type Fields = Readonly<Record<string, unknown>>

/** Where the lines go. */
export interface Target {
  readonly threadId: string
  /** The decoder's state behind the file's last line. */
  readonly state: DecoderState
  /** The ordinal of the next line. A legacy file has none. */
  readonly ordinal: number
}

/** The lines, and the target behind them. */
export interface Encoded {
  readonly lines: ReadonlyArray<Line>
  readonly target: Target
}

const own = (event: ThreadEvent): Body => ({ type: OwnType, payload: { version: ThreadEventVersion, event } })

const message = (type: string, payload: Fields): Body => ({ type: "event_msg", payload: { type, ...payload } })

const seconds = (millis: number): number => Math.floor(millis / 1000)

const turnForm = (event: Extract<ThreadEvent, { _tag: "TurnStarted" | "TurnEnded" }>): Body => {
  if (event._tag === "TurnStarted") {
    return message("task_started", {
      turn_id: event.turnId,
      root_turn_id: event.rootTurnId,
      started_at: seconds(event.at),
      model_context_window: null,
      collaboration_mode_kind: "default"
    })
  }
  const { at, error, status, turnId } = event
  if (status === "interrupted") {
    return message("turn_aborted", { turn_id: turnId, reason: "interrupted", completed_at: seconds(at) })
  }
  return message("task_complete", {
    turn_id: turnId,
    last_agent_message: null,
    completed_at: seconds(at),
    ...(error === null ? {} : { error: { message: error.message } })
  })
}

const itemForm = (event: Extract<ThreadEvent, { _tag: "ItemCompleted" }>, { state, threadId }: Target): Body => {
  const { at, item, turnId } = event
  if (state.isLegacy) {
    const form = LegacyForm.toRelease(item)
    return form === undefined || !state.isTurnOpen ? own(event) : { type: "event_msg", payload: form }
  }
  const form = TurnItem.toRelease(item)
  if (form === undefined) return own(event)
  return message("item_completed", {
    thread_id: threadId,
    turn_id: turnId,
    item: form,
    started_at_ms: item.startedAtMs ?? at,
    completed_at_ms: item.completedAtMs ?? at
  })
}

/** The release's line of an event, or an own one. */
const bodyOf = (event: ThreadEvent, target: Target): Body => {
  switch (event._tag) {
    case "Created":
      // Only the first line of a file is meta data.
      return target.state.hasBegun
        ? own(event)
        : { type: "session_meta", payload: Origin.toMeta(event, target.state.isLegacy) }
    case "SettingsChanged":
      return message("thread_settings_applied", {
        thread_id: target.threadId,
        thread_settings: SettingsForm.toApplied(event.settings)
      })
    case "TurnStarted":
    case "TurnEnded":
      return turnForm(event)
    case "ItemCompleted":
      return itemForm(event, target)
    case "ConversationEntry":
      return { type: "response_item", payload: event.item }
    case "TokensCounted":
      return message("token_count", { info: TokenForm.toRelease(event.usage), rate_limits: null })
    case "Compacted":
      return { type: "compacted", payload: { message: "", replacement_history: event.replacement } }
    case "RolledBack":
      return message("thread_rolled_back", { num_turns: event.turns })
    case "Foreign":
      return event.type === OwnType ? own(event) : { type: event.type, payload: event.payload }
    default:
      return own(event)
  }
}

const lineOf = (body: Body, at: number, { ordinal, state }: Target, spindle?: Line["spindle"]): Line => ({
  timestamp: timestampOf(at),
  ...(state.isLegacy ? {} : { ordinal }),
  ...(spindle === undefined ? {} : { spindle }),
  type: body.type,
  payload: body.payload
})

/** Whether the release's line of an event loses nothing, so that this need not be tried. */
const isExact = (event: ThreadEvent, type: string, { state }: Target): boolean => {
  if (!state.hasBegun) return false
  // An own line holds the event itself.
  if (type === OwnType) return true
  if (!isRepresentable(event.at)) return false
  switch (event._tag) {
    case "ConversationEntry":
    case "TurnStarted":
      return true
    case "TurnEnded":
      return event.status !== "failed" && event.error === null
    case "TokensCounted":
      return event.turnId === state.turnId && TokenForm.isExact(event.usage)
    case "ItemCompleted":
      return !state.isLegacy && TurnItem.isExact(event.item)
    default:
      return false
  }
}

/** The line of one event, and the state behind it. */
const encodeOne = (event: ThreadEvent, target: Target): { readonly line: Line; readonly state: DecoderState } => {
  const line = lineOf(bodyOf(event, target), event.at, target)
  const decoder = new Decoder(target.state)
  if (isExact(event, line.type, target)) {
    decoder.pass(event)
    return { line, state: decoder.snapshot }
  }
  const [decoded, ...more] = decoder.decode(line)
  // The same text is the usual case, and faster to find.
  if (more.length === 0 && JSON.stringify(decoded) === JSON.stringify(event)) return { line, state: decoder.snapshot }
  const patch = more.length > 0 ? { "=": event } : Patch.between(decoded ?? null, event)
  if (patch === undefined) return { line, state: decoder.snapshot }
  const patched = lineOf(line, event.at, target, { v: ThreadEventVersion, patch })
  if (event._tag === "Created" && decoded?._tag === "Created") {
    decoder.pass(event)
    return { line: patched, state: decoder.snapshot }
  }
  const carrying = new Decoder(target.state)
  carrying.decode(patched)
  return { line: patched, state: carrying.snapshot }
}

/** For the release only: without this line, it would not know the settings of a new thread. */
const settingsLine = (event: ThreadEvent, target: Target): Line | undefined =>
  event._tag !== "Created" || target.state.hasBegun
    ? undefined
    : lineOf(
        message("thread_settings_applied", {
          thread_id: target.threadId,
          thread_settings: SettingsForm.toApplied(event.settings)
        }),
        event.at,
        { ...target, ordinal: target.ordinal + 1 },
        { v: ThreadEventVersion, events: 0 }
      )

/** The lines of events, in order. */
export const encode = (events: ReadonlyArray<ThreadEvent>, start: Target): Encoded => {
  const lines: Array<Line> = []
  let target = start
  for (const event of events) {
    const { line, state } = encodeOne(event, target)
    const extra = settingsLine(event, target)
    lines.push(line, ...(extra === undefined ? [] : [extra]))
    target = { ...target, state, ordinal: target.ordinal + (extra === undefined ? 1 : 2) }
  }
  return { lines, target }
}
