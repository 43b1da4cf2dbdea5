/**
 * Decodes the lines of a rollout file, in order, to events.
 *
 * A line is one event, with these exceptions: a corrupt line is none, a line that is marked for the release only is none, and
 * a message of a legacy file without turns also begins and ends its turn. A type or a payload that is not understood is a
 * `Foreign` event. The same lines always give the same events: their numbers depend on nothing else.
 *
 * The decoder remembers what later lines leave out: the turn, the settings. `snapshot` copies that, so that decoding can
 * continue from the middle of a file.
 *
 * @module
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { lazy } from "../../../protocol/Lazy.ts"
import { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import type { ThreadSettings } from "../../../protocol/v2/thread/Settings.ts"
import { TurnError } from "../../../protocol/v2/turn/ErrorInfo.ts"
import { type EventOf, ThreadEvent } from "../../../services/thread/ThreadEvent.ts"
import * as LegacyForm from "./LegacyForm.ts"
import { checkVersion, isRecord, type Line, millisOf, OwnType } from "./Line.ts"
import * as Origin from "./Origin.ts"
import * as Patch from "./Patch.ts"
import * as SettingsForm from "./SettingsForm.ts"
import * as TokenForm from "./TokenForm.ts"
import * as TurnItem from "./TurnItem.ts"

/** What a decoder remembers. Immutable. */
export interface DecoderState {
  /** The first line was decoded. */
  readonly hasBegun: boolean
  /** A legacy file has no ordinals, and messages instead of completed items. */
  readonly isLegacy: boolean
  readonly settings: ThreadSettings
  /** The last turn that began; empty before the first one. */
  readonly turnId: string
  readonly isTurnOpen: boolean
  /** Number of items and of turns that were named here, because a legacy file does not name them. */
  readonly named: number
  /** The last name that the file has. */
  readonly name: { readonly at: number; readonly name: string | null } | null
  readonly isArchived: boolean
  /** Time of the last event. */
  readonly at: number
}

export const initialState: DecoderState = {
  hasBegun: false,
  isLegacy: false,
  settings: SettingsForm.unknownSettings("/", ""),
  turnId: "",
  isTurnOpen: false,
  named: 0,
  name: null,
  isArchived: false,
  at: 0
}

type Fields = Readonly<Record<string, unknown>>

const decodeEvent = lazy(() => Schema.decodeUnknownResult(ThreadEvent()))
const decodeEntry = lazy(() => Schema.decodeUnknownResult(ResponseItem()))
const decodeEntries = lazy(() => Schema.decodeUnknownResult(Schema.Array(ResponseItem())))
const decodeError = lazy(() => Schema.decodeUnknownResult(TurnError()))

const success = <A>(result: Result.Result<A, unknown>): A | undefined =>
  Result.isSuccess(result) ? result.success : undefined

const messageOf = (text: string): ResponseItem => ({
  type: "message",
  role: "user",
  content: [{ type: "input_text", text }]
})

/** `error` of a completed task: a text, or an object with one. */
const errorOf = (error: unknown): TurnError | undefined => {
  if (error === undefined || error === null) return undefined
  const members = isRecord(error) ? error : { message: String(error) }
  const none = { codexErrorInfo: null, additionalDetails: null, misalignment: null }
  const { additional_details, codex_error_info, message } = members
  const known = { additionalDetails: additional_details ?? null, codexErrorInfo: codex_error_info ?? null }
  return (
    success(decodeError()({ ...none, ...known, ...members })) ?? {
      ...none,
      message: typeof message === "string" ? message : "the turn failed"
    }
  )
}

export class Decoder {
  #state: DecoderState

  constructor(state: DecoderState = initialState) {
    this.#state = state
  }

  get snapshot(): DecoderState {
    return this.#state
  }

  /** Goes on behind a line that is known to decode to this event. */
  pass(event: ThreadEvent): void {
    this.#remember(event)
    this.#state = { ...this.#state, hasBegun: true }
  }

  /** The events of the next line. Throws `LaterVersion`. */
  decode(line: Line): ReadonlyArray<ThreadEvent> {
    const events = this.#eventsOf(line)
    for (const event of events) this.#remember(event)
    this.#state = { ...this.#state, hasBegun: true }
    return events
  }

