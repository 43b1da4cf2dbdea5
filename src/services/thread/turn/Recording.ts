/**
 * Records user messages and outputs of calls in the conversation.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { FunctionCallOutputBody } from "../../../protocol/v2/item/Content.ts"
import { SmallFiles } from "../../config/SmallFiles.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { ActiveTurn } from "./ActiveTurn.ts"
import { type Message, promptOf, toModel } from "./UserMessage.ts"

/** Records a message: its item, then its entry. Empty input is not recorded. */
export const recordMessage = Effect.fnUntraced(function* (context: ThreadContext, turn: ActiveTurn, message: Message) {
  if (message.input.length === 0) return
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
  yield* context.itemCompleted(turn.id, item)
  const entry = yield* Effect.provideService(toModel(message.input), SmallFiles, context.services.files)
  if (entry !== null) yield* context.commit([context.entry(entry)])
})

/** Records the output of a call for the model. */
export const recordOutput = (
  context: ThreadContext,
  turn: ActiveTurn,
  callId: string,
  custom: boolean,
  output: FunctionCallOutputBody
): Effect.Effect<void> => {
  turn.openCalls.delete(callId)
  const type = custom ? "custom_tool_call_output" : "function_call_output"
  return context.commit([context.entry({ type, call_id: callId, output })])
}
