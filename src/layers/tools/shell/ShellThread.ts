/**
 * The shell tools of one thread: what `exec_command` and `write_stdin` do when the model calls them.
 *
 * Owns the thread's sessions and what the user approved for the session. Does not own the decision about a command
 * (`ExecPolicy`) nor its course (`Session`). This module brings the parser of scripts and Node's process module along,
 * so it is loaded with the first call.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Path from "node:path"
import type { CommandExecutionApprovalDecision } from "../../../protocol/v2/approval/Approval.ts"
import type { EffectiveConfig } from "../../../services/config/Config.ts"
import type { Sandbox, SandboxedCommand } from "../../../services/sandbox/Sandbox.ts"
import {
  type CommandApproval,
  type ToolCall,
  type ToolOutput,
  type ToolTurn,
  TurnCancelled
} from "../../../services/tool/Tool.ts"
import { type ExecCommandArguments, readExecCommand, readWriteStdin } from "./Arguments.ts"
import { commandActions } from "./CommandActions.ts"
import { display } from "./CommandLine.ts"
import * as ExecPolicy from "./ExecPolicy.ts"
import type { ExecRules, ThreadRules } from "./ExecRules.ts"
import { DefaultOutputTokens, render } from "./OutputText.ts"
import type { SpawnError } from "./Process.ts"
import { rejected } from "./RejectedText.ts"
import * as Script from "./Script.ts"
import { itemOf, type CommandSession, type CommandSummary } from "./CommandSession.ts"
import { type NoRoom, CommandSessions } from "./CommandSessions.ts"
import * as ShellEnvironment from "./ShellEnvironment.ts"
import { isFixedSearchPath, namedShell, userShell } from "./UserShell.ts"
import type { Marked } from "./Watchdog.ts"

export interface Options {
  readonly threadId: string
  readonly sandbox: Sandbox["Service"]
  readonly rules: ThreadRules
  /** Keeps a rule that the user allows along with an answer. */
  readonly allow: ExecRules["Service"]["allow"]
  /** False when the configuration disallows login shells. */
  readonly mayLogIn: boolean
  /** Absolute path of the shell; the user's own unless given. */
  readonly shell?: string
  /** What of `environment` commands get, and which of its variables are the server's own credentials. */
  readonly config: Pick<EffectiveConfig, "providers" | "shellEnvironmentPolicy">
  /** The server's environment. */
  readonly environment: ShellEnvironment.Environment
  readonly marked: Marked
  /** Commands run no longer than this. */
  readonly scope: Scope.Scope
}

/** A call of exec_command, worked out. */
interface Plan {
  readonly shown: CommandSummary
  readonly script: Script.Script
  /** As shown. The shell is run without `-l`: see `commandOf`. */
  readonly argv: ReadonlyArray<string>
  readonly command: SandboxedCommand
  readonly args: ExecCommandArguments
}

/** A call of exec_command that runs, or that the user is asked about. */
interface Judged {
  readonly plan: Plan
  readonly decision: Exclude<ExecPolicy.Decision, { type: "refuse" }>
  /** The command in the sandbox; undefined where the machine cannot enforce the policy. */
  readonly confined: SandboxedCommand | undefined
}

const failed = (text: string): ToolOutput => ({ text, success: false })

export class ShellThread {
  private readonly options: Options
  private readonly sessions: CommandSessions
  /** Commands that the user approved for the session, by `ExecPolicy.sessionKey`. */
  private readonly approved = new Set<string>()
  private readonly environment: Readonly<Record<string, string>>
  /** Calls are judged one at a time, and others get their turn between two of them: an answer may have hundreds. */
  private readonly judging = Semaphore.makeUnsafe(1)

  constructor(options: Options) {
    this.options = options
    this.sessions = new CommandSessions(options.scope, options.marked)
    const { providers, shellEnvironmentPolicy } = options.config
    this.environment = {
      ...ShellEnvironment.environmentOf({
        policy: shellEnvironmentPolicy,
        base: options.environment,
        credentials: ShellEnvironment.credentialsOf(providers)
      }),
      ...Environment,
      CODEX_THREAD_ID: options.threadId,
      CODEX_SESSION_ID: options.threadId
    }
  }

  execCommand(call: ToolCall, turn: ToolTurn): Effect.Effect<ToolOutput, TurnCancelled> {
    return Effect.gen({ self: this }, function* () {
      const judged = yield* this.judging.withPermit(Effect.tap(this.judge(call, turn), Effect.yieldNow))
      if (Result.isFailure(judged)) return failed(judged.failure)
      const { plan, decision, confined } = judged.success
      const command = decision.confined ? (confined ?? plan.command) : plan.command
      if (decision.type === "run") return yield* this.run(plan, command, turn, false)
      const refusal = yield* this.ask(plan, decision, turn)
      return refusal ?? (yield* this.run(plan, command, turn, true))
    })
  }