  #eventsOf(line: Line): ReadonlyArray<ThreadEvent> {
    if (line.spindle?.events === 0) return []
    if (line.spindle?.patch === undefined) return this.#plain(line)
    const [base] = this.#plain(line)
    const patched = success(decodeEvent()(Patch.apply(base ?? null, line.spindle.patch)))
    return [patched ?? foreign(line)]
  }

  /** The events of a line without what it carries for this server. */
  #plain(line: Line): ReadonlyArray<ThreadEvent> {
    if (!this.#state.hasBegun) {
      const created = Origin.fromMeta(line)
      if (created === undefined) return [foreign(line)]
      this.#state = { ...this.#state, isLegacy: Origin.isLegacy(line) }
      return [created]
    }
    const payload = isRecord(line.payload) ? line.payload : {}
    const event = this.#known(line.type, payload, millisOf(line.timestamp))
    if (event === "none") return []
    if (Array.isArray(event)) return event
    return [(event as ThreadEvent | undefined) ?? foreign(line)]
  }

  #known(type: string, payload: Fields, at: number): ThreadEvent | ReadonlyArray<ThreadEvent> | "none" | undefined {
    switch (type) {
      case "event_msg":
        return this.#message(payload, at)
      case "response_item": {
        const item = success(decodeEntry()(payload))
        return item === undefined ? undefined : { _tag: "ConversationEntry", at, item }
      }
      case "turn_context": {
        const settings = SettingsForm.ofContext(payload, this.#state.settings)
        const isKnown = Patch.between(this.#state.settings, settings) === undefined
        return isKnown ? "none" : { _tag: "SettingsChanged", at, settings }
      }
      case "compacted":
        return this.#compacted(payload, at)
      case OwnType: {
        checkVersion(payload["version"])
        return success(decodeEvent()(payload["event"]))
      }
      default:
        return undefined
    }
  }

  #message(payload: Fields, at: number): ThreadEvent | ReadonlyArray<ThreadEvent> | undefined {
    const { settings, turnId } = this.#state
    switch (payload["type"]) {
      case "task_started":
      case "turn_started":
        return turnStarted(payload, at)
      case "task_complete":
      case "turn_complete":
      case "turn_aborted":
        return turnEnded(payload, at, turnId)
      case "item_completed": {
        const item = TurnItem.fromRelease(payload["item"], payload["started_at_ms"], payload["completed_at_ms"])
        const id = payload["turn_id"]
        return item === undefined
          ? undefined
          : { _tag: "ItemCompleted", at, turnId: typeof id === "string" ? id : turnId, item }
      }
      case "thread_settings_applied": {
        const applied = payload["thread_settings"]
        return isRecord(applied)
          ? { _tag: "SettingsChanged", at, settings: SettingsForm.ofApplied(applied, settings) }
          : undefined
      }
      case "token_count": {
        const usage = TokenForm.fromRelease(payload["info"])
        return usage === undefined ? undefined : { _tag: "TokensCounted", at, turnId, usage }
      }
      case "thread_rolled_back": {
        const turns = payload["num_turns"]
        return Number.isSafeInteger(turns) ? { _tag: "RolledBack", at, turns: Number(turns) } : undefined
      }
      default:
        return this.#state.isLegacy ? this.#legacy(payload, at) : undefined
    }
  }

  #compacted(payload: Fields, at: number): EventOf<"Compacted"> | undefined {
    const { message, replacement_history: history } = payload
    if (history === undefined || history === null) {
      return typeof message === "string"
        ? { _tag: "Compacted", at, turnId: this.#state.turnId, replacement: [messageOf(message)] }
        : undefined
    }
    const replacement = success(decodeEntries()(history))
    return replacement === undefined ? undefined : { _tag: "Compacted", at, turnId: this.#state.turnId, replacement }
  }

  /** A message of a legacy file. One outside of a turn gets its own turn, which has ended. */
  #legacy(payload: Fields, at: number): ReadonlyArray<ThreadEvent> | undefined {
    const item = LegacyForm.fromRelease(payload, `item-${this.#state.named + 1}`)
    if (item === undefined) return undefined
    const { isTurnOpen, named, turnId } = this.#state
    this.#state = { ...this.#state, named: named + 1 }
    const begins = item.type === "userMessage" ? !isTurnOpen : turnId === ""
    if (!begins) return [{ _tag: "ItemCompleted", at, turnId, item }]
    const own = `turn-${named + 1}`
    return [
      { _tag: "TurnStarted", at, turnId: own, rootTurnId: own },
      { _tag: "TurnEnded", at, turnId: own, status: "completed", error: null },
      { _tag: "ItemCompleted", at, turnId: own, item }
    ]
  }

  #remember(event: ThreadEvent): void {
    const state = { ...this.#state, at: event.at }
    switch (event._tag) {
      case "Created":
        this.#state = { ...state, settings: event.settings }
        return
      case "SettingsChanged":
        this.#state = { ...state, settings: event.settings }
        return
      case "TurnStarted":
        this.#state = { ...state, turnId: event.turnId, isTurnOpen: true }
        return
      case "TurnEnded":
        this.#state = { ...state, isTurnOpen: false }
        return
      case "NameSet":
        this.#state = { ...state, name: { at: event.at, name: event.name } }
        return
      case "Archived":
      case "Unarchived":
        this.#state = { ...state, isArchived: event._tag === "Archived" }
        return
      default:
        this.#state = state
    }
  }
}

const foreign = ({ payload, timestamp, type }: Line): EventOf<"Foreign"> => ({
  _tag: "Foreign",
  at: millisOf(timestamp),
  type,
  payload: payload as EventOf<"Foreign">["payload"]
})

const turnStarted = ({ root_turn_id: root, turn_id: id }: Fields, at: number): EventOf<"TurnStarted"> | undefined =>
  typeof id === "string"
    ? { _tag: "TurnStarted", at, turnId: id, rootTurnId: typeof root === "string" ? root : id }
    : undefined

const turnEnded = (payload: Fields, at: number, current: string): EventOf<"TurnEnded"> => {
  const turnId = typeof payload["turn_id"] === "string" ? payload["turn_id"] : current
  if (payload["type"] === "turn_aborted") return { _tag: "TurnEnded", at, turnId, status: "interrupted", error: null }
  const error = errorOf(payload["error"])
  return { _tag: "TurnEnded", at, turnId, status: error === undefined ? "completed" : "failed", error: error ?? null }
}
