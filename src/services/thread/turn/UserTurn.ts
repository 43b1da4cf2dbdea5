/**
 * The turn of a user's message: model and tools in alternation, until the model is done and no input was added.
 *
 * ```
 *  ┌► model answer (items, deltas) ─► token usage ─► tool outputs ─┐   until nothing remains
 *  └───────────────── calls, end_turn false, steering ◄────────────┘
 * ```
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { FunctionCallOutputBody } from "../../../protocol/v2/item/Content.ts"
import type { ModelError, ModelRequest } from "../../model/ModelProvider.ts"
import * as Tracing from "../../observability/Tracing.ts"
import type { ToolCall, TurnCancelled } from "../../tool/Tool.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { ActiveTurn, TurnOptions } from "./ActiveTurn.ts"
import { sample } from "./Sampling.ts"
import { recordMessage, recordOutput } from "./Recording.ts"
import { countFailure, countTokens } from "./TokenCount.ts"
import { runCall } from "./ToolCalls.ts"
import * as TurnSpans from "./TurnSpans.ts"
import type { TurnStep, TurnTask } from "./TurnTask.ts"
import type { Message } from "./UserMessage.ts"

/** Client metadata of the turn for the model provider. */
export interface ClientIdentity {
  readonly originator: string
  readonly userAgent: string
}

/** Dependencies of a user's turn besides the thread. */
export interface UserTurnOptions {
  readonly message: Message
  readonly options: TurnOptions
  readonly caller: ClientIdentity
}

interface Running {
  readonly call: ToolCall
  readonly custom: boolean
  readonly fiber: Fiber.Fiber<FunctionCallOutputBody, TurnCancelled>
}

const requestOf = (context: ThreadContext, turn: ActiveTurn, { caller, options }: UserTurnOptions): ModelRequest => {
  const { settings, origin, conversation } = context.state
  return {
    threadId: origin.id,
    sessionId: origin.sessionId,
    turnId: turn.id,
    rootTurnId: turn.rootTurnId,
    provider: settings.modelProvider,
    ...(context.provider === undefined ? {} : { providerInfo: context.provider }),
    model: settings.model,
    effort: settings.effort,
    summary: settings.summary,
    prompt: turn.prompt,
    input: [...context.preamble, ...conversation],
    tools: context.tools.map((tool) => tool.spec),
    parallelToolCalls: true,
    outputSchema: options.outputSchema,
    originator: caller.originator,
    userAgent: caller.userAgent,
    metadata: options.metadata
  }
}

/** Runs one answer and its tool calls. True when another model request is needed. */
const step = Effect.fnUntraced(function* (
  { context, turn }: TurnStep,
  options: UserTurnOptions
): Effect.fn.Return<boolean, ModelError | TurnCancelled, Scope.Scope> {
  const calls: Array<Running> = []
  // Not children of the sampling fiber: calls continue when steering drops the rest of the answer.
  const scope = yield* Effect.scope
  const span = yield* Tracing.current
  const onCall = (call: ToolCall, custom: boolean) =>
    Effect.suspend(() => {
      turn.openCalls.set(call.callId, { custom, startedAt: context.now() })
      const running = Effect.forkIn(runCall(context, turn, call, span), scope, { startImmediately: true })
      return Effect.map(running, (fiber) => void calls.push({ call, custom, fiber }))
    })
  const request = requestOf(context, turn, options)
  const sampled = yield* Effect.raceFirst(
    TurnSpans.modelRequest(sample(context, turn, request, onCall), request),
    Effect.as(turn.steered, null)
  ).pipe(Effect.tapError((error) => countFailure(context, turn.id, error)))
  yield* countTokens(context, turn.id, sampled?.usage ?? null)
  for (const { call, custom, fiber } of calls) {
    yield* recordOutput(context, turn, call.callId, custom, yield* Fiber.join(fiber))
    yield* Effect.yieldNow
  }
  return calls.length > 0 || sampled?.endTurn === false
}, Effect.scoped)

const recordAdded = Effect.fnUntraced(function* ({ context, turn }: TurnStep) {
  const entries = turn.takeEntries()
  if (entries.length > 0) yield* context.commit(entries.map((entry) => context.entry(entry)))
  for (const message of turn.takeSteering()) yield* recordMessage(context, turn, message)
})

/** The task of a user's message. */
export const userTask = (options: UserTurnOptions): TurnTask => ({
  kind: "user",
  steerable: true,
  message: options.message,
  run: Effect.fnUntraced(function* (at) {
    while ((yield* step(at, options)) || !at.turn.finish()) yield* recordAdded(at)
  })
})
