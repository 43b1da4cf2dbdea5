/**
 * The port to the commands of a thread: the running ones, and those that a user runs by hand.
 *
 * Owns the vocabulary between the engine and the code that starts processes. The decision about a model's command and the
 * start of processes belong to the adapter (`layers/tools/shell`).
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { EffectiveConfig } from "../config/Config.ts"
import type { ThreadRules } from "./ExecRules.ts"
import type { Tool, ToolTurn } from "./Tool.ts"

/** A command that a user runs: the text for the shell. */
export interface UserCommand {
  readonly itemId: string
  readonly command: string
  /** Time limit of the command. 0 ends it at once. */
  readonly timeoutMs: number
}

/** The result of a user's command. */
export interface UserCommandResult {
  /** -1 when the command was terminated or could not be started. */
  readonly exitCode: number
  /** Milliseconds from the start of the command to its end. */
  readonly durationMs: number
  /** The output for the model, within its budget. */
  readonly output: string
}

/** A started command of the user. */
export interface RunningCommand {
  /** Waits for the result. The item is completed then. */
  readonly result: Effect.Effect<UserCommandResult>
  /** Terminates the command on behalf of the user. Does not wait for its end. */
  readonly abort: Effect.Effect<void>
}

/** A running command. */
export interface ShellSession {
  /** The `processId` of its item, which the model also uses. */
  readonly processId: string
  readonly itemId: string
  /** The turn that started it. */
  readonly turnId: string
  /** The command line as the model wrote it. */
  readonly command: string
  /** Absolute path. */
  readonly cwd: string
  /** Unix milliseconds. */
  readonly startedAtMs: number
}

/** The commands of one thread. */
export interface ThreadShell {
  /** The tools that run the model's commands, `exec_command` and `write_stdin`, and `apply_patch`. */
  readonly tools: ReadonlyArray<Tool>
  /**
   * Starts a command that a user requested: without a sandbox and without approval; only a rule that the organisation
   * requires can refuse it. Publishes the item of the command. Never fails: the result of a command that cannot be started
   * describes the error.
   */
  readonly startUserCommand: (command: UserCommand, turn: ToolTurn) => Effect.Effect<RunningCommand>
  /** The running commands, oldest first. */
  readonly sessions: Effect.Effect<ReadonlyArray<ShellSession>>
  /** Terminates a command and does not wait for its end. False when no such command runs. */
  readonly terminate: (processId: string) => Effect.Effect<boolean>
}

/** Dependencies of a thread's commands. */
export interface ShellOptions {
  /** The thread whose model and user run the commands. */
  readonly threadId: string
  /** The thread's configuration. */
  readonly config: EffectiveConfig
  /** The thread's rules about commands. */
  readonly rules: ThreadRules
}

/** The port to commands: one set of running commands per thread. */
export class ShellSessions extends Context.Service<
  ShellSessions,
  {
    /** The commands of a thread. They end with the scope. Opening reads and starts nothing. */
    readonly open: (options: ShellOptions) => Effect.Effect<ThreadShell, never, Scope.Scope>
  }
>()("spindle/ShellSessions") {}

/**
 * Whether a command that is refused without a question is shown to clients, as an item with status `declined`. The released
 * server tells only the model, so the default is false.
 */
export const ShowRefusals = Context.Reference<boolean>("spindle/ShowRefusals", { defaultValue: () => false })
