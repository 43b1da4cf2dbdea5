/**
 * Publishes one answer of the model in the thread while it streams.
 *
 * Owns the step from model events to items and deltas. The model's finished item is authoritative: it completes an announced
 * item, or starts and completes one at once. A retried answer starts over; items published by the first try stay open, as in
 * the release.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import type { AgentMessageItem, ReasoningItem } from "../../../protocol/v2/item/Item.ts"
import type { WebSearchItem } from "../../../protocol/v2/item/WorkItem.ts"
import type { NotificationParams } from "../../../protocol/Methods.ts"
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import { ModelError, type ModelEvent, type ModelRequest, type ModelUsage } from "../../model/ModelProvider.ts"
import type { ToolCall } from "../../tool/Tool.ts"
import type { ActiveTurn } from "./ActiveTurn.ts"
import { PlanStream } from "./PlanStream.ts"
import { supervised } from "./Supervised.ts"
import { webSearch } from "./WebSearchItems.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { ThreadEvent } from "../ThreadEvent.ts"

/** The result of an answer. `usage` is null when the model did not report it. */
export interface Sampled {
  readonly endTurn: boolean
  readonly usage: ModelUsage | null
}

/** Called for each tool call of the model, in order, as soon as it arrives. It runs `recorded`, which stores the call. */
export type OnCall = (call: ToolCall, custom: boolean, recorded: Effect.Effect<void>) => Effect.Effect<void>

/** Called for each piece of the input of a custom tool. */
export type OnInput = (event: Extract<ModelEvent, { readonly _tag: "ToolInputDelta" }>) => Effect.Effect<void>

type DeltaMethod =
  | "item/agentMessage/delta"
  | "item/reasoning/textDelta"
  | "item/reasoning/summaryTextDelta"
  | "item/reasoning/summaryPartAdded"

/** The ids in every delta. */
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

/** The items of an answer before their content is known. */
const announced = {
  message: (id: string) => agentMessage(id, "", null),
  reasoning: (id: string) => reasoning(id, null),
  webSearch: (id: string) => webSearch(id, null)
}

/** Maximum number of calls in one answer. Models make some tens at most; each costs a fiber, many a process. */
export const MaxCalls = 256

const tooManyCalls = (): ModelError =>
  new ModelError({ message: `the answer has more than ${MaxCalls} calls`, info: "other" })

/** Takes the events of one answer. */
export interface AnswerReader {
  /** Takes the next event. */
  readonly handle: (event: ModelEvent) => Effect.Effect<void, ModelError>
  /** Completes at the end of the answer. */
  readonly completed: Effect.Effect<void>
  /** The result, set at the end of the answer. */
  readonly sampled: Sampled | undefined
  /** Stops all publishing. */
  readonly close: () => void
}

class Sampler implements AnswerReader {
  readonly #context: ThreadContext
  readonly #turn: ActiveTurn
  readonly #onCall: OnCall
  readonly #onInput: OnInput
  /** The messages of a turn in plan mode. */
  readonly #plans: PlanStream | undefined
  /** Announced and unfinished items, with their start times (Unix milliseconds). */
  readonly #open = new Map<string, number>()
  #calls = 0
  readonly #completed = Deferred.makeUnsafe<void>()
  #closed = false
  /** Set at the end of the answer. */
  sampled: Sampled | undefined

  constructor(context: ThreadContext, turn: ActiveTurn, onCall: OnCall, onInput: OnInput) {
    this.#context = context
    this.#turn = turn
    this.#onCall = onCall
    this.#onInput = onInput
    const { mode } = context.state.settings.collaborationMode
    this.#plans = mode === "plan" ? new PlanStream(context, turn) : undefined
  }

