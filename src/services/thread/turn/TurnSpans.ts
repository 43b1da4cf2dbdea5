/**
 * The spans of a turn, when spans are collected: the turn, each request to the model and each call of a tool in it.
 *
 * The turn is a child of the request that started it. Names follow OpenTelemetry's conventions for generative AI where they
 * exist.
 *
 * @module
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Tracer from "effect/Tracer"
import type { TurnStatus } from "../../../protocol/v2/turn/Turn.ts"
import type { ModelRequest } from "../../model/ModelProvider.ts"
import type { ToolCall } from "../../tool/Tool.ts"
import { traced } from "../../observability/Tracing.ts"
import type { ActiveTurn } from "./ActiveTurn.ts"
import type { Sampled } from "./Sampling.ts"
import type { ThreadContext } from "../ThreadContext.ts"

/** The effect fails as the turn does. */
export const turn = <E, R>(
  effect: Effect.Effect<void, E, R>,
  context: ThreadContext,
  turn: ActiveTurn,
  statusOf: (exit: Exit.Exit<void, E>) => TurnStatus
) =>
  traced(effect, {
    name: "spindle.turn",
    options: () => ({
      attributes: {
        "spindle.thread.id": context.id,
        "spindle.turn.id": turn.id,
        "gen_ai.conversation.id": context.id,
        "gen_ai.request.model": context.state.settings.model
      }
    }),
    ended: (exit) => ({ "spindle.turn.status": statusOf(exit) })
  })

const usageOf = ({ usage }: Sampled) =>
  usage === null
    ? {}
    : {
        "gen_ai.usage.input_tokens": usage.inputTokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cachedInputTokens,
        "gen_ai.usage.output_tokens": usage.outputTokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoningOutputTokens
      }

/** The span of one answer of the model, to its last event. */
export const modelRequest = <E, R>(effect: Effect.Effect<Sampled, E, R>, request: ModelRequest) =>
  traced(effect, {
    name: "spindle.model_request",
    options: () => ({
      kind: "client",
      attributes: {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": request.provider,
        "gen_ai.request.model": request.model,
        "spindle.model.input_items": request.input.length
      }
    }),
    ended: (exit) => (Exit.isSuccess(exit) ? usageOf(exit.value) : {})
  })

/** The span of one tool call, within the given span. The call may outlast the answer that made it. */
export const toolCall = <A extends { readonly success: boolean }, E, R>(
  effect: Effect.Effect<A, E, R>,
  call: ToolCall,
  parent: Tracer.AnySpan | undefined
) =>
  traced(effect, {
    name: `spindle.tool_call ${call.name}`,
    options: () => ({
      ...(parent === undefined ? {} : { parent }),
      attributes: {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": call.name,
        "gen_ai.tool.call.id": call.callId
      }
    }),
    ended: (exit) => (Exit.isSuccess(exit) ? { "spindle.tool.success": exit.value.success } : {})
  })
