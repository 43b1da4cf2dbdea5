/**
 * Records user messages and outputs of calls in the conversation.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ServerRequestMethod } from "../../../protocol/Methods.ts"
import type { FunctionCallOutputBody } from "../../../protocol/v2/item/Content.ts"
import { SmallFiles } from "../../config/SmallFiles.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { ThreadEvent } from "../ThreadEvent.ts"
import type { Decision, Notification } from "../ThreadJournal.ts"
import type { ActiveTurn } from "./ActiveTurn.ts"
import { type Message, prepare, type PreparedMessage, promptOf } from "./UserMessage.ts"

/** The detail of images for the model, unless the client chose one. */
const imageDetail = ({ model }: ThreadContext) => (model.known ? "original" : "high")

/** Prepares a message for `recorded`. */
export const prepared = (context: ThreadContext, message: Message): Effect.Effect<PreparedMessage> =>
  Effect.provideService(
    prepare(message, context.services.random.uuidV7(), imageDetail(context)),
    SmallFiles,
    context.services.files
  )

/**
 * The change that records a message: its entry, its key and its item. The item comes last: a message that is shown is also in
 * the conversation, and a retry finds both the key and the message or neither, also after a crash.
 */
export const recorded = (
  context: ThreadContext,
  turn: ActiveTurn,
  { entry, item, key }: PreparedMessage
): Pick<Decision<void>, "events"> & { readonly notifications: ReadonlyArray<Notification> } => {
  const at = context.now()
  const before: ReadonlyArray<ThreadEvent> = [
    ...(entry === null ? [] : [context.entry(entry)]),
    ...(key === null ? [] : [{ _tag: "SubmissionAccepted" as const, at, key, turnId: turn.id }])
  ]
  if (item === null) return { events: before, notifications: [] }
  turn.prompt = promptOf(item.content)
  const [started, completed] = [
    { ...item, startedAtMs: at },
    { ...item, startedAtMs: at, completedAtMs: at }
  ]
  const place = { threadId: context.id, turnId: turn.id }
  return {
    events: [...before, { _tag: "ItemCompleted", at, turnId: turn.id, item: completed }],
    notifications: [
      { method: "item/started", params: { item: started, ...place, startedAtMs: at } },
      { method: "item/completed", params: { item: completed, ...place, contentTokenCount: null, completedAtMs: at } }
    ]
  }
}

/** Records a message. */
export const recordMessage = (
  context: ThreadContext,
  turn: ActiveTurn,
  message: PreparedMessage
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { events, notifications } = recorded(context, turn, message)
    return context.commit(events, notifications)
  })

/**
 * Adds a message to the running turn, which records it before its next request to the model. It is stored before this returns, so
 * that a crash does not lose it. False when the turn is ending.
 */
export const addInput = Effect.fnUntraced(function* (context: ThreadContext, turn: ActiveTurn, message: Message) {
  if (turn.isClosed) return false
  const input = yield* prepared(context, message)
  // Decided while nothing else is stored, so that the turn records the message behind this.
  const { publish, value } = yield* context.journal.change(() =>
    Effect.sync(() => ({ events: acceptance(context, turn, input), value: turn.steer(input) }))
  )
  yield* publish
  return value
})

/** What is stored of a message that the turn has accepted and not recorded. */
export const acceptance = (
  context: ThreadContext,
  turn: ActiveTurn,
  { entry, item, key }: PreparedMessage
): ReadonlyArray<ThreadEvent> =>
  item === null || turn.isClosed
    ? []
    : [{ _tag: "InputAccepted", at: context.now(), turnId: turn.id, key, item, entry }]

/** Records the messages that a turn had accepted before a crash. */
export const recordAccepted = (context: ThreadContext, turn: ActiveTurn): Effect.Effect<void> =>
  Effect.forEach(
    context.state.acceptedInput,
    ({ entry, item, key }) =>
      item.type === "userMessage" ? recordMessage(context, turn, { entry, item, key }) : Effect.void,
    { discard: true }
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

/** A request whose end is visible by its item only, as in the release. */
const Unannounced: ServerRequestMethod = "item/tool/call"

/** Records that a request to the clients is no longer pending, and publishes it. */
export const recordAnswered = (context: ThreadContext, requestId: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const recorded = context.state.openRequests.find((request) => request.requestId === requestId)
    const params = { threadId: context.id, requestId }
    return context.commit(
      recorded === undefined ? [] : [{ _tag: "RequestClosed", at: context.now(), requestId }],
      recorded?.method === Unannounced ? [] : [{ method: "serverRequest/resolved", params }]
    )
  })
