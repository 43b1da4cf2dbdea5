/**
 * The tools that a client provides (`dynamicTools`): each call is an `item/tool/call` request to the thread's clients.
 *
 * ```
 *  item/started ─► item/tool/call ─► (answer) ─► item/completed
 * ```
 *
 * A client's error, a malformed answer and a remote image fail the call; the model reads why, and the turn goes on. Does not
 * own which tools a client may declare (`services/tool/DynamicTools`).
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type { DynamicToolCallItem, DynamicToolCallOutputContentItem } from "../../../protocol/v2/item/WorkItem.ts"
import type { DynamicToolCallResponse } from "../../../protocol/v2/tool/DynamicTool.ts"
import { isImageData } from "../../../services/tool/LocalImage.ts"
import {
  type AskFailed,
  failure,
  type Tool,
  type ToolCall,
  type ToolContent,
  type ToolTurn
} from "../../../services/tool/Tool.ts"
import { readJson } from "../Arguments.ts"

const failed = (text: string): DynamicToolCallResponse => ({
  contentItems: [{ type: "inputText", text }],
  success: false
})

const ofFailure = ({ reason }: AskFailed): DynamicToolCallResponse =>
  failed(reason === "malformed" ? "dynamic tool response was invalid" : "dynamic tool request failed")

const isRemoteImage = (part: DynamicToolCallOutputContentItem): boolean =>
  part.type === "inputImage" && !/^data:/i.test(part.imageUrl)

/** A model server refuses a whole conversation with an image that it cannot read. */
const checked = (response: DynamicToolCallResponse): DynamicToolCallResponse =>
  response.contentItems.some(isRemoteImage)
    ? failed("remote image URLs are not supported; use an inline data URL instead")
    : response

const contentOf =
  (turn: ToolTurn) =>
  (part: DynamicToolCallOutputContentItem): ToolContent => {
    switch (part.type) {
      case "inputText":
        return { type: "text", text: part.text }
      case "inputImage":
        return isImageData(part.imageUrl)
          ? { type: "image", url: part.imageUrl, detail: turn.model.isKnown ? "original" : "high" }
          : { type: "text", text: "image content omitted because it could not be processed" }
      case "inputAudio":
        return { type: "text", text: "audio content omitted because it is not supported" }
    }
  }

const startedItem = (call: ToolCall, args: Schema.Json): DynamicToolCallItem => ({
  type: "dynamicToolCall",
  id: call.callId,
  namespace: call.namespace,
  tool: call.name,
  arguments: args,
  status: "inProgress",
  contentItems: null,
  success: null,
  durationMs: null
})

/** Publishes the call as an item from its start to its end, also when it is interrupted. */
const shown = Effect.fnUntraced(function* (
  turn: ToolTurn,
  item: DynamicToolCallItem,
  answer: Effect.Effect<DynamicToolCallResponse>
) {
  const startedAtMs = yield* Clock.currentTimeMillis
  yield* turn.itemStarted({ ...item, startedAtMs })
  const completed = (exit: Exit.Exit<DynamicToolCallResponse>) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const response = Exit.isSuccess(exit) ? exit.value : { contentItems: [], success: false }
      return turn.itemCompleted({
        ...item,
        ...response,
        startedAtMs,
        status: response.success ? "completed" : "failed",
        durationMs: Math.max(0, now - startedAtMs)
      })
    })
  return yield* Effect.onExit(answer, completed)
})

export const run: Tool["run"] = Effect.fnUntraced(function* (call, turn) {
  const args = readJson(call.input)
  if (Result.isFailure(args)) return failure(args.failure)
  // It was parsed from JSON.
  const json = args.success as Schema.Json
  const request = { callId: call.callId, namespace: call.namespace, tool: call.name, arguments: json }
  const answer = turn.ask("item/tool/call", request).pipe(
    Effect.map(checked),
    Effect.catch((error) => Effect.succeed(ofFailure(error)))
  )
  const { contentItems, success } = yield* shown(turn, startedItem(call, json), answer)
  return { content: contentItems.map(contentOf(turn)), success }
})