  /** Works a call out and decides about it. Fails with what the model is told where it may not run. */
  private judge(call: ToolCall, turn: ToolTurn): Effect.Effect<Result.Result<Judged, string>> {
    return Effect.gen({ self: this }, function* () {
      const args = readExecCommand(call.input)
      if (Result.isFailure(args)) return Result.fail(args.failure)
      if (args.success.login === true && !this.options.mayLogIn) {
        return Result.fail("login shell is disabled by config; omit `login` or set it to false.")
      }
      const plan = this.plan(call, args.success, turn)
      const confined = yield* Effect.result(this.options.sandbox.confine(plan.command, turn.sandboxPolicy))
      const decision = ExecPolicy.decide({
        ...plan,
        command: plan.shown.command,
        approvalPolicy: turn.approvalPolicy,
        sandboxPolicy: turn.sandboxPolicy,
        confinable: Result.isSuccess(confined),
        escalated: args.success.sandbox_permissions === "require_escalated",
        justification: args.success.justification ?? null,
        prefixRule: args.success.prefix_rule ?? null,
        rules: this.options.rules.current(),
        fixedSearchPath: isFixedSearchPath(plan.command.env["PATH"]),
        approvedForSession: this.approved.has(sessionKey(plan))
      })
      if (decision.type === "refuse") return Result.fail(decision.text)
      return Result.succeed({ plan, decision, confined: Result.isSuccess(confined) ? confined.success : undefined })
    })
  }

  writeStdin(call: ToolCall, turn: ToolTurn): Effect.Effect<ToolOutput> {
    return Effect.gen({ self: this }, function* () {
      const read = readWriteStdin(call.input)
      if (Result.isFailure(read)) return failed(read.failure)
      const { session_id, chars, yield_time_ms, max_output_tokens } = read.success
      const session = this.sessions.find(session_id)
      if (session === undefined) return failed(`write_stdin failed: Unknown process id ${session_id}`)
      const typed = chars ?? ""
      if (typed !== "" && typed !== Interrupt) {
        return failed("write_stdin failed: stdin is closed for this session")
      }
      const startedAt = yield* Clock.currentTimeNanos
      const tell = session.hasExited ? Effect.void : interaction(session, turn, typed)
      if (typed === Interrupt) {
        // Told before it is done: the item may be completed a moment later.
        yield* tell
        yield* session.interrupt
      }
      const waitMs = typed === "" ? between(yield_time_ms, 5000, 5000, 300_000) : writeWait(yield_time_ms)
      yield* this.sessions.awaiting(session, waitFor(session, waitMs))
      if (typed === "") yield* tell
      return yield* this.observe(session, startedAt, max_output_tokens)
    })
  }

  private plan(call: ToolCall, args: ExecCommandArguments, turn: ToolTurn): Plan {
    const own = this.options.shell ?? userShell()
    const shell = args.shell == null ? own : namedShell(args.shell, own)
    const argv = [shell, args.login === false || !this.options.mayLogIn ? "-c" : "-lc", args.cmd]
    const cwd = Path.resolve(turn.cwd, args.workdir ?? "")
    const script = Script.read(args.cmd)
    const actions = commandActions(args.cmd, script, cwd)
    const shown = { itemId: call.callId, command: display(argv), cwd, actions }
    return { shown, script, argv, command: this.commandOf(shell, args, cwd), args }
  }

  /**
   * The shell is started without `-l` although the item shows it: the server has the user's environment already, and
   * reading the profile anew costs more than most commands. The release does the same from a snapshot. The policy can ask
   * for the profile all the same.
   */
  private commandOf(shell: string, args: ExecCommandArguments, cwd: string): SandboxedCommand {
    const { config, mayLogIn } = this.options
    const login = config.shellEnvironmentPolicy.useProfile && mayLogIn && args.login !== false
    return { executable: shell, args: [login ? "-lc" : "-c", args.cmd], cwd, env: this.environment }
  }

  private run(plan: Plan, command: SandboxedCommand, turn: ToolTurn, announced: boolean): Effect.Effect<ToolOutput> {
    return Effect.gen({ self: this }, function* () {
      const startedAt = yield* Clock.currentTimeNanos
      const started = yield* Effect.result(this.sessions.start({ command, shown: plan.shown, turn, announced }))
      if (Result.isFailure(started)) return yield* notStarted(plan, started.failure, turn, announced)
      const session = started.success
      const waitMs = between(plan.args.yield_time_ms, 10_000, 250, 30_000)
      yield* this.sessions.awaiting(session, waitFor(session, waitMs))
      return yield* this.observe(session, startedAt, plan.args.max_output_tokens)
    })
  }

