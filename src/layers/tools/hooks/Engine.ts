/**
 * The hooks of the configuration at the points of a turn.
 *
 * The matching hooks of a point run at the same time. Their decisions count in the order of the configuration. Hooks with
 * `async` run beside the turn and decide nothing.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { HookRunSummary } from "../../../protocol/v2/hook/Hook.ts"
import type { Decision, HookTurn, ThreadHooks, ToolUse } from "../../../services/hook/Hooks.ts"
import type { Hook } from "./Discovery.ts"
import { matches } from "./Matcher.ts"
import { type Ended, type Point, type Verdict, verdictOf } from "./Output.ts"

/** How a command is run in a turn. */
export type RunCommand = (hook: Hook, input: unknown, cwd: string) => Effect.Effect<Ended>

/** Tools that have no hooks of the configuration, as in the release. */
const without: ReadonlySet<string> = new Set(["update_plan", "request_user_input", "write_stdin"])

/** Further names of a tool in matchers. */
const aliases: Readonly<Record<string, ReadonlyArray<string>>> = { apply_patch: ["apply_patch", "Write", "Edit"] }

const labels: Readonly<Record<Point, readonly [id: string, name: string]>> = {
  preToolUse: ["pre-tool-use", "PreToolUse"],
  postToolUse: ["post-tool-use", "PostToolUse"],
  userPromptSubmit: ["user-prompt-submit", "UserPromptSubmit"],
  sessionStart: ["session-start", "SessionStart"],
  stop: ["stop", "Stop"]
}

/** One event at a point. */
interface Happening {
  readonly point: Point
  /** What matchers compare; empty where there is nothing to match. */
  readonly names: ReadonlyArray<string>
  readonly details: Readonly<Record<string, unknown>>
  /** The folder in the input. Default: that of the turn. */
  readonly cwd?: string
  readonly callId?: string
}

interface Ran {
  readonly id: string
  readonly verdict: Verdict
}

/** Unix milliseconds. */
export type Now = () => number

const inputOf = (turn: HookTurn, { cwd, details, point }: Happening) => ({
  session_id: turn.threadId,
  ...(point === "sessionStart" ? {} : { turn_id: turn.turnId }),
  transcript_path: turn.transcriptPath,
  cwd: cwd ?? turn.cwd,
  hook_event_name: labels[point][1],
  model: turn.model,
  permission_mode: turn.permissionMode,
  ...details
})

const startOf = (hook: Hook, { callId, point }: Happening, at: number): HookRunSummary => ({
  id: [labels[point][0], hook.displayOrder, hook.sourcePath, ...(callId === undefined ? [] : [callId])].join(":"),
  eventName: hook.eventName,
  handlerType: "command",
  executionMode: "sync",
  scope: point === "sessionStart" ? "thread" : "turn",
  sourcePath: hook.sourcePath,
  source: hook.source,
  displayOrder: hook.displayOrder,
  status: "running",
  statusMessage: hook.statusMessage,
  startedAt: Math.floor(at / 1000),
  completedAt: null,
  durationMs: null,
  entries: []
})

/** The hooks that may run, as the hooks of a thread. */
export const make = (hooks: ReadonlyArray<Hook>, run: RunCommand, now: Now, scope: Scope.Scope): ThreadHooks => {
  const happened = Effect.fnUntraced(function* (turn: HookTurn, happening: Happening) {
    const { names, point } = happening
    const selected = hooks.filter(
      ({ eventName, matcher }) => eventName === point && (names.length === 0 || matches(matcher, names))
    )
    const input = inputOf(turn, happening)
    const place = { threadId: turn.threadId, turnId: turn.turnId }
    yield* Effect.forEach(
      selected.filter((hook) => hook.async),
      (hook) => Effect.forkIn(run(hook, input, turn.cwd), scope),
      { discard: true }
    )
    const starts = selected
      .filter((hook) => !hook.async)
      .map((hook) => ({ hook, at: now(), start: startOf(hook, happening, now()) }))
    for (const { start } of starts) yield* turn.notify("hook/started", { ...place, run: start })
    const ran = yield* Effect.forEach(
      starts,
      ({ at, hook, start }) =>
        Effect.map(run(hook, input, turn.cwd), (ended) => {
          const verdict = verdictOf(point, ended)
          const { entries, status } = verdict
          const completedAt = Math.floor(now() / 1000)
          return { verdict, run: { ...start, status, completedAt, durationMs: Math.max(0, now() - at), entries } }
        }),
      { concurrency: "unbounded" }
    )
    for (const { run } of ran) yield* turn.notify("hook/completed", { ...place, run })
    return ran.map(({ run, verdict }): Ran => ({ id: run.id, verdict }))
  })

  return pointsOf(happened, (point) => hooks.some(({ eventName }) => eventName === point))
}

