/**
 * The state of a thread: a pure fold of its events.
 *
 * Owns the fold and nothing else. A state is immutable: `fold` returns a new one that shares its unchanged parts with the
 * old one. How clients see a state is in `ThreadView`.
 *
 * @module
 */
import * as Predicate from "effect/Predicate"
import type { TurnError } from "../../protocol/v2/turn/ErrorInfo.ts"
import type { ThreadItem } from "../../protocol/v2/item/Item.ts"
import type { ResponseItem } from "../../protocol/v2/item/ResponseItem.ts"
import type { ThreadSettings } from "../../protocol/v2/thread/Settings.ts"
import type { ThreadTokenUsage } from "../../protocol/v2/thread/Thread.ts"
import type { TurnStatus } from "../../protocol/v2/turn/Turn.ts"
import type { EventOf, ThreadEvent, ThreadOrigin } from "./ThreadEvent.ts"
import { applyFact, initialFacts, type ThreadFacts } from "./ThreadFacts.ts"

/** A turn with all its items. */
export interface TurnState {
  /** The number of the event that started the turn. */
  readonly seq: number
  readonly id: string
  readonly rootTurnId: string
  /** Unix milliseconds. */
  readonly startedAt: number
  readonly items: ReadonlyArray<ThreadItem>
  /** The numbers of the events of the items, in the same order. */
  readonly itemSeqs: ReadonlyArray<number>
  readonly status: TurnStatus
  readonly error: TurnError | null
  /** Unix milliseconds; null while the turn runs. */
  readonly endedAt: number | null
  /** Length of the conversation when the turn began. */
  readonly conversationStart: number
}

/** An item with the number of its event, and the number of the event that started its turn. */
export interface StoredItem {
  readonly seq: number
  readonly turnId: string
  readonly turnSeq: number
  readonly item: ThreadItem
}

/** A pending request to the clients. */
export type OpenRequest = Omit<EventOf<"RequestOpened">, "_tag">

/** The call that a request belongs to. */
export const callOf = ({ params }: OpenRequest): string | undefined =>
  Predicate.hasProperty(params, "itemId") && typeof params.itemId === "string" ? params.itemId : undefined

/** A message that its turn has not recorded yet. */
export type AcceptedInput = Omit<EventOf<"InputAccepted">, "_tag">

/** What a turn needs to go on after a crash. */
export type TurnClaim = Omit<EventOf<"TurnClaimed">, "_tag">

/** A position in the notifications of a thread. */
export type SequenceMark = Omit<EventOf<"SequenceMarked">, "_tag" | "at">

/** A thread after a number of its events. */
export interface ThreadState extends ThreadFacts {
  readonly origin: ThreadOrigin
  readonly settings: ThreadSettings
  /** Oldest first. */
  readonly turns: ReadonlyArray<TurnState>
  /** The items that completed after a later turn had started, in the order of their completion. Their turns have them too. */
  readonly late: ReadonlyArray<StoredItem>
  /** The conversation that the model gets, oldest first. */
  readonly conversation: ReadonlyArray<ResponseItem>
  readonly usage: { readonly turnId: string; readonly tokens: ThreadTokenUsage } | null
  /** The first text of the user. */
  readonly preview: string
  /** Messages of the running turn that are not in it yet, oldest first. */
  readonly acceptedInput: ReadonlyArray<AcceptedInput>
  readonly openRequests: ReadonlyArray<OpenRequest>
  /** The highest id of a request; -1 before the first one. */
  readonly lastRequestId: number
  /** The calls of the last turn that had a request which is no longer pending. */
  readonly answeredCalls: ReadonlyArray<string>
  /** The position of the notifications when the thread was unloaded; null once something has happened after that. */
  readonly mark: SequenceMark | null
  /** Set while a turn has not ended that goes on after a crash. */
  readonly claim: TurnClaim | null
  /** Whether something happened to the thread since it was created. A thread without that is not kept for clients. */
  readonly isRecorded: boolean
  /** Unix milliseconds. */
  readonly updatedAt: number
  /** When the last turn started, in Unix milliseconds. */
  readonly recencyAt: number
  /** The number of the next event, equal to the number of folded events. */
  readonly nextSeq: number
}

