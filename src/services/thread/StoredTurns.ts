/**
 * The turns of a stored thread one after another, so that a thread of any length is read in bounded memory.
 *
 * The events are read twice. The first pass makes an outline: everything but the conversation and the items, which are most
 * of a thread. Reverted turns are not in it, because it is known then which turns are left. The second pass reads the items.
 * Events that are appended meanwhile are not seen.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ThreadItem } from "../../protocol/v2/item/Item.ts"
import type { ThreadEvent } from "./ThreadEvent.ts"
import { foldAll, fold, type ThreadState, type TurnState } from "./ThreadState.ts"
import { type ThreadStore, ThreadStoreError } from "./ThreadStore.ts"

/** Number of events that are read at a time. */
const ReadLimit = 256

type Store = Pick<ThreadStore["Service"], "read">

/** A thread without its conversation and most of its items. */
export interface Outline {
  /** Its turns have only those items that completed after a later turn had started, and the first one of the user. */
  readonly state: ThreadState
  /** The number of the last event of a turn. */
  readonly end: number
}

/** An event that does not change a state. */
const nothing: ThreadEvent = { _tag: "Foreign", at: 0, type: "", payload: null }

/** Removes from events what the second pass reads. */
class Outliner {
  /** The newest turn; undefined after a revert, when it is not known. */
  #newest: string | undefined
  #hasPreview = false
  #seq = 0
  end = 0

  lean(event: ThreadEvent): ThreadEvent {
    const seq = this.#seq++
    switch (event._tag) {
      case "ConversationEntry":
      case "Compacted":
        return nothing
      case "TurnStarted":
        this.#newest = event.turnId
        this.end = seq
        return event
      case "RolledBack":
        this.#newest = undefined
        return event
      case "TurnEnded":
        this.end = seq
        return event
      case "ItemCompleted": {
        this.end = seq
        const isPreview = event.item.type === "userMessage" && !this.#hasPreview
        if (event.item.type === "userMessage") this.#hasPreview = true
        return event.turnId === this.#newest && !isPreview ? nothing : event
      }
      default:
        return event
    }
  }
}

/** The outline of a thread; null for an unknown one. */
export const outline = Effect.fnUntraced(function* (
  store: Store,
  threadId: string
): Effect.fn.Return<Outline | null, ThreadStoreError> {
  const outliner = new Outliner()
  let state: ThreadState | undefined
  let from = 0
  while (true) {
    const page = yield* store.read(threadId, { from, limit: ReadLimit })
    const events = page.map(({ event }) => outliner.lean(event))
    state = state === undefined ? foldAll(events) : fold(state, events)
    from += page.length
    if (page.length < ReadLimit || state === undefined) break
  }
  return state === undefined ? null : { state, end: outliner.end }
})

/** A turn with the items that the outline lacks, in the order of their events. */
const completed = (turn: TurnState, items: ReadonlyArray<readonly [number, ThreadItem]>): TurnState => {
  const known = turn.items.map((item, index): readonly [number, ThreadItem] => [turn.itemSeqs[index] ?? 0, item])
  const seqs = new Set(turn.itemSeqs)
  const all = [...items.filter(([seq]) => !seqs.has(seq)), ...known].sort(([a], [b]) => a - b)
  return { ...turn, items: all.map(([, item]) => item), itemSeqs: all.map(([seq]) => seq) }
}

/** The thread's file became shorter between the passes. */
const changed = (threadId: string) =>
  new ThreadStoreError({
    operation: "read",
    reason: "conflict",
    threadId,
    cause: new Error("the thread became shorter while it was read")
  })

/** Calls `use` for every turn from index `from` on, oldest first. */
export const eachTurn = Effect.fnUntraced(function* <E, R>(
  store: Store,
  { end, state }: Outline,
  from: number,
  use: (turn: TurnState, index: number) => Effect.Effect<void, E, R>
): Effect.fn.Return<void, E | ThreadStoreError, R> {
  const { origin, turns } = state
  let index = from
  let current: TurnState | undefined
  let items: Array<readonly [number, ThreadItem]> = []
  const finish = () => (current === undefined ? Effect.void : use(completed(current, items), index - 1))
  let seq = turns[from]?.seq ?? end + 1
  while (seq <= end) {
    const page = yield* store.read(origin.id, { from: seq, limit: Math.min(ReadLimit, end + 1 - seq) })
    if (page.length === 0) return yield* changed(origin.id)
    for (const { event, seq: at } of page) {
      if (event._tag === "TurnStarted") {
        yield* finish()
        items = []
        current = turns[index]?.seq === at ? turns[index] : undefined
        if (current !== undefined) index++
      } else if (event._tag === "ItemCompleted" && event.turnId === current?.id) items.push([at, event.item])
    }
    seq += page.length
  }
  yield* finish()
})
