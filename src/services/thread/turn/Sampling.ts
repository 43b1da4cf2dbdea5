/**
 * One answer of the model, told to the thread as it comes.
 *
 * Owns the step from model events to items and deltas. The item that the model finishes is authoritative: it completes
 * what was started, or starts and completes at once when nothing was announced. A retried answer is begun anew; what was
 * shown of the first try stays open, as the release has it.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgentMessageItem, ReasoningItem } from "../../../protocol/v2/item/Item.ts"
import type { NotificationParams } from "../../../protocol/Methods.ts"
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import { ModelError, type ModelEvent, type ModelRequest, type ModelUsage } from "../../model/ModelProvider.ts"
import type { ToolCall } from "../../tool/Tool.ts"
import type { ActiveTurn } from "./ActiveTurn.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { ThreadEvent } from "../ThreadEvent.ts"

/** What came of it, beyond what was told. `usage` is null when the model did not count. */
export interface Sampled {
  readonly endTurn: boolean
  readonly usage: ModelUsage | null
}

/** Called for each call the model makes, in order, as soon as it is made. */
export type OnCall = (call: ToolCall, custom: boolean) => Effect.Effect<void>

type DeltaMethod =
  | "item/agentMessage/delta"
  | "item/reasoning/textDelta"
  | "item/reasoning/summaryTextDelta"
  | "item/reasoning/summaryPartAdded"

/** Where every delta belongs. */
interface DeltaParams {
  readonly threadId: string
  readonly turnId: string
  readonly itemId: string
}

type Of<Type extends ResponseItem["type"]> = Extract<ResponseItem, { readonly type: Type }>

const textOf = (item: Of<"message">): string =>
  item.content.map((part) => (part.type === "output_text" || part.type === "input_text" ? part.text : "")).join("")

const agentMessage = (id: string, text: string, phase: AgentMessageItem["phase"]): AgentMessageItem => ({
  type: "agentMessage",
  moderation: null,
  id,
  text,
  phase,
  memoryCitation: null,
  delivery: null,
  questions: null
})

const reasoning = (id: string, item: Of<"reasoning"> | null): ReasoningItem => ({
  type: "reasoning",
  id,
  summary: item === null ? [] : item.summary.map((part) => part.text),
  content: (item?.content ?? []).map((part) => part.text)
})

/** Calls of one answer. A model makes some tens of them at most; each costs a fiber, and many a process. */
export const MaxCalls = 256

const tooManyCalls = (): ModelError =>
  new ModelError({ message: `the answer has more than ${MaxCalls} calls`, info: "other" })

class Sampler {
  readonly #host: ThreadContext
  readonly #turn: ActiveTurn
  readonly #onCall: OnCall
  /** Items announced and not finished, with when they were (Unix milliseconds). */
  readonly #open = new Map<string, number>()
  #calls = 0
  sampled: Sampled = { endTurn: true, usage: null }

  constructor(host: ThreadContext, turn: ActiveTurn, onCall: OnCall) {
    this.#host = host
    this.#turn = turn
    this.#onCall = onCall
  }