  /** What the model is told of a session, which counts as seen. */
  private observe(
    session: CommandSession,
    startedAt: bigint,
    maxTokens: number | null | undefined
  ): Effect.Effect<ToolOutput> {
    return Effect.gen({ self: this }, function* () {
      const wallSeconds = Number((yield* Clock.currentTimeNanos) - startedAt) / 1e9
      const chunkId = (yield* Random.nextIntBetween(0, 0x100_0000)).toString(16).padStart(6, "0")
      const exitCode = Deferred.isDoneUnsafe(session.finished) ? yield* Deferred.await(session.finished) : undefined
      const text = render({
        chunkId,
        wallSeconds,
        state: exitCode === undefined ? { sessionId: session.id } : { exitCode },
        output: session.unread,
        maxTokens: maxTokens ?? DefaultOutputTokens
      })
      session.unread.clear()
      if (exitCode !== undefined) yield* this.sessions.forget(session)
      return { text, success: exitCode === undefined || exitCode === 0 }
    })
  }

  /** Puts the command to the user. Returns what to tell the model when it must not run. */
  private ask(
    plan: Plan,
    decision: Extract<ExecPolicy.Decision, { type: "ask" }>,
    turn: ToolTurn
  ): Effect.Effect<ToolOutput | undefined, TurnCancelled> {
    return Effect.gen({ self: this }, function* () {
      const item = itemOf(plan.shown, { source: "agent" })
      const answer = yield* Effect.result(turn.approveCommand(item, approvalOf(plan, decision)))
      if (Result.isFailure(answer)) {
        // The turn goes away with the question; its open items get no end.
        if (answer.failure.reason !== "turnTransition") yield* turn.itemCompleted({ ...item, status: "failed" })
        return failed(rejected(answer.failure.message))
      }
      if (yield* this.accept(plan, answer.success)) return undefined
      yield* turn.itemCompleted({ ...item, status: "declined" })
      if (answer.success === "cancel") return yield* new TurnCancelled()
      return failed(rejected("rejected by user"))
    })
  }

  /** True when the answer is a yes, whose consequences are remembered. */
  private accept(plan: Plan, answer: CommandExecutionApprovalDecision): Effect.Effect<boolean> {
    if (answer === "accept") return Effect.succeed(true)
    if (answer === "acceptForSession") {
      this.approved.add(sessionKey(plan))
      return Effect.succeed(true)
    }
    if (answer === "decline" || answer === "cancel") return Effect.succeed(false)
    if ("acceptWithExecpolicyAmendment" in answer) {
      const prefix = answer.acceptWithExecpolicyAmendment.execpolicy_amendment
      return prefix.length === 0 ? Effect.succeed(false) : Effect.as(this.options.allow(prefix), true)
    }
    // No question about a command offers the network.
    return Effect.succeed(false)
  }
}

const Interrupt = "\u0003"

const sessionKey = (plan: Plan): string =>
  ExecPolicy.sessionKey({ ...plan, escalated: plan.args.sandbox_permissions === "require_escalated" }, plan.shown.cwd)

const approvalOf = (plan: Plan, decision: Extract<ExecPolicy.Decision, { type: "ask" }>): CommandApproval => {
  const { reason, amendment } = decision
  return {
    environmentId: "local",
    ...(reason === null ? {} : { reason }),
    command: plan.shown.command,
    cwd: plan.shown.cwd,
    commandActions: plan.shown.actions,
    ...(amendment === null ? {} : { proposedExecpolicyAmendment: amendment }),
    availableDecisions: [
      "accept",
      ...(amendment === null ? [] : [{ acceptWithExecpolicyAmendment: { execpolicy_amendment: amendment } }]),
      "cancel"
    ]
  }
}

const notStarted = (
  plan: Plan,
  error: SpawnError | NoRoom,
  turn: ToolTurn,
  announced: boolean
): Effect.Effect<ToolOutput> =>
  Effect.gen(function* () {
    const item = itemOf(plan.shown)
    if (!announced) yield* turn.itemStarted(item)
    yield* turn.itemCompleted({
      ...item,
      status: "failed",
      aggregatedOutput: error.message,
      exitCode: -1,
      durationMs: 0
    })
    return failed(rejected(error.message))
  })

const interaction = (session: CommandSession, turn: ToolTurn, stdin: string): Effect.Effect<void> =>
  turn.notify("item/commandExecution/terminalInteraction", {
    threadId: turn.threadId,
    turnId: turn.turnId,
    itemId: session.shown.itemId,
    processId: String(session.id),
    stdin
  })

const waitFor = (session: CommandSession, milliseconds: number): Effect.Effect<unknown> =>
  Effect.timeoutOption(Deferred.await(session.finished), milliseconds)

const between = (value: number | null | undefined, standard: number, least: number, most: number): number =>
  Math.min(most, Math.max(least, value ?? standard))

const writeWait = (value: number | null | undefined): number => between(value, 250, 250, 30_000)

/** Output for a reader that is no terminal: no colours, no pager, UTF-8. */
const Environment = {
  NO_COLOR: "1",
  TERM: "dumb",
  COLORTERM: "",
  LANG: "C.UTF-8",
  LC_CTYPE: "C.UTF-8",
  LC_ALL: "C.UTF-8",
  PAGER: "cat",
  GIT_PAGER: "cat",
  GH_PAGER: "cat",
  CODEX_CI: "1"
}
