/**
 * The shell of one thread: the implementation of `exec_command` and `write_stdin`, and commands of the user.
 *
 * Owns the thread's sessions and session approvals. Does not own the decision about a command (`ExecPolicy`) nor its
 * execution (`CommandSession`). This module loads the parser of scripts and Node's process module, so it is loaded with the
 * first command.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Path from "node:path"
import type { CommandExecutionApprovalDecision } from "../../../protocol/v2/approval/Approval.ts"
import type { EffectiveConfig } from "../../../services/config/Config.ts"
import type { Sandbox, SandboxedCommand } from "../../../services/sandbox/Sandbox.ts"
import type { ExecRules, ThreadRules } from "../../../services/tool/ExecRules.ts"
import type { RunningCommand, ShellSession, UserCommand } from "../../../services/tool/ShellSessions.ts"
import { failure, type ToolCall, type ToolOutput, type ToolTurn, TurnCancelled } from "../../../services/tool/Tool.ts"
import { type ExecCommandArguments, readExecCommand } from "./Arguments.ts"
import * as CommandApproval from "./CommandApproval.ts"
import { commandActions } from "./CommandActions.ts"
import { display } from "./CommandLine.ts"
import * as ExecPolicy from "./ExecPolicy.ts"
import { KeyedLock } from "./KeyedLock.ts"
import { rejected } from "./RejectedText.ts"
import * as Script from "./Script.ts"
import { itemOf, type CommandSummary } from "./CommandSession.ts"
import { CommandSessions } from "./CommandSessions.ts"
import type { Stdio } from "./Process.ts"
import * as SessionCalls from "./SessionCalls.ts"
import * as ShellEnvironment from "./ShellEnvironment.ts"
import * as UserCommands from "./UserCommands.ts"
import { isFixedSearchPath, namedShell, userShell } from "./UserShell.ts"
import type { ThreadPatches } from "../Patches.ts"
import type { Marked } from "./Watchdog.ts"

export interface Options {
  readonly threadId: string
  readonly sandbox: Sandbox["Service"]
  readonly rules: ThreadRules
  /** Stores a rule that the user adds with an approval. */
  readonly allow: ExecRules["Service"]["allow"]
  /** False when the configuration disallows login shells. */
  readonly mayLogIn: boolean
  /** Absolute path of the shell; the user's own unless given. */
  readonly shell?: string
  /** The policy for the environment of commands, and the variables with the server's credentials. */
  readonly config: Pick<EffectiveConfig, "providers" | "shellEnvironmentPolicy">
  /** The server's environment. */
  readonly environment: ShellEnvironment.Environment
  readonly marked: Marked
  /** The patches of the thread: a command line may be one. */
  readonly patches: ThreadPatches
  /** Whether refused commands are items: see `ShowRefusals`. */
  readonly showRefusals: boolean
  /** Maximum running time of a command. */
  readonly scope: Scope.Scope
}

const onPipes: Stdio = { type: "merged" }
const inTerminal: Stdio = { type: "terminal", size: { rows: 24, cols: 80 } }

const terminalAvailable = Effect.flatMap(
  Effect.promise(() => import("./Terminal.ts")),
  ({ available }) => available
)

/** A prepared call of exec_command. */
interface Plan {
  readonly shown: CommandSummary
  readonly script: Script.Script
  /** The argv in the item. The shell is run without `-l`: see `commandOf`. */
  readonly argv: ReadonlyArray<string>
  readonly command: SandboxedCommand
  readonly args: ExecCommandArguments
}

/** A call of exec_command that runs or needs approval. */
interface Judged {
  readonly plan: Plan
  readonly decision: Exclude<ExecPolicy.Decision, { type: "refuse" }>
  /** The command in the sandbox; undefined when the machine cannot enforce the policy. */
  readonly confined: SandboxedCommand | undefined
}

