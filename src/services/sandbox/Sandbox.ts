/**
 * The port to the platform's sandbox for child processes.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { SandboxPolicy } from "../../protocol/v2/thread/Settings.ts"
import type { FileAccess } from "./FileAccess.ts"

/** An argv with its working folder. No shell is involved. `env` is the whole environment: nothing is inherited. */
export interface SandboxedCommand {
  /** The program: an absolute path, or a name that is searched in the `PATH` of `env`. */
  readonly executable: string
  /** The arguments after the program. */
  readonly args: ReadonlyArray<string>
  /** Absolute path of the working folder. */
  readonly cwd: string
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
  /** Whether the command runs in a terminal of its own, which it keeps as its controlling terminal. Default: false. */
  readonly terminal?: boolean
  /** What the sandbox needs while the processes of the command exist: acquired before the start. Default: nothing. */
  readonly held?: Effect.Effect<void, never, Scope.Scope>
}

/** This machine cannot enforce the policy, so the command must not run without approval. */
export class SandboxUnavailable extends Schema.TaggedError<SandboxUnavailable>()("SandboxUnavailable", {
  policy: Schema.Literals(["readOnly", "workspaceWrite"]),
  /** Why: what is missing on the machine, or what the policy demands that no sandbox here can enforce. */
  reason: Schema.String
}) {
  override get message(): string {
    return `no sandbox is available for the policy ${this.policy}: ${this.reason}`
  }
}

/** A sandbox that this program can use, and whether it works on this machine. */
export interface SandboxFinding {
  /** Which sandbox. */
  readonly name: "bubblewrap" | "landlock"
  /** Whether it enforced the policies of the probe. */
  readonly works: boolean
  /** The version or what it enforces, or why it does not work and what to do about it. */
  readonly detail: string
}

/** What confines commands on this machine. */
export interface SandboxReport {
  /** The name of the sandbox in use; `none` when commands that a policy would confine need approval. */
  readonly used: string
  /** The sandboxes that were tried, in order of preference. */
  readonly findings: ReadonlyArray<SandboxFinding>
}

/** The port to a sandbox: how a command is confined to a policy. */
export class Sandbox extends Context.Service<
  Sandbox,
  {
    /**
     * Rewrites `command` to run under `policy`. Returns it unchanged when the policy needs no sandbox. `cwd` is the working
     * folder of the turn, which is writable under `workspaceWrite`; the command's own may be another one, which is not.
     */
    readonly confine: (
      command: SandboxedCommand,
      policy: SandboxPolicy,
      cwd: string
    ) => Effect.Effect<SandboxedCommand, SandboxUnavailable>
    /**
     * The files that `policy` permits to write in the working folder `cwd`. It holds on every machine, also without a
     * sandbox for commands: the server checks its own writes, such as those of a patch, against it. Resolve it again for
     * every call of a tool, because the files may have changed.
     */
    readonly files: (policy: SandboxPolicy, cwd: string) => Effect.Effect<FileAccess>
    /** What confines commands on this machine. The first use tries the sandboxes. */
    readonly report: Effect.Effect<SandboxReport>
  }
>()("spindle/Sandbox") {}
