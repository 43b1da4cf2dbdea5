/**
 * Compaction: the model writes a summary, which replaces the conversation.
 *
 * ```
 *  item/started contextCompaction ─► model (no tools) ─► token usage ─► the conversation is replaced ─► item/completed
 * ```
 *
 * It is a turn of its own on request, or a part of a user's turn when the conversation has reached its limit. When even the
 * request for the summary is too long for the model, the oldest entries are left out one by one. A compaction that fails or is
 * interrupted changes nothing; its item stays open, as in the release.
 *
 * Loaded with the first compaction.
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import type { ModelError, ModelEvent } from "../../model/ModelProvider.ts"
import { contextEntries } from "../ContextParts.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import { compacted, estimate, summaryRequest, withoutFirst } from "./CompactedHistory.ts"
import { modelRequest, type RequestOptions } from "./ModelRequests.ts"
import { answerOf, type AnswerReader, type Sampled } from "./Sampling.ts"
import { contextFacts } from "./TurnContext.ts"
import { countFailure, countTokens, setContextTokens } from "./TokenCount.ts"
import * as TurnSpans from "./TurnSpans.ts"
import { noOpening, type TurnStep, type TurnTask } from "./TurnTask.ts"

/** Maximum number of entries that are left out of the request for a summary. */
const MaxLeftOut = 256

/** Reads the summary: the last message of the answer. Calls in it are not run. */
class SummaryReader implements AnswerReader {
  readonly #onRetry: AnswerReader["handle"]
  readonly #completed = Deferred.makeUnsafe<void>()
  text = ""
  sampled: Sampled | undefined

  constructor(onRetry: AnswerReader["handle"]) {
    this.#onRetry = onRetry
  }

  get completed(): Effect.Effect<void> {
    return Deferred.await(this.#completed)
  }

  close(): void {}

  handle(event: ModelEvent): Effect.Effect<void, ModelError> {
    if (this.sampled !== undefined) return Effect.void
    if (event._tag === "Retrying") return this.#onRetry(event)
    if (event._tag === "ItemDone" && event.item.type === "message") {
      this.text = event.item.content.map((part) => (part.type === "output_text" ? part.text : "")).join("")
    }
    if (event._tag === "Completed") {
      this.sampled = { endTurn: event.endTurn, usage: event.usage }
      Deferred.doneUnsafe(this.#completed, Exit.void)
    }
    return Effect.void
  }
}

const retrying =
  ({ context, turn }: TurnStep): AnswerReader["handle"] =>
  (event) =>
    event._tag === "Retrying"
      ? context.notify("error", {
          error: {
            message: event.error.message,
            codexErrorInfo: event.error.info,
            additionalDetails: event.details,
            misalignment: null
          },
          willRetry: true,
          threadId: context.id,
          turnId: turn.id
        })
      : Effect.void

const requestText = ({ config }: ThreadContext): string => {
  const configured = config.settings["compact_prompt"]
  return typeof configured === "string" && configured.trim() !== "" ? configured : summaryRequest
}

const isTooLong = (error: ModelError): boolean => error.info === "contextWindowExceeded"

/** The model's summary of these entries. Leaves out the oldest while they are too many for the model. */
const summarized = Effect.fnUntraced(function* (at: TurnStep, options: RequestOptions) {
  const { context, turn } = at
  let entries = context.state.conversation
  const prompt: ResponseItem = {
    type: "message",
    role: "user",
    content: [{ type: "input_text", text: requestText(context) }]
  }
  for (let leftOut = 0; ; leftOut++) {
    const reader = new SummaryReader(retrying(at))
    const request = {
      ...modelRequest(context, turn, options, [...entries, prompt]),
      tools: [],
      parallelToolCalls: false
    }
    const answer = TurnSpans.modelRequest(answerOf(context, request, reader), request)
    const result = yield* Effect.result(answer)
    if (result._tag === "Success") return { text: reader.text, usage: result.success.usage }
    const mayShorten = isTooLong(result.failure) && entries.length > 1 && leftOut < MaxLeftOut
    if (!mayShorten) {
      yield* countFailure(context, turn.id, result.failure)
      return yield* Effect.fail(result.failure)
    }
    entries = withoutFirst(entries)
  }
})

/** Compacts the conversation of the thread within a turn. */
export const compact = Effect.fnUntraced(function* (
  at: TurnStep,
  options: RequestOptions
): Effect.fn.Return<void, ModelError> {
  const { context, turn } = at
  const id = yield* context.services.random.uuidV7()
  const item = { type: "contextCompaction" as const, id, startedAtMs: context.now() }
  yield* context.itemStarted(turn.id, item)
  const { text, usage } = yield* summarized(at, options)
  yield* countTokens(context, turn.id, usage)
  const facts = yield* contextFacts(context)
  const replacement = compacted(context.state.conversation, contextEntries([], facts), text)
  yield* context.commit([{ _tag: "Compacted", at: context.now(), turnId: turn.id, replacement }])
  yield* setContextTokens(
    context,
    turn.id,
    estimate([...replacement, ...modelRequest(context, turn, options, []).input])
  )
  yield* context.itemCompleted(turn.id, item)
})

/** The task of a compaction on request. */
export const compactTask = (caller: RequestOptions["caller"]): TurnTask => ({
  kind: "compact",
  steerable: false,
  message: null,
  opening: noOpening,
  run: (at) => compact(at, { caller, options: { outputSchema: null, metadata: {} } })
})
