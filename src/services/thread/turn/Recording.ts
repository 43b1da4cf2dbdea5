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
import type { ActiveTurn } from "./ActiveTurn.ts"
import { type Message, promptOf, toModel } from "./UserMessage.ts"

/** The key of a message is stored together with the message, so that a retry after a crash finds both or neither. */
const acceptedKey = (context: ThreadContext, turn: ActiveTurn, { key }: Message): ReadonlyArray<ThreadEvent> =>
  key === undefined ? [] : [{ _tag: "SubmissionAccepted", at: context.now(), key, turnId: turn.id }]

/** The detail of images for the model, unless the client chose one. */
const imageDetail = ({ model }: ThreadContext) => (model.known ? "original" : "high")

/** Records a message: its entry and its item. Empty input is not recorded. */
export const recordMessage = Effect.fnUntraced(function* (context: ThreadContext, turn: ActiveTurn, message: Message) {
  const accepted = acceptedKey(context, turn, message)
  if (message.input.length === 0) return yield* context.commit(accepted)
  turn.prompt = promptOf(message.input)
  const id = yield* context.services.random.uuidV7()
  const startedAtMs = context.now()
  const item = {
    type: "userMessage" as const,
    id,
    clientId: message.clientId,
    content: message.input,
    startedAtMs,
    completedAtMs: null
  }
  yield* context.itemStarted(turn.id, item)
  const entry = yield* Effect.provideService(
    toModel(message.input, imageDetail(context)),
    SmallFiles,
    context.services.files
  )
  // The item comes last: a message that is shown is also in the conversation, also after a crash.
  const before = entry === null ? accepted : [context.entry(entry), ...accepted]
  yield* context.itemCompleted(turn.id, item, before)
})

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
