/**
 * Runs one tool call of the model.
 *
 * Owns which tool a call names, the item of a tool that publishes none itself, and the handling of a tool that dies,
 * interrupts itself, or does not stop. Does not own when calls run: that is `UserTurn`.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Tracer from "effect/Tracer"
import type { FunctionCallOutputBody } from "../../../protocol/v2/item/Content.ts"
import { failure, type Tool, type ToolCall, type ToolOutput, type ToolTurn, TurnCancelled } from "../../tool/Tool.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { ActiveTurn } from "./ActiveTurn.ts"
import { goalDesk } from "./GoalDesk.ts"
import { askIn, type Gate } from "./Questions.ts"
import { supervised } from "./Supervised.ts"
import { type Outcome, withHooks } from "./ToolHooks.ts"
import { startedItem, toItem, toModel } from "./ToolOutputs.ts"
import * as TurnSpans from "./TurnSpans.ts"

/** Maximum size of a call's input in UTF-16 units; a tool may accept less. */
const MaxInput = 1024 * 1024

/** The view of the turn for this call. */
export const toolTurn = (context: ThreadContext, turn: ActiveTurn, itemId: string, gate: Gate): ToolTurn => {
  const { approvalPolicy, collaborationMode, cwd, sandboxPolicy } = context.state.settings
  const whileOpen = (effect: () => Effect.Effect<void>) => Effect.suspend(() => (gate.open ? effect() : Effect.void))
  return {
    threadId: context.id,
    turnId: turn.id,
    cwd,
    approvalPolicy,
    sandboxPolicy,
    mode: collaborationMode.mode,
    model: context.callingModel,
    goal: goalDesk(context, turn, gate),
    agents: Effect.suspend(() => context.services.agents.directory.desk(context, turn.rootTurnId)),
    itemStarted: (item) => whileOpen(() => context.itemStarted(turn.id, item)),
    itemCompleted: (item) => whileOpen(() => context.itemCompleted(turn.id, item)),
    notify: (method, params) => whileOpen(() => context.notify(method, params)),
    diffUpdated: (diff) =>
      whileOpen(() => {
        turn.diff = diff
        return context.notify("turn/diff/updated", { threadId: context.id, turnId: turn.id, diff })
      }),
    progress: (message) =>
      whileOpen(() =>
        context.notify("item/mcpToolCall/progress", { threadId: context.id, turnId: turn.id, itemId, message })
      ),
    ask: askIn(context, turn, gate)
  }
}

const outcomeOf = (output: ToolOutput): Outcome => ({ body: toModel(output), success: output.success })

const internalError = (name: string): Outcome => outcomeOf(failure(`${name} failed because of an internal error`))

/** Runs the tool. Only the user's cancellation and the interruption of this fiber are not caught. */
const settled = (
  context: ThreadContext,
  turn: ActiveTurn,
  tool: Tool,
  call: ToolCall
): Effect.Effect<Outcome, TurnCancelled> => {
  const name = `tool ${call.name}`
  const gate: Gate = { open: true, stopping: false }
  const onAbandoned = () => void (gate.open = false)
  const onStop = () => void (gate.stopping = true)
  // The output is checked in the same fiber, so that an exception counts as the tool's defect.
  const running = Effect.map(
    Effect.suspend(() => tool.run(call, toolTurn(context, turn, call.callId, gate))),
    outcomeOf
  )
  return Effect.exit(supervised(running, { name, scope: context.scope, onAbandoned, onStop })).pipe(
    Effect.flatMap((exit) => {
      if (Exit.isSuccess(exit)) return Effect.succeed(exit.value)
      // The code of a port is not always checked by a compiler: any other failure is the tool's defect.
      const error = Cause.findErrorOption(exit.cause)
      if (Option.isSome(error) && Predicate.isTagged(error.value, "TurnCancelled"))
        return Effect.fail(new TurnCancelled())
      return Effect.as(Effect.logError(`${name} died`, exit.cause), internalError(call.name))
    })
  )
}

/** Publishes the call as an item from its start to its end, for every exit. */
const shown = (
  context: ThreadContext,
  turn: ActiveTurn,
  call: ToolCall,
  running: Effect.Effect<Outcome, TurnCancelled>
): Effect.Effect<Outcome, TurnCancelled> =>
  Effect.suspend(() => {
    const startedAtMs = context.now()
    const item = { ...startedItem(call), startedAtMs }
    const completed = (exit: Exit.Exit<Outcome, TurnCancelled>) => {
      const success = Exit.isSuccess(exit) && exit.value.success
      return context.itemCompleted(turn.id, {
        ...item,
        status: success ? "completed" : "failed",
        contentItems: Exit.isSuccess(exit) ? toItem(exit.value.body) : [],
        success,
        durationMs: Math.max(0, context.now() - startedAtMs)
      })
    }
    return Effect.andThen(context.itemStarted(turn.id, item), running).pipe(Effect.onExit(completed))
  })

/** Runs one call. An error of the model is returned to it as the output. */
export const runCall = (
  context: ThreadContext,
  turn: ActiveTurn,
  call: ToolCall,
  span: Tracer.AnySpan | undefined
): Effect.Effect<FunctionCallOutputBody, TurnCancelled> => {
  const tool = context.findTool(call.name, call.namespace)
  if (tool === undefined) return Effect.succeed(`unsupported call: ${call.namespace ?? ""}${call.name}`)
  if (call.input.length > MaxInput) {
    return Effect.succeed(`the input of ${call.name} is longer than ${MaxInput} characters`)
  }
  const run = (call: ToolCall): Effect.Effect<Outcome, TurnCancelled> => {
    const running = settled(context, turn, tool, call)
    const published = tool.publishesItems === true ? running : shown(context, turn, call, running)
    return TurnSpans.toolCall(published, call, span)
  }
  return Effect.map(withHooks(context, turn, call, run), ({ body }) => body)
}
