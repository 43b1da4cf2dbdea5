/**
 * A thread as the store has it: how it is read, what is left open in it, and where it can be forked.
 *
 * Functions of events and states; what is loaded is in `LoadedThreads`.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { TurnInProgress, TurnNotFound } from "./ThreadError.ts"
import type { ThreadEvent } from "./ThreadEvent.ts"
import { foldAll, type ThreadState, turnOf } from "./ThreadState.ts"
import { type ThreadStore, ThreadStoreError } from "./ThreadStore.ts"

/** Events that are read at a time. */
const ReadLimit = 1024

/** The events of a thread; none for one that the store does not know. Fails when they are not numbered densely from 0. */
export const readEvents = Effect.fnUntraced(function* (
  store: ThreadStore["Service"],
  threadId: string
): Effect.fn.Return<ReadonlyArray<ThreadEvent>, ThreadStoreError> {
  const events: Array<ThreadEvent> = []
  while (true) {
    const page = yield* store.read(threadId, { from: events.length, limit: ReadLimit })
    for (const { event, seq } of page) {
      if (seq !== events.length) {
        const cause = new Error(`event ${seq} in the place of event ${events.length}`)
        return yield* new ThreadStoreError({ operation: "read", reason: "unavailable", cause })
      }
      events.push(event)
    }
    if (page.length < ReadLimit) return events
  }
})

/** The stored state of a thread, or null when the store does not know it. */
export const readState = (
  store: ThreadStore["Service"],
  threadId: string
): Effect.Effect<ThreadState | null, ThreadStoreError> =>
  Effect.map(readEvents(store, threadId), (events) => foldAll(events) ?? null)

/** Whether a thread can be resumed once it is unloaded: it is stored, and has had a turn. */
export const isOnRecord = (state: ThreadState): boolean => state.turns.length > 0 && !state.origin.ephemeral

/** Calls of tools that have no output: a model does not take a conversation with one. */
const openCalls = ({ conversation }: ThreadState): ReadonlyMap<string, "function_call" | "custom_tool_call"> => {
  const open = new Map<string, "function_call" | "custom_tool_call">()
  for (const item of conversation) {
    if (item.type === "function_call" || item.type === "custom_tool_call") open.set(item.call_id, item.type)
    else if (item.type === "function_call_output" || item.type === "custom_tool_call_output") {
      open.delete(item.call_id ?? "")
    }
  }
  return open
}

/** What ends the turns that no server runs any more: they were interrupted, and so were their calls of tools. */
export const interruptions = (state: ThreadState, at: number): ReadonlyArray<ThreadEvent> => {
  const cut = state.turns.filter(({ status }) => status === "inProgress")
  if (cut.length === 0) return []
  const outputs = Array.from(openCalls(state), ([callId, type]): ThreadEvent => ({
    _tag: "ConversationEntry",
    at,
    item: { type: `${type}_output`, call_id: callId, output: "aborted" }
  }))
  return [
    ...outputs,
    ...cut.map(({ id }): ThreadEvent => ({ _tag: "TurnEnded", at, turnId: id, status: "interrupted", error: null }))
  ]
}

/** Where a fork ends: with a turn, or in front of one. Null for all of the thread. */
export type ForkPoint = { readonly through: string } | { readonly before: string } | null

/** How many of the source's events a fork takes over. */
export const forkLength = Effect.fnUntraced(function* (
  events: ReadonlyArray<ThreadEvent>,
  state: ThreadState,
  point: ForkPoint
): Effect.fn.Return<number, TurnNotFound | TurnInProgress> {
  if (point === null) return events.length
  const turnId = "through" in point ? point.through : point.before
  const turn = turnOf(state, turnId)
  if (turn === undefined) return yield* new TurnNotFound({ turnId })
  if ("before" in point) return events.findLastIndex((event) => event._tag === "TurnStarted" && event.turnId === turnId)
  if (turn.status === "inProgress") return yield* new TurnInProgress({ turnId })
  return events.findLastIndex((event) => event._tag === "TurnEnded" && event.turnId === turnId) + 1
})