type Happened = (turn: HookTurn, happening: Happening) => Effect.Effect<ReadonlyArray<Ran>>

const contextOf = (ran: ReadonlyArray<Ran>): ReadonlyArray<string> =>
  ran.flatMap(({ verdict }) => verdict.entries.flatMap(({ kind, text }) => (kind === "context" ? [text] : [])))

const reasonsOf = (ran: ReadonlyArray<Ran>, ...statuses: ReadonlyArray<Verdict["status"]>): ReadonlyArray<string> =>
  ran.flatMap(({ verdict }) =>
    verdict.reason !== undefined && statuses.includes(verdict.status) ? [verdict.reason] : []
  )

/** Denied with these reasons, or allowed without any. */
const decided = (ran: ReadonlyArray<Ran>, reasons: ReadonlyArray<string>): Decision<never> => {
  const context = contextOf(ran)
  return reasons.length === 0 ? { _tag: "Allow", context } : { _tag: "Deny", reason: reasons.join("\n\n"), context }
}

const toolOf = (use: ToolUse) => ({
  names: aliases[use.toolName] ?? [use.toolName],
  cwd: use.cwd,
  callId: use.callId
})

const pointsOf = (happened: Happened, has: (point: Point) => boolean): ThreadHooks => {
  const beforeTool: NonNullable<ThreadHooks["beforeTool"]> = (turn, use) => {
    if (without.has(use.calledAs)) return Effect.succeed({ _tag: "Allow" })
    const details = { tool_name: use.toolName, tool_input: use.input, tool_use_id: use.callId }
    return Effect.map(happened(turn, { point: "preToolUse", details, ...toolOf(use) }), (ran): Decision<unknown> => {
      const decision = decided(ran, reasonsOf(ran, "blocked").slice(0, 1))
      const updated = ran.findLast(({ verdict }) => verdict.updatedInput !== undefined)
      return decision._tag === "Deny" || updated === undefined
        ? decision
        : { ...decision, rewritten: updated.verdict.updatedInput }
    })
  }
  const afterTool: NonNullable<ThreadHooks["afterTool"]> = (turn, use) => {
    if (without.has(use.calledAs)) return Effect.succeed({ _tag: "Allow" })
    const details = {
      tool_name: use.toolName,
      tool_input: use.input,
      tool_response: use.response,
      tool_use_id: use.callId
    }
    return Effect.map(happened(turn, { point: "postToolUse", details, ...toolOf(use) }), (ran) =>
      decided(ran, reasonsOf(ran, "blocked", "stopped"))
    )
  }
  const userPrompt: NonNullable<ThreadHooks["userPrompt"]> = (turn, { prompt }) =>
    Effect.map(happened(turn, { point: "userPromptSubmit", names: [], details: { prompt } }), (ran) =>
      decided(ran, reasonsOf(ran, "blocked", "stopped"))
    )
  const sessionStart: NonNullable<ThreadHooks["sessionStart"]> = (turn, { source }) =>
    Effect.map(happened(turn, { point: "sessionStart", names: [source], details: { source } }), (ran) =>
      decided(ran, reasonsOf(ran, "stopped"))
    )
  return {
    ...(has("sessionStart") ? { sessionStart } : {}),
    ...(has("userPromptSubmit") ? { userPrompt } : {}),
    ...(has("preToolUse") ? { beforeTool } : {}),
    ...(has("postToolUse") ? { afterTool } : {}),
    ...(has("stop") ? { stop: stopOf(happened) } : {})
  }
}

/** A hook that stops ends the turn, even when another would continue it. */
const stopOf =
  (happened: Happened): NonNullable<ThreadHooks["stop"]> =>
  (turn, { isActive, lastMessage }) => {
    const details = { stop_hook_active: isActive, last_assistant_message: lastMessage }
    return Effect.map(happened(turn, { point: "stop", names: [], details }), (ran): Decision<never> => {
      const isStopped = ran.some(({ verdict }) => verdict.status === "stopped")
      const fragments = ran.flatMap(({ id, verdict }) =>
        verdict.status === "blocked" && verdict.reason !== undefined ? [{ text: verdict.reason, hookRunId: id }] : []
      )
      const decision = decided(ran, isStopped ? [] : fragments.map(({ text }) => text))
      return decision._tag === "Deny" ? { ...decision, fragments } : decision
    })
  }
