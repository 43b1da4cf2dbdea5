/**
 * Runs a tool call between the hooks in front of it and behind it.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { FunctionCallOutputBody } from "../../../protocol/v2/item/Content.ts"
import type { Decision, ToolUse } from "../../hook/Hooks.ts"
import type { ToolCall, TurnCancelled } from "../../tool/Tool.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { ActiveTurn } from "./ActiveTurn.ts"
import { hookTurn, recordContext } from "./TurnHooks.ts"

/** The output of a call. */
export interface Outcome {
  readonly body: FunctionCallOutputBody
  readonly success: boolean
}

type Run = (call: ToolCall) => Effect.Effect<Outcome, TurnCancelled>

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The names of the tools that run commands, and of the one that applies patches. */
const command = "exec_command"
const patch = "apply_patch"

const folderOf = (cwd: string, workdir: string): string => (workdir.startsWith("/") ? workdir : `${cwd}/${workdir}`)

/** The call as hooks see it; undefined when its arguments are not JSON, so that the tool refuses it. */
const useOf = (context: ThreadContext, call: ToolCall): ToolUse | undefined => {
  const { cwd } = context.state.settings
  const name = call.namespace === null ? call.name : `${call.namespace}__${call.name}`
  const use = { callId: call.callId, calledAs: call.name, cwd }
  if (name === patch) return { ...use, toolName: patch, input: { command: call.input } }
  const input = parsed(call.input)
  if (input === undefined) return undefined
  if (name !== command) return { ...use, toolName: name, input }
  if (!isRecord(input) || typeof input["cmd"] !== "string") return undefined
  const { cmd, workdir } = input
  return {
    ...use,
    toolName: "Bash",
    input: { command: cmd },
    cwd: typeof workdir === "string" && workdir !== "" ? folderOf(cwd, workdir) : cwd
  }
}

/** The call with the input that hooks have set; undefined when it does not fit. */
const rewritten = (call: ToolCall, { toolName }: ToolUse, input: unknown): ToolCall | undefined => {
  if (toolName !== "Bash" && toolName !== patch) return { ...call, input: JSON.stringify(input) ?? "null" }
  const text = isRecord(input) ? input["command"] : undefined
  if (typeof text !== "string") return undefined
  if (toolName === patch) return { ...call, input: text }
  const given = parsed(call.input)
  return { ...call, input: JSON.stringify({ ...(isRecord(given) ? given : {}), cmd: text }) }
}

const refusal = ({ calledAs, input, toolName }: ToolUse, reason: string): Outcome => {
  const text = isRecord(input) ? input["command"] : undefined
  const body =
    (toolName === "Bash" || toolName === patch) && typeof text === "string"
      ? `Command blocked by PreToolUse hook: ${reason}. Command: ${text}`
      : `Tool call blocked by PreToolUse hook: ${reason}. Tool: ${calledAs}`
  return { body, success: false }
}

const textOf = (body: FunctionCallOutputBody): string =>
  typeof body === "string" ? body : body.flatMap((part) => (part.type === "input_text" ? [part.text] : [])).join("\n")

/** The header of a command's output, with the output behind it. */
const header = /^(?:[^\n]*\n){0,4}?Output:\n/

/** The output for hooks; undefined for a call that failed, and for a command that still runs. */
const responseOf = ({ toolName }: ToolUse, { body, success }: Outcome): string | undefined => {
  const text = textOf(body)
  if (toolName !== "Bash") return success ? text : undefined
  const found = header.exec(text)?.[0]
  return found?.includes("\nProcess exited with code ") === true ? text.slice(found.length) : undefined
}

/** A hook that dies refuses, because nobody knows what it would have decided. */
const safely = <R>(hook: Effect.Effect<Decision<R>>): Effect.Effect<Decision<R>> =>
  Effect.catchCause(hook, (cause) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.interrupt
      : Effect.as(Effect.logError("a hook died", cause), {
          _tag: "Deny" as const,
          reason: "a hook failed because of an internal error"
        })
  )

/** Runs the call, unless a hook refuses it. */
export const withHooks = (
  context: ThreadContext,
  turn: ActiveTurn,
  call: ToolCall,
  run: Run
): Effect.Effect<Outcome, TurnCancelled> =>
  Effect.suspend(() => {
    const { afterTool, beforeTool } = context.hooks.current
    if (afterTool === undefined && beforeTool === undefined) return run(call)
    const use = useOf(context, call)
    return use === undefined ? run(call) : between(context, turn, call, use, run)
  })

const between = Effect.fnUntraced(function* (
  context: ThreadContext,
  turn: ActiveTurn,
  call: ToolCall,
  asked: ToolUse,
  run: Run
): Effect.fn.Return<Outcome, TurnCancelled> {
  const { afterTool, beforeTool } = context.hooks.current
  const at = hookTurn(context, turn)
  let [use, effective] = [asked, call]
  if (beforeTool !== undefined) {
    const decision = yield* safely(beforeTool(at, use))
    yield* recordContext(context, decision)
    if (decision._tag === "Deny") return refusal(use, decision.reason)
    if (decision.rewritten !== undefined) {
      const changed = rewritten(call, use, decision.rewritten)
      if (changed === undefined) {
        return { body: "hook returned updatedInput without string field `command`", success: false }
      }
      effective = changed
      use = { ...use, input: decision.rewritten }
    }
  }
  const outcome = yield* run(effective)
  const response = responseOf(use, outcome)
  if (afterTool === undefined || response === undefined) return outcome
  const decision = yield* safely(afterTool(at, { ...use, response }))
  yield* recordContext(context, decision)
  if (decision._tag === "Deny") return { ...outcome, body: decision.reason }
  return decision.rewritten === undefined ? outcome : { ...outcome, body: decision.rewritten }
})
