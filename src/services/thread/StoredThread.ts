/**
 * Stored threads: reading them, closing what was left open, and the point of a fork.
 *
 * These are functions of events and states. Loaded threads are in `LoadedThreads`.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { TurnInProgress, TurnNotFound } from "./ThreadError.ts"
import type { ThreadEvent } from "./ThreadEvent.ts"
import { type AcceptedInput, foldAll, type ThreadState, turnOf } from "./ThreadState.ts"
import { type ThreadStore, ThreadStoreError } from "./ThreadStore.ts"

/** Number of events that are read at a time. */
const ReadLimit = 1024

/** The events of a thread; empty for an unknown one. Fails unless they are numbered densely from 0. */
export const readEvents = Effect.fnUntraced(function* (
  store: Pick<ThreadStore["Service"], "read">,
  threadId: string
): Effect.fn.Return<ReadonlyArray<ThreadEvent>, ThreadStoreError> {
  const events: Array<ThreadEvent> = []
  while (true) {
    const page = yield* store.read(threadId, { from: events.length, limit: ReadLimit })
    for (const { event, seq } of page) {
      if (seq !== events.length) {
        const cause = new Error(`event ${seq} found instead of event ${events.length}`)
        return yield* new ThreadStoreError({ operation: "read", reason: "unavailable", cause })
      }
      events.push(event)
    }
    if (page.length < ReadLimit) return events
  }
})

/** The stored state of a thread, or null for an unknown one. */
export const readState = (
  store: Pick<ThreadStore["Service"], "read">,
  threadId: string
): Effect.Effect<ThreadState | null, ThreadStoreError> =>
  Effect.map(readEvents(store, threadId), (events) => foldAll(events) ?? null)

/** Whether a thread can be resumed after unloading: it is stored, and something happened to it. */
export const isOnRecord = (state: ThreadState): boolean => state.isRecorded && !state.origin.ephemeral

/** Tool calls without an output. A model refuses a conversation that has one. */
export const callsWithoutOutput = ({
  conversation
}: ThreadState): ReadonlyMap<string, "function_call" | "custom_tool_call"> => {
  const open = new Map<string, "function_call" | "custom_tool_call">()
  for (const item of conversation) {
    if (item.type === "function_call" || item.type === "custom_tool_call") open.set(item.call_id, item.type)
    else if (item.type === "function_call_output" || item.type === "custom_tool_call_output") {
      open.delete(item.call_id ?? "")
    }
  }
  return open
}

/** The output of a call that the server did not see to its end. */
export const outputOf = (
  callId: string,
  type: "function_call" | "custom_tool_call",
  output: string,
  at: number
): ThreadEvent => ({ _tag: "ConversationEntry", at, item: { type: `${type}_output`, call_id: callId, output } })

/** Whether the log ended between the entry of this message and its item. */
const isHalfRecorded = ({ conversation }: ThreadState, { entry }: AcceptedInput): boolean =>
  entry !== null && JSON.stringify(conversation.at(-1)) === JSON.stringify(entry)

/** The events that record a message which its turn had accepted when its server was gone. */
const messageEvents = (state: ThreadState, input: AcceptedInput, at: number): ReadonlyArray<ThreadEvent> => {
  const { entry, item, key, turnId } = input
  return [
    ...(entry === null || isHalfRecorded(state, input)
      ? []
      : [{ _tag: "ConversationEntry" as const, at, item: entry }]),
    ...(key === null ? [] : [{ _tag: "SubmissionAccepted" as const, at, key, turnId }]),
    { _tag: "ItemCompleted", at, turnId, item: { ...item, startedAtMs: at, completedAtMs: at } }
  ]
}

/** The events that complete a message whose entry was the last line of the log. */
export const halfMessages = (state: ThreadState, at: number): ReadonlyArray<ThreadEvent> =>
  state.acceptedInput
    .filter((input) => isHalfRecorded(state, input))
    .slice(0, 1)
    .flatMap((input) => messageEvents(state, input, at))

/** The events that end turns left open by a server that is gone: the turns and their tool calls were interrupted. */
export const interruptions = (state: ThreadState, at: number): ReadonlyArray<ThreadEvent> => {
  const cut = state.turns.filter(({ status }) => status === "inProgress")
  const closed = state.openRequests.map(({ requestId }): ThreadEvent => ({ _tag: "RequestClosed", at, requestId }))
  if (cut.length === 0) return closed
  const outputs = Array.from(callsWithoutOutput(state), ([callId, type]) => outputOf(callId, type, "aborted", at))
  return [
    ...closed,
    ...outputs,
    ...state.acceptedInput.flatMap((input) => messageEvents(state, input, at)),
    ...cut.map(({ id }): ThreadEvent => ({ _tag: "TurnEnded", at, turnId: id, status: "interrupted", error: null }))
  ]
}

/** Where a fork ends: after a turn, or before one. Null for the whole thread. */
export type ForkPoint = { readonly through: string } | { readonly before: string } | null

/** Number of events that a fork copies from its source. */
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
