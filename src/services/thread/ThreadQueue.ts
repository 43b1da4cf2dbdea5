/**
 * The queue of a thread: input that becomes turns of its own, one after the other.
 *
 * ```
 *  add ─► queued ──turn ends, or `start`──► turn
 * ```
 *
 * A submission starts a turn by itself when the thread is idle and no other waits, and after each turn that ended by itself.
 * After an interrupted turn the queue waits until a turn completes or a client starts a submission. These are decisions about
 * a state; `Thread` runs the turns.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { QueuedSubmission } from "../../protocol/v2/thread/Queue.ts"
import type { UserInput } from "../../protocol/v2/turn/UserInput.ts"
import { ThreadRefusal } from "./ThreadError.ts"
import type { ThreadEvent } from "./ThreadEvent.ts"
import type { Decision } from "./ThreadJournal.ts"
import type { ThreadState } from "./ThreadState.ts"

/** Maximum number of submissions of a queue. */
export const MaxQueued = 256

const refuse = (problem: string) => Effect.fail(new ThreadRefusal({ problem }))

/** Maximum number of characters of a client's id in an error. */
const MaxEchoed = 128

const missing = (id: string) => refuse(`queued submission not found: ${id.slice(0, MaxEchoed)}`)

/** The submission with this id, or the first one. */
export const nextIn = (
  queue: ReadonlyArray<QueuedSubmission>,
  id: string | null
): Effect.Effect<QueuedSubmission, ThreadRefusal> => {
  const found = id === null ? queue[0] : queue.find((submission) => submission.id === id)
  if (found !== undefined) return Effect.succeed(found)
  return id === null ? refuse("queue is empty") : missing(id)
}

const decided = <A>({ origin }: ThreadState, events: ReadonlyArray<ThreadEvent>, value: A): Decision<A> => ({
  events,
  notifications: events.length === 0 ? [] : [{ method: "thread/queue/changed", params: { threadId: origin.id } }],
  value
})

const checkInput = (input: ReadonlyArray<UserInput>): Effect.Effect<void, ThreadRefusal> =>
  input.length === 0 ? refuse("only user input can be added to the user-message queue") : Effect.void

/** Adds a submission. The value is whether it is the only one. */
export const add = Effect.fnUntraced(function* (state: ThreadState, submission: QueuedSubmission, at: number) {
  yield* checkInput(submission.input)
  if (state.queue.length >= MaxQueued) return yield* refuse(`a queue must not have more than ${MaxQueued} submissions`)
  return decided(state, [{ _tag: "QueueAdded", at, submission }], state.queue.length === 0)
})

/** Replaces the input of a submission. Absent or empty metadata keeps that of the submission. */
export const update = Effect.fnUntraced(function* (
  state: ThreadState,
  {
    id,
    input,
    metadata
  }: {
    readonly id: string
    readonly input: ReadonlyArray<UserInput>
    readonly metadata: QueuedSubmission["responsesapiClientMetadata"]
  },
  at: number
) {
  yield* checkInput(input)
  const current = state.queue.find((one) => one.id === id)
  if (current === undefined) return yield* missing(id)
  const hasMetadata = metadata !== null && Object.keys(metadata).length > 0
  const responsesapiClientMetadata = hasMetadata ? metadata : current.responsesapiClientMetadata
  const submission = { ...current, input, responsesapiClientMetadata }
  return decided(state, [{ _tag: "QueueUpdated", at, submission }], submission)
})

/** Removes a submission. The value is whether there was one. */
export const remove = (state: ThreadState, submissionId: string, at: number): Decision<boolean> => {
  const isQueued = state.queue.some(({ id }) => id === submissionId)
  return decided(state, isQueued ? [{ _tag: "QueueRemoved", at, submissionId }] : [], isQueued)
}

/** Changes the order. All ids must be given. */
export const reorder = (
  state: ThreadState,
  submissionIds: ReadonlyArray<string>,
  at: number
): Effect.Effect<Decision<void>, ThreadRefusal> => {
  const ids = new Set(submissionIds)
  const isWhole =
    ids.size === submissionIds.length && ids.size === state.queue.length && state.queue.every(({ id }) => ids.has(id))
  if (!isWhole) return refuse("queue reorder must include every queued submission exactly once")
  const isSame = state.queue.every(({ id }, index) => submissionIds[index] === id)
  return Effect.succeed(decided(state, isSame ? [] : [{ _tag: "QueueReordered", at, submissionIds }], undefined))
}