/** The state after a thread's first event. */
export const initial = (event: EventOf<"Created">): ThreadState => ({
  origin: event.origin,
  settings: event.settings,
  turns: [],
  late: [],
  conversation: [],
  usage: null,
  preview: "",
  ...initialFacts(event.origin),
  acceptedInput: [],
  openRequests: [],
  lastRequestId: -1,
  answeredCalls: [],
  claim: null,
  mark: null,
  isRecorded: false,
  updatedAt: event.at,
  recencyAt: event.at,
  nextSeq: 1
})

/** The state after more events. A `Created` behind the first event changes nothing. */
export const fold = (state: ThreadState, events: Iterable<ThreadEvent>): ThreadState => {
  const draft = new Draft(state)
  for (const event of events) draft.apply(event)
  return draft.finish()
}

/** The state after all events; undefined when the first one is not `Created`. */
export const foldAll = (events: ReadonlyArray<ThreadEvent>): ThreadState | undefined => {
  const [first, ...rest] = events
  return first?._tag === "Created" ? fold(initial(first), rest) : undefined
}

type UserMessage = Extract<ThreadItem, { readonly type: "userMessage" }>

/** The text of a message, as in the preview of a thread that begins with it. */
export const previewOf = ({ content }: UserMessage): string =>
  content.map((part) => (part.type === "text" ? part.text : "")).join("")

/** The turn with this id. Searches from the end, because recent turns are requested most. */
export const turnOf = (state: ThreadState, turnId: string): TurnState | undefined =>
  state.turns.findLast((turn) => turn.id === turnId)

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * A state under construction. An array is copied at its first change and then changed in place, so that folding is linear in
 * the number of events.
 */
class Draft {
  readonly #state: Mutable<ThreadState>
  #turns: Array<TurnState> | undefined
  #conversation: Array<ResponseItem> | undefined
  /** The items of turns that have changed, by the turn's index. */
  readonly #items = new Map<number, { readonly items: Array<ThreadItem>; readonly itemSeqs: Array<number> }>()

  constructor(state: ThreadState) {
    this.#state = { ...state }
  }

  finish(): ThreadState {
    const turns = this.#turns
    if (turns !== undefined) {
      for (const [index, changed] of this.#items) {
        const turn = turns[index]
        if (turn !== undefined) turns[index] = { ...turn, ...changed }
      }
    }
    return this.#state
  }

  apply(event: ThreadEvent): void {
    const state = this.#state
    const seq = state.nextSeq++
    state.mark = null
    switch (event._tag) {
      case "SettingsChanged":
        state.settings = event.settings
        return
      case "TurnStarted":
        return this.#turnStarted(event, seq)
      case "TurnEnded":
        return this.#turnEnded(event)
      case "ItemCompleted":
        return this.#itemCompleted(event, seq)
      case "ConversationEntry":
        this.#changedConversation().push(event.item)
        return
      case "TokensCounted":
        state.usage = { turnId: event.turnId, tokens: event.usage }
        return
      case "Compacted":
        state.conversation = this.#conversation = [...event.replacement]
        return
      case "RolledBack":
        return this.#rolledBack(event.turns)
      case "TurnClaimed": {
        const { _tag, ...claim } = event
        state.claim = claim
        return
      }
      case "SequenceMarked":
        state.mark = { epoch: event.epoch, seq: event.seq }
        return
      case "InputAccepted": {
        const { _tag, ...accepted } = event
        state.acceptedInput = [...state.acceptedInput, accepted]
        return
      }
      case "RequestOpened": {
        const { _tag, ...request } = event
        state.openRequests = [...state.openRequests, request]
        state.lastRequestId = Math.max(state.lastRequestId, request.requestId)
        return
      }
      case "RequestClosed":
        return this.#requestClosed(event.requestId)
      case "Created":
      case "Foreign":
        return
      default:
        state.isRecorded = true
        Object.assign(state, applyFact(state, event))
    }
  }

