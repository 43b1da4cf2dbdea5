/**
 * Commands that the user runs by hand, in the thread's sessions.
 *
 * They need no approval and run without a sandbox, because the user requested them. Rules that the user, a project or the
 * machine set for the model do not apply. A rule required by the organisation does: a command that it forbids does not run.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { SandboxedCommand } from "../../../services/sandbox/Sandbox.ts"
import type { RuleSet } from "../../../services/tool/ExecRules.ts"
import type { RunningCommand, UserCommand, UserCommandResult } from "../../../services/tool/ShellSessions.ts"
import type { ToolTurn } from "../../../services/tool/Tool.ts"
import { display } from "./CommandLine.ts"
import { type CommandSession, type CommandSummary, itemOf } from "./CommandSession.ts"
import type { CommandSessions } from "./CommandSessions.ts"
import * as ExecPolicy from "./ExecPolicy.ts"
import { DefaultOutputTokens, outputWithin } from "./OutputText.ts"
import * as Script from "./Script.ts"

/** The context of a command besides its text. */
export interface Surroundings {
  /** The argv in the item. */
  readonly argv: ReadonlyArray<string>
  readonly command: SandboxedCommand
  readonly rules: RuleSet
}

/** Maximum delay of a timer: 24 days. */
const MaxTimeout = 2 ** 31 - 1

/** The reason why required rules forbid the command, or undefined. */
const refusalOf = ({ command }: UserCommand, { argv, rules }: Surroundings): string | undefined => {
  const required = rules.rules.filter((rule) => rule.required === true)
  if (required.length === 0) return undefined
  const decision = ExecPolicy.decide({
    script: Script.read(command),
    argv,
    command: display(argv),
    approvalPolicy: "on-request",
    sandboxPolicy: { type: "dangerFullAccess" },
    confinable: false,
    escalated: false,
    justification: null,
    prefixRule: null,
    rules: { ...rules, rules: required },
    fixedSearchPath: true,
    approvedForSession: false
  })
  return decision.type === "refuse" ? decision.text : undefined
}

/** A refused command, whose item has the reason. */
const notStarted = (
  shown: CommandSummary,
  status: "declined" | "failed",
  output: string,
  turn: ToolTurn
): Effect.Effect<RunningCommand> => {
  const item = itemOf(shown, { source: "userShell" })
  const result: UserCommandResult = { exitCode: -1, durationMs: 0, output }
  return Effect.gen(function* () {
    yield* turn.itemStarted(item)
    yield* turn.itemCompleted({ ...item, status, aggregatedOutput: output, exitCode: -1, durationMs: 0 })
    return { result: Effect.succeed(result), abort: Effect.void }
  })
}

const end = (session: CommandSession, why: string): Effect.Effect<void> =>
  Effect.suspend(() => {
    session.note(why)
    return session.terminate
  })

/** Waits for the end of the command, and terminates it after its time limit. */
const resultOf = Effect.fnUntraced(function* (sessions: CommandSessions, session: CommandSession, timeoutMs: number) {
  const finished = Deferred.await(session.finished)
  const inTime = yield* Effect.timeoutOption(finished, Math.min(timeoutMs, MaxTimeout))
  if (inTime._tag === "None") yield* end(session, `command timed out after ${timeoutMs} milliseconds`)
  const exitCode = yield* finished
  const durationMs = Math.max(0, (yield* Clock.currentTimeMillis) - session.startedAtMs)
  const output = session.closed(outputWithin(session.unread, DefaultOutputTokens))
  yield* sessions.forget(session)
  return { exitCode, durationMs, output }
})

/** Starts the command when there is room for it. */
export const start = Effect.fnUntraced(function* (
  sessions: CommandSessions,
  command: UserCommand,
  turn: ToolTurn,
  surroundings: Surroundings
): Effect.fn.Return<RunningCommand> {
  const shown: CommandSummary = {
    itemId: command.itemId,
    isUsers: true,
    command: display(surroundings.argv),
    line: command.command,
    cwd: turn.cwd,
    actions: [{ type: "unknown", command: command.command }]
  }
  const refusal = refusalOf(command, surroundings)
  if (refusal !== undefined) return yield* notStarted(shown, "declined", refusal, turn)
  const launch = { command: surroundings.command, shown, turn, announced: false, stdio: { type: "merged" } } as const
  const started = yield* Effect.result(sessions.start(launch))
  if (Result.isFailure(started)) return yield* notStarted(shown, "failed", started.failure.message, turn)
  const session = started.success
  return {
    result: sessions.awaiting(session, resultOf(sessions, session, command.timeoutMs)),
    abort: end(session, "command aborted by user")
  }
})
