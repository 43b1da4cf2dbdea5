/**
 * The port to the commands of a thread: what runs, and the commands that a user runs by hand.
 *
 * Owns the vocabulary between the engine and whatever starts processes. Does not own the decision about a command of the
 * model, nor how processes are started: both are the adapter's (`layers/tools/shell`).
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { EffectiveConfig } from "../config/Config.ts"
import type { ThreadRules } from "./ExecRules.ts"
import type { Tool, ToolTurn } from "./Tool.ts"

/** A command that a user runs: the text as the shell reads it. */
export interface UserCommand {
  readonly itemId: string
  readonly command: string
  /** The command is ended after this time. 0 ends it at once. */
  readonly timeoutMs: number
}

/** How a command of the user ended. */
export interface UserCommandResult {
  /** -1 for a command that was ended or could not be started. */
  readonly exitCode: number
  readonly durationMs: number
  /** What the model reads of the output, within its budget. */
  readonly output: string
}

/** A command of the user that was started. */
export interface RunningCommand {
  /** How it ended; waits for it. Its item is completed then. */
  readonly result: Effect.Effect<UserCommandResult>
  /** Ends it in the user's name. It does not wait for the end. */
  readonly abort: Effect.Effect<void>
}

/** A command that runs. */
export interface ShellSession {
  /** The `processId` of its item, which is also the model's name for it. */
  readonly processId: string
  readonly itemId: string
  /** The turn that started it. */
  readonly turnId: string
  readonly command: string
  /** Absolute path. */
  readonly cwd: string
  /** Unix milliseconds. */
  readonly startedAtMs: number
}

/** The commands of one thread. */
export interface ThreadShell {
  /** What the model runs commands with: `exec_command` and `write_stdin`. */
  readonly tools: ReadonlyArray<Tool>
  /**
   * Starts a command that a user asked for: without a sandbox and without asking, and refused only by a rule that the
   * organisation requires. It publishes the item of the command. It never fails: a command that cannot be started has a
   * result that says so.
   */
  readonly startUserCommand: (command: UserCommand, turn: ToolTurn) => Effect.Effect<RunningCommand>
  /** The commands that run, oldest first. */
  readonly sessions: Effect.Effect<ReadonlyArray<ShellSession>>
  /** Ends a command; false where none of this id runs. It does not wait for the end. */
  readonly terminate: (processId: string) => Effect.Effect<boolean>
}

/** What commands of a thread depend on. */
export interface ShellOptions {
  readonly threadId: string
  readonly config: EffectiveConfig
  readonly rules: ThreadRules
}

export class ShellSessions extends Context.Service<
  ShellSessions,
  {
    /** The commands of a thread. They end with the scope. It reads and starts nothing. */
    readonly open: (options: ShellOptions) => Effect.Effect<ThreadShell, never, Scope.Scope>
  }
>()("spindle/ShellSessions") {}