  /** Completes at the end of the answer. */
  get completed(): Effect.Effect<void> {
    return Deferred.await(this.#completed)
  }

  /** Stops all publishing. */
  close(): void {
    this.#closed = true
  }

  handle(event: ModelEvent): Effect.Effect<void, ModelError> {
    // An answer ends once.
    if (this.#closed || this.sampled !== undefined) return Effect.void
    switch (event._tag) {
      case "TextDelta":
        if (this.#plans !== undefined) return this.#plans.delta(event.itemId, event.delta)
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
      case "ToolInputDelta":
        return this.#onInput(event)
      case "ItemStarted":
        return this.#started(event)
      case "ItemDone":
        return this.#done(event.item)
      case "Retrying":
        return this.#retrying(event.error, event.details)
      case "Completed":
        this.sampled = { endTurn: event.endTurn, usage: event.usage }
        Deferred.doneUnsafe(this.#completed, Exit.void)
        return Effect.void
    }
  }

  /** A delta of an item that was never announced is dropped. */
  #ofOpen<M extends DeltaMethod>(
    itemId: string,
    method: M,
    delta: Omit<NotificationParams<M>, "threadId" | "turnId" | "itemId">
  ): Effect.Effect<void> {
    if (!this.#open.has(itemId)) return Effect.void
    const params: DeltaParams = { threadId: this.#context.id, turnId: this.#turn.id, itemId, ...delta }
    return this.#context.notify(method, params as NotificationParams<M>)
  }

  #started({ itemId, kind }: Extract<ModelEvent, { readonly _tag: "ItemStarted" }>): Effect.Effect<void> {
    if (kind === "message" && this.#plans !== undefined) {
      this.#plans.started(itemId)
      return Effect.void
    }
    const startedAtMs = this.#context.now()
    this.#open.set(itemId, startedAtMs)
    const item = announced[kind](itemId)
    return this.#context.itemStarted(this.#turn.id, { ...item, startedAtMs })
  }

  /** The conversation entry and its item are stored together. */
  #done(item: ResponseItem): Effect.Effect<void, ModelError> {
    return Effect.suspend(() => {
      const entry = this.#context.entry(item)
      switch (item.type) {
        case "message":
          return item.role === "assistant" ? this.#message(item, entry) : this.#context.commit([entry])
        case "reasoning":
          return this.#finish(item.id, (id) => reasoning(id, item), entry)
        case "web_search_call":
          return this.#finish(item.id, (id) => webSearch(id, item), entry)
        case "function_call":
          return this.#call(item, entry, item.arguments, false)
        case "custom_tool_call":
          return this.#call(item, entry, item.input, true)
        default:
          return this.#context.commit([entry])
      }
    })
  }

  #message(item: Of<"message">, entry: ThreadEvent): Effect.Effect<void> {
    const { random } = this.#context.services
    if (this.#plans !== undefined) {
      const plans = this.#plans
      return Effect.flatMap(item.id == null ? random.uuidV7() : Effect.succeed(item.id), (id) =>
        plans.done(agentMessage(id, textOf(item), item.phase ?? null), entry)
      )
    }
    const build = (id: string) => {
      const message = agentMessage(id, textOf(item), item.phase ?? null)
      this.#turn.lastAgentMessage = message
      return message
    }
    return this.#finish(item.id, build, entry)
  }

  /** A call above the limit is not recorded, because it would need an output. Yields before each call. */
  #call(
    item: Of<"function_call"> | Of<"custom_tool_call">,
    entry: ThreadEvent,
    input: string,
    custom: boolean
  ): Effect.Effect<void, ModelError> {
    if (++this.#calls > MaxCalls) return Effect.fail(tooManyCalls())
    const call = { callId: item.call_id, name: item.name, namespace: item.namespace ?? null, input }
    return Effect.andThen(this.#onCall(call, custom, this.#context.commit([entry])), Effect.yieldNow)
  }

  #finish(
    itemId: string | null | undefined,
    build: (id: string) => AgentMessageItem | ReasoningItem | WebSearchItem,
    entry: ThreadEvent
  ): Effect.Effect<void> {
    const context = this.#context
    const turnId = this.#turn.id
    return Effect.flatMap(itemId == null ? context.services.random.uuidV7() : Effect.succeed(itemId), (id) => {
      const startedAtMs = this.#open.get(id)
      this.#open.delete(id)
      const item = { ...build(id), startedAtMs: startedAtMs ?? context.now() }
      const started = startedAtMs === undefined ? context.itemStarted(turnId, item) : Effect.void
      return Effect.andThen(started, context.itemCompleted(turnId, item, [entry]))
    })
  }

  #retrying(error: ModelError, details: string | null): Effect.Effect<void> {
    this.#open.clear()
    this.#plans?.clear()
    return this.#context.notify("error", {
      error: { message: error.message, codexErrorInfo: error.info, additionalDetails: details, misalignment: null },
      willRetry: true,
      threadId: this.#context.id,
      turnId: this.#turn.id
    })
  }
}

/** Number of model events published before the fiber yields, so that a fast model does not block others. */
const Slice = 128

/** How long the stream may continue after `Completed`, so that an adapter can reuse its connection. */
const TrailingTime = "1 second"

/** The error of a stream without `Completed`. The text is that of the release. */
const endedEarly = (): ModelError =>
  new ModelError({
    message: "stream disconnected before completion: stream closed before response.completed",
    info: "other"
  })

/**
 * Sends the request to the model and publishes its answer; returns when the answer is complete. Events after `Completed` are
 * ignored. Interruption closes the model's stream.
 */
export const sample = (
  context: ThreadContext,
  turn: ActiveTurn,
  request: ModelRequest,
  onCall: OnCall,
  onInput: OnInput = () => Effect.void
): Effect.Effect<Sampled, ModelError> =>
  Effect.suspend(() => answerOf(context, request, new Sampler(context, turn, onCall, onInput)))

/** Sends the request to the model and gives its answer to the reader, as `sample` does. */
export const answerOf = Effect.fnUntraced(function* (
  context: ThreadContext,
  request: ModelRequest,
  reader: AnswerReader
): Effect.fn.Return<Sampled, ModelError> {
  const reading = Stream.runForEachArray(
    Stream.suspend(() => context.services.model.stream(request)),
    Effect.fnUntraced(function* (events) {
      for (const [index, event] of events.entries()) {
        yield* reader.handle(event)
        if (index % Slice === Slice - 1) yield* Effect.yieldNow
      }
    })
  )
  const trailing = Effect.andThen(reader.completed, Effect.sleep(TrailingTime))
  const bounded = supervised(reading, {
    name: "the model's stream",
    scope: context.scope,
    onAbandoned: () => reader.close()
  })
  const exit = yield* Effect.exit(Effect.raceFirst(bounded, trailing))
  if (reader.sampled !== undefined) {
    if (Exit.isFailure(exit)) yield* Effect.logWarning("the model's stream failed after its end", exit.cause)
    return reader.sampled
  }
  if (Exit.isSuccess(exit)) return yield* endedEarly()
  // This is not an interruption of this fiber, which does not reach this line: the stream interrupted itself.
  if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.die(new Error("the model's stream interrupted itself"))
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  // The code of a port is not always checked by a compiler.
  if (error !== undefined && !Predicate.isTagged(error, "ModelError")) {
    return yield* Effect.die(new Error("the model failed with something other than a ModelError", { cause: error }))
  }
  return yield* Effect.failCause(exit.cause)
})