  handle(event: ModelEvent): Effect.Effect<void, ModelError> {
    switch (event._tag) {
      case "TextDelta":
        return this.#ofOpen(event.itemId, "item/agentMessage/delta", { delta: event.delta })
      case "ReasoningDelta":
        return this.#ofOpen(event.itemId, "item/reasoning/textDelta", {
          delta: event.delta,
          contentIndex: event.contentIndex
        })
      case "SummaryDelta":
        return this.#ofOpen(event.itemId, "item/reasoning/summaryTextDelta", {
          delta: event.delta,
          summaryIndex: event.summaryIndex
        })
      case "SummaryPartAdded":
        return this.#ofOpen(event.itemId, "item/reasoning/summaryPartAdded", { summaryIndex: event.summaryIndex })
      case "ItemStarted":
        return this.#started(event.itemId, event.kind)
      case "ItemDone":
        return this.#done(event.item)
      case "Retrying":
        return this.#retrying(event.error, event.details)
      case "Completed":
        this.sampled = { endTurn: event.endTurn, usage: event.usage }
        return Effect.void
    }
  }

  /** A delta of an item that was never announced has no place to go. */
  #ofOpen<M extends DeltaMethod>(
    itemId: string,
    method: M,
    delta: Omit<NotificationParams<M>, "threadId" | "turnId" | "itemId">
  ): Effect.Effect<void> {
    if (!this.#open.has(itemId)) return Effect.void
    const params: DeltaParams = { threadId: this.#host.id, turnId: this.#turn.id, itemId, ...delta }
    return this.#host.notify(method, params as NotificationParams<M>)
  }

  #started(itemId: string, kind: "message" | "reasoning"): Effect.Effect<void> {
    const startedAtMs = this.#host.now()
    this.#open.set(itemId, startedAtMs)
    const item = kind === "message" ? agentMessage(itemId, "", null) : reasoning(itemId, null)
    return this.#host.itemStarted(this.#turn.id, { ...item, startedAtMs })
  }

  /** The entry of the conversation and the item that it makes are stored together. */
  #done(item: ResponseItem): Effect.Effect<void, ModelError> {
    return Effect.suspend(() => {
      const entry = this.#host.entry(item)
      switch (item.type) {
        case "message":
          return item.role === "assistant" ? this.#message(item, entry) : this.#host.commit([entry])
        case "reasoning":
          return this.#finish(item.id, (id) => reasoning(id, item), entry)
        case "function_call":
          return this.#call(item, entry, item.arguments, false)
        case "custom_tool_call":
          return this.#call(item, entry, item.input, true)
        default:
          return this.#host.commit([entry])
      }
    })
  }

  #message(item: Of<"message">, entry: ThreadEvent): Effect.Effect<void> {
    const build = (id: string) => {
      const message = agentMessage(id, textOf(item), item.phase ?? null)
      this.#turn.lastAgentMessage = message
      return message
    }
    return this.#finish(item.id, build, entry)
  }

  /** A call too many is not kept: it would need an output. Starting a call takes time, so that others have their turn. */
  #call(
    item: Of<"function_call"> | Of<"custom_tool_call">,
    entry: ThreadEvent,
    input: string,
    custom: boolean
  ): Effect.Effect<void, ModelError> {
    if (++this.#calls > MaxCalls) return Effect.fail(tooManyCalls())
    const call = { callId: item.call_id, name: item.name, namespace: item.namespace ?? null, input }
    return this.#host.commit([entry]).pipe(Effect.andThen(this.#onCall(call, custom)), Effect.andThen(Effect.yieldNow))
  }

  #finish(
    itemId: string | null | undefined,
    build: (id: string) => AgentMessageItem | ReasoningItem,
    entry: ThreadEvent
  ): Effect.Effect<void> {
    const host = this.#host
    const turnId = this.#turn.id
    return Effect.flatMap(itemId == null ? host.services.random.uuidV7() : Effect.succeed(itemId), (id) => {
      const startedAtMs = this.#open.get(id)
      this.#open.delete(id)
      const item = { ...build(id), startedAtMs: startedAtMs ?? host.now() }
      const started = startedAtMs === undefined ? host.itemStarted(turnId, item) : Effect.void
      return Effect.andThen(started, host.itemCompleted(turnId, item, [entry]))
    })
  }

  #retrying(error: ModelError, details: string | null): Effect.Effect<void> {
    this.#open.clear()
    return this.#host.notify("error", {
      error: { message: error.message, codexErrorInfo: error.info, additionalDetails: details, misalignment: null },
      willRetry: true,
      threadId: this.#host.id,
      turnId: this.#turn.id
    })
  }
}

/** Events of the model that are told at a stretch: a quick one must not keep everybody else waiting. */
const Slice = 128

/** Asks the model and tells the thread; returns when the answer is complete. Interruption closes the model's stream. */
export const sample = Effect.fnUntraced(function* (
  host: ThreadContext,
  turn: ActiveTurn,
  request: ModelRequest,
  onCall: OnCall
): Effect.fn.Return<Sampled, ModelError> {
  const sampler = new Sampler(host, turn, onCall)
  yield* Stream.runForEachArray(
    host.services.model.stream(request),
    Effect.fnUntraced(function* (events) {
      for (const [index, event] of events.entries()) {
        yield* sampler.handle(event)
        if (index % Slice === Slice - 1) yield* Effect.yieldNow
      }
    })
  )
  return sampler.sampled
})