  #requestClosed(requestId: number): void {
    const { answeredCalls, openRequests } = this.#state
    const calls = openRequests.flatMap((one) => (one.requestId === requestId ? (callOf(one) ?? []) : []))
    this.#state.openRequests = openRequests.filter((one) => one.requestId !== requestId)
    this.#state.answeredCalls = [...answeredCalls, ...calls]
  }

  #changedTurns(): Array<TurnState> {
    if (this.#turns === undefined) this.#state.turns = this.#turns = [...this.#state.turns]
    return this.#turns
  }

  #changedConversation(): Array<ResponseItem> {
    if (this.#conversation === undefined) this.#state.conversation = this.#conversation = [...this.#state.conversation]
    return this.#conversation
  }

  #turnStarted(event: EventOf<"TurnStarted">, seq: number): void {
    const conversationStart = this.#state.conversation.length
    this.#changedTurns().push({
      seq,
      id: event.turnId,
      rootTurnId: event.rootTurnId,
      startedAt: event.at,
      items: [],
      itemSeqs: [],
      status: "inProgress",
      error: null,
      endedAt: null,
      conversationStart
    })
    this.#state.isRecorded = true
    this.#state.claim = null
    this.#state.answeredCalls = []
    this.#state.recencyAt = Math.max(this.#state.recencyAt, event.at)
    this.#updated(event.at)
  }

  /** A fork is newer than the turns that it copied. */
  #updated(at: number): void {
    this.#state.updatedAt = Math.max(this.#state.updatedAt, at)
  }

  /** A turn ends once. Later events do not change it. */
  #turnEnded(event: EventOf<"TurnEnded">): void {
    const turns = this.#changedTurns()
    const index = turns.findLastIndex(({ id }) => id === event.turnId)
    const turn = turns[index]
    if (turn === undefined || turn.status !== "inProgress") return
    turns[index] = { ...turn, status: event.status, error: event.error, endedAt: event.at }
    if (this.#state.claim?.turnId === event.turnId) this.#state.claim = null
    this.#updated(event.at)
  }

  #itemCompleted({ item, turnId }: EventOf<"ItemCompleted">, seq: number): void {
    const turns = this.#changedTurns()
    const index = turns.findLastIndex(({ id }) => id === turnId)
    const turn = turns[index]
    if (turn !== undefined) {
      let changed = this.#items.get(index)
      if (changed === undefined) {
        changed = { items: [...turn.items], itemSeqs: [...turn.itemSeqs] }
        this.#items.set(index, changed)
      }
      changed.items.push(item)
      changed.itemSeqs.push(seq)
      if (index < turns.length - 1) this.#state.late = [...this.#state.late, { seq, turnId, turnSeq: turn.seq, item }]
    }
    if (item.type === "userMessage") this.#userMessage(item)
  }

  #userMessage(item: UserMessage): void {
    const { id } = item
    const state = this.#state
    // Nothing is lost or repeated when the log ends between the message and the removal of its submission.
    if (state.queue.length > 0) state.queue = state.queue.filter((submission) => submission.id !== id)
    if (state.acceptedInput.length > 0) {
      state.acceptedInput = state.acceptedInput.filter((accepted) => accepted.item.id !== id)
    }
    if (state.preview === "") state.preview = previewOf(item)
  }

  #rolledBack(count: number): void {
    const turns = this.#changedTurns()
    const kept = Math.max(0, turns.length - Math.max(0, count))
    const first = turns[kept]
    if (first === undefined) return
    for (let index = kept; index < turns.length; index++) this.#items.delete(index)
    const removed = new Set(turns.splice(kept).map(({ id }) => id))
    // No turn started after the last one that is left, so its items are not late any more.
    const last = turns.at(-1)?.id
    this.#state.late = this.#state.late.filter(({ turnId }) => !removed.has(turnId) && turnId !== last)
    const conversation = this.#changedConversation()
    conversation.length = Math.min(conversation.length, first.conversationStart)
  }
}
