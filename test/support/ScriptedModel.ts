/**
 * A model whose responses are scripted by a test.
 *
 * @module
 */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import {
  type ModelError,
  type ModelEvent,
  ModelProvider,
  type ModelRequest,
  type ModelUsage
} from "../../src/services/model/ModelProvider.ts"

/** One request of the turn loop, with its response in progress. */
export interface ModelCall {
  readonly request: ModelRequest
  readonly emit: (...events: ReadonlyArray<ModelEvent>) => Effect.Effect<void>
  readonly fail: (error: ModelError) => Effect.Effect<void>
  /** Completes the response, with this text as a message or without one. */
  readonly finish: (text?: string) => Effect.Effect<void>
  /** Completes when the response is no longer read: it ended, failed or was dropped. */
  readonly closed: Effect.Effect<void>
}

export interface ScriptedModel {
  readonly layer: Layer.Layer<ModelProvider>
  /** Waits for the next request. */
  readonly next: Effect.Effect<ModelCall>
  /** Answers the next request with this text. */
  readonly reply: (text: string) => Effect.Effect<ModelCall>
  /** Answers the next request with tool calls. */
  readonly call: (...calls: ReadonlyArray<readonly [tool: string, callId: string]>) => Effect.Effect<ModelCall>
}

export const started = (itemId: string): ModelEvent => ({ _tag: "ItemStarted", itemId, kind: "message" })

export const delta = (itemId: string, text: string): ModelEvent => ({ _tag: "TextDelta", itemId, delta: text })

export const done = (id: string, text: string): ModelEvent => ({
  _tag: "ItemDone",
  item: { type: "message", role: "assistant", id, content: [{ type: "output_text", text }] }
})

export const usage: ModelUsage = {
  inputTokens: 3,
  cachedInputTokens: 1,
  outputTokens: 2,
  reasoningOutputTokens: 0,
  totalTokens: 5
}

export const completed: ModelEvent = { _tag: "Completed", usage, endTurn: true }

export const makeModel = Effect.gen(function* () {
  const calls = yield* Queue.unbounded<ModelCall>()

  const answer = Effect.fnUntraced(function* (request: ModelRequest) {
    const events = yield* Queue.unbounded<ModelEvent, ModelError | Cause.Done>()
    const closed = yield* Deferred.make<void>()
    const emit: ModelCall["emit"] = (...more) => Effect.asVoid(Queue.offerAll(events, more))
    yield* Queue.offer(calls, {
      request,
      emit,
      fail: (error) => Effect.asVoid(Queue.fail(events, error)),
      finish: (text) => {
        const id = `msg_${request.input.length}`
        const message = text === undefined ? [] : [started(id), delta(id, text), done(id, text)]
        return Effect.andThen(emit(...message, completed), Queue.end(events))
      },
      closed: Deferred.await(closed)
    })
    return Stream.fromQueue(events).pipe(Stream.ensuring(Effect.sync(() => Deferred.doneUnsafe(closed, Exit.void))))
  })

  const next = Queue.take(calls)
  const model: ScriptedModel = {
    layer: Layer.succeed(ModelProvider, { stream: (request) => Stream.unwrap(answer(request)) }),
    next,
    reply: (text) => Effect.tap(next, (call) => call.finish(text)),
    call: (...tools) =>
      Effect.tap(next, (call) => {
        const made = tools.map(([name, call_id]): ModelEvent => ({
          _tag: "ItemDone",
          item: { type: "function_call", call_id, name, arguments: "{}" }
        }))
        return Effect.andThen(call.emit(...made), call.finish())
      })
  }
  return model
})
