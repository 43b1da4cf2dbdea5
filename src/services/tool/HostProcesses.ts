/**
 * The port to processes that a client runs outside of any thread.
 *
 * Owns the vocabulary between the handlers and the code that starts processes. Who may run what, and what is done with the
 * output, belong to the handlers.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { SandboxPolicy } from "../../protocol/v2/thread/Settings.ts"
import type { EffectiveConfig } from "../config/Config.ts"

/** The size of a terminal in characters; 1 to 65 535. */
export interface TerminalSize {
  readonly rows: number
  readonly cols: number
}

/** A process to start. */
export interface HostCommand {
  /** The program and its arguments. No shell is involved. */
  readonly command: ReadonlyArray<string>
  /** Absolute path of the working folder. */
  readonly cwd: string
  /** Variables that are added to the environment of `config`; null removes one. */
  readonly environment: Readonly<Record<string, string | null>>
  /** The policy for the environment, and the credentials to keep from it. */
  readonly config: Pick<EffectiveConfig, "providers" | "shellEnvironmentPolicy">
  /** What the process may do. */
  readonly policy: SandboxPolicy
  /** The size of its terminal; null for pipes. */
  readonly terminal: TerminalSize | null
  /** Whether it has an input. A terminal always has one. */
  readonly input: boolean
}

/** The process cannot be started. */
export class HostProcessError extends Schema.TaggedError<HostProcessError>()("HostProcessError", {
  /** The system's text and error number, or what is missing. */
  reason: Schema.String
}) {
  override get message(): string {
    return this.reason
  }
}

/** A started process. It ends with the scope in which it was started, with its process group. */
export interface HostProcess {
  /** The exit status; 128 and the number of the signal when one ended it. */
  readonly exit: Effect.Effect<number>
  /** The next piece of stdout, or of the terminal, valid until the next one is asked for; undefined at the end. One reader at a time. */
  readonly stdout: Effect.Effect<Uint8Array | undefined>
  /** The same for stderr. */
  readonly stderr: Effect.Effect<Uint8Array | undefined>
  /** Writes to the input, in the order of the calls. Waits while the process does not read. Nothing happens when it is closed. */
  readonly write: (bytes: Uint8Array) => Effect.Effect<void>
  /** Ends the input. */
  readonly endInput: Effect.Effect<void>
  /** Changes the size of the terminal, if there is one. */
  readonly resize: (size: TerminalSize) => Effect.Effect<void>
  /** Kills the process group, and the session of a terminal. */
  readonly kill: Effect.Effect<void>
  /** Stops reading, even if another process still holds the output. */
  readonly closeOutput: Effect.Effect<void>
}

/** Starts processes for one client. */
export type HostLauncher = (command: HostCommand) => Effect.Effect<HostProcess, HostProcessError, Scope.Scope>

/** The port to processes outside of threads. */
export class HostProcesses extends Context.Service<
  HostProcesses,
  {
    /**
     * A launcher for one client. Processes that left their group end with its scope, where the machine can find them. Opening
     * starts nothing.
     */
    readonly open: Effect.Effect<HostLauncher, never, Scope.Scope>
  }
>()("spindle/HostProcesses") {}
