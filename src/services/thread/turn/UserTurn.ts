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
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { FunctionCallOutputBody } from "../../../protocol/v2/item/Content.ts"
import type { ModelError } from "../../model/ModelProvider.ts"
import * as Tracing from "../../observability/Tracing.ts"
import type { ToolCall, TurnCancelled } from "../../tool/Tool.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import { AwaitsClients } from "../ThreadJournal.ts"
import type { ActiveTurn } from "./ActiveTurn.ts"
import { type OnCall, type OnInput, sample } from "./Sampling.ts"
import { recordAborted, recordOutput } from "./Recording.ts"
import { modelRequest, type RequestOptions } from "./ModelRequests.ts"
import { budgetReached } from "./GoalPrompts.ts"
import { countFailure, countGoal, countTokens, isOverLimit } from "./TokenCount.ts"
import { runCall, toolTurn } from "./ToolCalls.ts"
import * as TurnSpans from "./TurnSpans.ts"
import { admitSteering, continued, opened } from "./TurnHooks.ts"
import type { Opening, TurnStep, TurnTask } from "./TurnTask.ts"
import type { Message } from "./UserMessage.ts"

/** Dependencies of a user's turn besides the thread. */
export interface UserTurnOptions extends RequestOptions {
  readonly message: Message
  readonly opening: Opening
}

interface Running {
  readonly call: ToolCall
  readonly custom: boolean
  readonly fiber: Fiber.Fiber<FunctionCallOutputBody, TurnCancelled>
}

/** Hands pieces of the input of a custom tool to that tool. */
const inputOf =
  (context: ThreadContext, turn: ActiveTurn): OnInput =>
  ({ callId, delta, name }) => {
    const onInput = context.findTool(name, null)?.onInput
    if (onInput === undefined) return Effect.void
    return onInput(callId, delta, toolTurn(context, turn, callId, { open: true, stopping: false }))
  }

/** Publishes what the patches of the turn have changed. */
const publishDiff = (context: ThreadContext, { diff, id: turnId }: ActiveTurn): Effect.Effect<void> =>
  context.notify("turn/diff/updated", { threadId: context.id, turnId, diff })

/** Runs one answer and its tool calls. True when another model request is needed. */
const step = Effect.fnUntraced(function* (
  { context, turn }: TurnStep,
  options: RequestOptions,
  scope: Scope.Scope
): Effect.fn.Return<boolean, ModelError | TurnCancelled> {
  const calls: Array<Running> = []
  const span = yield* Tracing.current
  // A call that is stored gets an output: it is known before it is stored, and no interruption comes between.
  const onCall: OnCall = (call, custom, recorded) =>
    Effect.suspend(() => {
      const open = { custom, startedAt: context.now() }
      turn.openCalls.set(call.callId, open)
      const started = Effect.suspend(() => {
        // The turn ended meanwhile, or went on without the call.
        if (turn.isCut || turn.openCalls.get(call.callId) !== open) return Effect.void
        const running = Effect.forkIn(runCall(context, turn, call, span), scope, { startImmediately: true })
        return Effect.map(running, (fiber) => void calls.push({ call, custom, fiber }))
      })
      return Effect.andThen(recorded, started)
    }).pipe(Effect.uninterruptible)
  while (context.toolsReady !== undefined) yield* context.toolsReady
  const request = modelRequest(context, turn, options, context.state.conversation)
  const counted = (turn.counted = Deferred.makeUnsafe<void>())
  const sampled = yield* Effect.raceFirst(
    TurnSpans.modelRequest(sample(context, turn, request, onCall, inputOf(context, turn)), request),
    Effect.as(turn.steered, null)
  ).pipe(Effect.tapError((error) => countFailure(context, turn.id, error)))
  const goal = yield* countGoal(context, turn, sampled?.usage ?? null)
  // The tools of a goal publish it too, so what they read is published first.
  if (calls.length > 0) yield* goal.publish
  Deferred.doneUnsafe(counted, Exit.void)
  const outputs = Effect.forEach(
    calls,
    ({ call, custom, fiber }) =>
      Fiber.join(fiber).pipe(
        Effect.flatMap((output) => recordOutput(context, turn, call.callId, custom, output)),
        Effect.andThen(Effect.yieldNow)
      ),
    { discard: true }
  )
  // The tokens are counted behind the calls, also when the turn ends during them: then no client is waited for.
  const tokens = countTokens(context, turn.id, sampled?.usage ?? null)
  yield* Effect.onError(outputs, () => Effect.provideService(tokens, AwaitsClients, false))
  yield* tokens
  if (calls.length === 0) yield* goal.publish
  if (turn.diff !== "") yield* publishDiff(context, turn)
  // What is left was being stored when the answer was dropped, for longer than the answer is waited for.
  yield* recordAborted(context, turn)
  const goesOn = calls.length > 0 || sampled?.endTurn === false
  if (goesOn && goal.exhausted !== undefined) {
    yield* context.commit([context.entry(budgetReached(goal.exhausted))])
  }
  return goesOn
})

/**
 * A step with a scope for its calls. They are not children of the sampling fiber: they go on when steering drops the rest of
 * the answer. They are interrupted all at once, so that those that do not stop take one grace together.
 */
export const scopedStep = (at: TurnStep, options: RequestOptions): Effect.Effect<boolean, ModelError | TurnCancelled> =>
  Effect.acquireUseRelease(Scope.make("parallel"), (scope) => step(at, options, scope), Scope.close)

/** Records the input that was added to the turn. */
export const recordAdded = Effect.fnUntraced(function* ({ context, turn }: TurnStep) {
  const entries = turn.takeEntries()
  if (entries.length > 0) yield* context.commit(entries.map((entry) => context.entry(entry)))
  yield* admitSteering({ context, turn })
})

/** Compacts the conversation when it has reached its limit; at most once for a conversation that cannot get below it. */
const compactIfDue = Effect.fnUntraced(function* (at: TurnStep, options: RequestOptions) {
  if (!isOverLimit(at.context) || at.turn.isCompacted) return
  const { compact } = yield* Effect.promise(() => import("./CompactTurn.ts"))
  yield* compact(at, options)
  at.turn.isCompacted = isOverLimit(at.context)
})

/** The task of a user's message. */
export const userTask = (options: UserTurnOptions): TurnTask => ({
  kind: "user",
  steerable: true,
  message: options.message,
  opening: options.opening,
  claim: {
    ...options.caller,
    // Requests are JSON.
    outputSchema: options.options.outputSchema as Schema.Json,
    metadata: options.options.metadata
  },
  defersMessage: isOverLimit,
  run: Effect.fnUntraced(function* (at) {
    yield* compactIfDue(at, options)
    if (!(yield* opened(at))) return
    do {
      yield* compactIfDue(at, options)
      yield* recordAdded(at)
    } while ((yield* scopedStep(at, options)) || (yield* continued(at)) || !at.turn.finish())
  })
})