/** A call of exec_command that does not run. */
interface Refused {
  /** For the model. */
  readonly text: string
  /** The item that shows it to users; null for a call that is not valid. */
  readonly item: ReturnType<typeof itemOf> | null
}

const invalid = (text: string): Refused => ({ text, item: null })

export class ShellThread {
  readonly #options: Options
  readonly #sessions: CommandSessions
  /** Keys (`ExecPolicy.sessionKey`) of commands that the user approved for the session. */
  readonly #approved = new Set<string>()
  /** The environment of the user's commands. */
  readonly #environment: Readonly<Record<string, string>>
  readonly #asking = new KeyedLock()
  /** Calls are checked one at a time, with a yield between them, because an answer may have hundreds. */
  readonly #judging = Semaphore.makeUnsafe(1)

  constructor(options: Options) {
    this.#options = options
    this.#sessions = new CommandSessions(options.scope, options.marked)
    const { providers, shellEnvironmentPolicy } = options.config
    this.#environment = {
      ...ShellEnvironment.environmentOf({
        policy: shellEnvironmentPolicy,
        base: options.environment,
        credentials: ShellEnvironment.credentialsOf(providers)
      }),
      CODEX_THREAD_ID: options.threadId,
      CODEX_SESSION_ID: options.threadId
    }
  }

  /** Runs a command of the user. */
  startUserCommand(command: UserCommand, turn: ToolTurn): Effect.Effect<RunningCommand> {
    return Effect.suspend(() => {
      const shell = this.#options.shell ?? userShell()
      const { rules } = this.#options
      return UserCommands.start(this.#sessions, command, turn, {
        argv: [shell, this.#options.mayLogIn ? "-lc" : "-c", command.command],
        command: {
          ...this.#commandOf(shell, { cmd: command.command }, turn.cwd),
          env: this.#environment
        },
        rules: rules.current()
      })
    })
  }

  /** The commands that the model left running, oldest first. */
  get sessions(): ReadonlyArray<ShellSession> {
    return this.#sessions.running.map(({ id, shown, startedAtMs, turn }) => ({
      processId: String(id),
      itemId: shown.itemId,
      turnId: turn.turnId,
      command: shown.line,
      cwd: shown.cwd,
      startedAtMs
    }))
  }

  /** Terminates a command of the model. False when no such command runs. */
  terminate(processId: string): Effect.Effect<boolean> {
    return Effect.suspend(() => {
      const session = this.#sessions.running.find(({ id }) => String(id) === processId)
      return session === undefined ? Effect.succeed(false) : Effect.as(session.terminate, true)
    })
  }

  execCommand(call: ToolCall, turn: ToolTurn): Effect.Effect<ToolOutput, TurnCancelled> {
    return Effect.gen({ self: this }, function* () {
      const patched = yield* this.#options.patches.inCommand(call, turn)
      if (patched !== undefined) return patched
      const judged = yield* this.#judged(call, turn)
      if (Result.isFailure(judged) || judged.success.decision.type === "run") {
        return yield* Effect.flatten(this.#settle(judged, turn))
      }
      // Of equal commands one asks at a time: its answer may cover the others.
      const settled = this.#asking.withLock(sessionKey(judged.success.plan), (waited) =>
        waited
          ? Effect.flatMap(this.#judged(call, turn), (again) => this.#settle(again, turn))
          : this.#settle(judged, turn)
      )
      return yield* Effect.flatten(settled)
    })
  }

  /** Checks the call, after those before it. */
  #judged(call: ToolCall, turn: ToolTurn): Effect.Effect<Result.Result<Judged, Refused>> {
    return this.#judging.withPermit(Effect.tap(this.#judge(call, turn), Effect.yieldNow))
  }

  /** Asks for approval where it is needed. Returns what remains: to run the command, or to report that it does not run. */
  #settle(
    judged: Result.Result<Judged, Refused>,
    turn: ToolTurn
  ): Effect.Effect<Effect.Effect<ToolOutput>, TurnCancelled> {
    if (Result.isFailure(judged)) return Effect.succeed(this.#refuse(judged.failure, turn))
    const { plan, decision, confined } = judged.success
    const command = decision.confined ? (confined ?? plan.command) : plan.command
    if (decision.type === "run") return Effect.succeed(this.#run(plan, command, turn, false))
    return Effect.map(this.#ask(plan, decision, turn), (refusal) =>
      refusal === undefined ? this.#run(plan, command, turn, true) : Effect.succeed(refusal)
    )
  }

  #refuse({ item, text }: Refused, turn: ToolTurn): Effect.Effect<ToolOutput> {
    const publish =
      item === null || !this.#options.showRefusals
        ? Effect.void
        : Effect.andThen(
            turn.itemStarted({ ...item, aggregatedOutput: null, status: "inProgress" }),
            turn.itemCompleted(item)
          )
    return Effect.as(publish, failure(text))
  }

  /** Plans a call and decides about it. Fails when it may not run. */
  #judge(call: ToolCall, turn: ToolTurn): Effect.Effect<Result.Result<Judged, Refused>> {
    return Effect.gen({ self: this }, function* () {
      const args = readExecCommand(call.input)
      if (Result.isFailure(args)) return Result.fail(invalid(args.failure))
      if (args.success.login === true && !this.#options.mayLogIn) {
        return Result.fail(invalid("login shell is disabled by config; omit `login` or set it to false."))
      }
      const terminal = args.success.tty === true ? yield* Effect.result(terminalAvailable) : undefined
      if (terminal !== undefined && Result.isFailure(terminal)) {
        return Result.fail(invalid(`exec_command failed: ${terminal.failure.message}; rerun it without tty`))
      }
      const plan = this.#plan(call, args.success, turn)
      const confined = yield* Effect.result(this.#options.sandbox.confine(plan.command, turn.sandboxPolicy, turn.cwd))
      const decision = ExecPolicy.decide({
        ...plan,
        command: plan.shown.command,
        approvalPolicy: turn.approvalPolicy,
        sandboxPolicy: turn.sandboxPolicy,
        confinable: Result.isSuccess(confined),
        escalated: args.success.sandbox_permissions === "require_escalated",
        justification: args.success.justification ?? null,
        prefixRule: args.success.prefix_rule ?? null,
        rules: this.#options.rules.current(),
        fixedSearchPath: isFixedSearchPath(plan.command.env["PATH"]),
        approvedForSession: this.#approved.has(sessionKey(plan))
      })
      if (decision.type === "refuse") {
        const { shown, text } = decision
        const item = itemOf(plan.shown, { source: "agent", status: "declined", aggregatedOutput: shown })
        return Result.fail({ text, item })
      }
      return Result.succeed({ plan, decision, confined: Result.isSuccess(confined) ? confined.success : undefined })
    })
  }

  writeStdin(call: ToolCall, turn: ToolTurn): Effect.Effect<ToolOutput> {
    return SessionCalls.writeStdin(this.#sessions, call, turn)
  }

  #plan(call: ToolCall, args: ExecCommandArguments, turn: ToolTurn): Plan {
    const own = this.#options.shell ?? userShell()
    const shell = args.shell == null ? own : namedShell(args.shell, own)
    const argv = [shell, args.login === false || !this.#options.mayLogIn ? "-c" : "-lc", args.cmd]
    const cwd = Path.resolve(turn.cwd, args.workdir ?? "")
    const script = Script.read(args.cmd)
    const actions = commandActions(args.cmd, script, cwd)
    const shown = { itemId: call.callId, command: display(argv), line: args.cmd, cwd, actions }
    return { shown, script, argv, command: this.#commandOf(shell, args, cwd), args }
  }

  /**
   * The shell is started without `-l` although the item shows it: the server already has the user's environment, and reading
   * the profile again takes longer than most commands. The release achieves the same with a snapshot. The policy can still
   * request the profile.
   */
  #commandOf(shell: string, args: ExecCommandArguments, cwd: string): SandboxedCommand {
    const { config, mayLogIn } = this.#options
    const login = config.shellEnvironmentPolicy.useProfile && mayLogIn && args.login !== false
    return {
      executable: shell,
      args: [login ? "-lc" : "-c", args.cmd],
      cwd,
      ...(args.tty === true ? { terminal: true } : {}),
      env: {
        ...this.#environment,
        ...ShellEnvironment.plain,
        ...(args.tty === true ? { TERM: ShellEnvironment.terminalName(this.#environment) } : {})
      }
    }
  }

  #run(plan: Plan, command: SandboxedCommand, turn: ToolTurn, announced: boolean): Effect.Effect<ToolOutput> {
    return Effect.gen({ self: this }, function* () {
      const startedAt = yield* Clock.currentTimeNanos
      const stdio = plan.args.tty === true ? inTerminal : onPipes
      const launch = { command, shown: plan.shown, turn, announced, stdio }
      const started = yield* Effect.result(this.#sessions.start(launch))
      if (Result.isFailure(started))
        return yield* CommandApproval.notStarted(plan.shown, started.failure, turn, announced)
      const session = started.success
      const waitMs = SessionCalls.Waits.start(plan.args.yield_time_ms)
      yield* this.#sessions.awaiting(session, SessionCalls.waitForEnd(session, waitMs))
      return yield* SessionCalls.observe(this.#sessions, session, startedAt, plan.args.max_output_tokens)
    })
  }

  /** Requests an approval of the user. Returns the output for the model when the command must not run. */
  #ask(
    plan: Plan,
    decision: Extract<ExecPolicy.Decision, { type: "ask" }>,
    turn: ToolTurn
  ): Effect.Effect<ToolOutput | undefined, TurnCancelled> {
    return Effect.gen({ self: this }, function* () {
      const item = itemOf(plan.shown, { source: "agent" })
      const accepts = (response: { readonly decision: CommandExecutionApprovalDecision }) =>
        response.decision !== "decline" && response.decision !== "cancel"
      const asked = turn.ask(CommandApproval.method, CommandApproval.paramsOf(plan.shown, decision), { item, accepts })
      const answer = yield* Effect.result(Effect.map(asked, (response) => response.decision))
      if (Result.isFailure(answer)) {
        // The turn ends with the request; its open items are not completed.
        if (answer.failure.reason !== "turnTransition") yield* turn.itemCompleted({ ...item, status: "failed" })
        return failure(rejected("approval request failed"))
      }
      if (yield* this.#accept(plan, answer.success)) return undefined
      yield* turn.itemCompleted({ ...item, status: "declined" })
      if (answer.success === "cancel") return yield* new TurnCancelled()
      return failure(rejected("rejected by user"))
    })
  }

  /** True when the answer is an approval. Stores a session approval or a rule. */
  #accept(plan: Plan, answer: CommandExecutionApprovalDecision): Effect.Effect<boolean> {
    if (answer === "accept") return Effect.succeed(true)
    if (answer === "acceptForSession") {
      this.#approved.add(sessionKey(plan))
      return Effect.succeed(true)
    }
    if (answer === "decline" || answer === "cancel") return Effect.succeed(false)
    if ("acceptWithExecpolicyAmendment" in answer) {
      const prefix = answer.acceptWithExecpolicyAmendment.execpolicy_amendment
      return prefix.length === 0 ? Effect.succeed(false) : Effect.as(this.#options.allow(prefix), true)
    }
    // Approval requests for commands never offer network access.
    return Effect.succeed(false)
  }
}

const sessionKey = (plan: Plan): string => {
  const { sandbox_permissions, tty } = plan.args
  const key = ExecPolicy.sessionKey({ ...plan, escalated: sandbox_permissions === "require_escalated" }, plan.shown.cwd)
  return tty === true ? `${key} in a terminal` : key
}
