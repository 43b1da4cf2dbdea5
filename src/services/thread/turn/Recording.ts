/**
 * Records user messages and outputs of calls in the conversation.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { FunctionCallOutputBody } from "../../../protocol/v2/item/Content.ts"
import { SmallFiles } from "../../config/SmallFiles.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { ThreadEvent } from "../ThreadEvent.ts"
import type { Notification } from "../ThreadJournal.ts"
import type { ActiveTurn } from "./ActiveTurn.ts"
import { type Message, promptOf, toModel } from "./UserMessage.ts"

/** The key of a message is stored together with the message, so that a retry after a crash finds both or neither. */
const acceptedKey = (context: ThreadContext, turn: ActiveTurn, { key }: Message): ReadonlyArray<ThreadEvent> =>
  key === undefined ? [] : [{ _tag: "SubmissionAccepted", at: context.now(), key, turnId: turn.id }]

/** What is stored and published for a message. */
export interface MessageRecord {
  readonly events: ReadonlyArray<ThreadEvent>
  readonly notifications: ReadonlyArray<Notification>
}

/** The record of a message: its entry and its item. Empty input has none. Reads the files that the message names. */
export const messageRecord = Effect.fnUntraced(function* (
  context: ThreadContext,
  turn: ActiveTurn,
  message: Message
): Effect.fn.Return<MessageRecord> {
  const accepted = acceptedKey(context, turn, message)
  if (message.input.length === 0) return { events: accepted, notifications: [] }
  turn.prompt = promptOf(message.input)
  const id = yield* context.services.random.uuidV7()
  const startedAtMs = context.now()
  const { clientId, input: content } = message
  const started = { type: "userMessage" as const, id, clientId, content, startedAtMs, completedAtMs: null }
  const entry = yield* Effect.provideService(toModel(content), SmallFiles, context.services.files)
  const at = context.now()
  const item = { ...started, completedAtMs: at }
  const place = { threadId: context.id, turnId: turn.id }
  return {
    // The item comes last: a message that is shown is also in the conversation, also after a crash.
    events: [
      ...(entry === null ? [] : [context.entry(entry)]),
      ...accepted,
      { _tag: "ItemCompleted", at, turnId: turn.id, item }
    ],
    notifications: [
      { method: "item/started", params: { item: started, ...place, startedAtMs } },
      { method: "item/completed", params: { item, ...place, contentTokenCount: null, completedAtMs: at } }
    ]
  }
})

/** Records a message. */
export const recordMessage = (context: ThreadContext, turn: ActiveTurn, message: Message): Effect.Effect<void> =>
  Effect.flatMap(messageRecord(context, turn, message), ({ events, notifications }) =>
    context.commit(events, notifications)
  )

/** Records the output of a call for the model. */
export const recordOutput = (
  context: ThreadContext,
  turn: ActiveTurn,
  callId: string,
  custom: boolean,
  output: FunctionCallOutputBody
): Effect.Effect<void> =>
  Effect.suspend(() => {
    turn.openCalls.delete(callId)
    const type = custom ? "custom_tool_call_output" : "function_call_output"
    return context.commit([context.entry({ type, call_id: callId, output })])
  })

/** Records an output for every call that has none: the model is not asked with a call that is open. */
export const recordAborted = Effect.fnUntraced(function* (context: ThreadContext, turn: ActiveTurn) {
  const now = context.now()
  for (const [callId, { custom, startedAt }] of Array.from(turn.openCalls)) {
    const text = `Wall time: ${((now - startedAt) / 1000).toFixed(1)} seconds\naborted by user`
    yield* recordOutput(context, turn, callId, custom, text)
  }
})

/** Records that a request to the clients is no longer pending, and publishes it. */
export const recordAnswered = (context: ThreadContext, requestId: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const isRecorded = context.state.openRequests.some((request) => request.requestId === requestId)
    return context.commit(isRecorded ? [{ _tag: "RequestClosed", at: context.now(), requestId }] : [], [
      { method: "serverRequest/resolved", params: { threadId: context.id, requestId } }
    ])
  })
