/**
 * The port to the platform's sandbox for child processes.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
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
}

/** This machine cannot enforce the policy, so the command must not run without approval. */
export class SandboxUnavailable extends Schema.TaggedError<SandboxUnavailable>()("SandboxUnavailable", {
  policy: Schema.Literals(["readOnly", "workspaceWrite"])
}) {
  override get message(): string {
    return `no sandbox is available for the policy ${this.policy}`
  }
}

/** The port to a sandbox: how a command is confined to a policy. */
export class Sandbox extends Context.Service<
  Sandbox,
  {
    /** Rewrites `command` to run under `policy`. Returns it unchanged when the policy needs no sandbox. */
    readonly confine: (
      command: SandboxedCommand,
      policy: SandboxPolicy
    ) => Effect.Effect<SandboxedCommand, SandboxUnavailable>
    /**
     * The files that `policy` permits to write in the working folder `cwd`. It holds on every machine, also without a
     * sandbox for commands: the server checks its own writes, such as those of a patch, against it. Resolve it again for
     * every call of a tool, because the files may have changed.
     */
    readonly files: (policy: SandboxPolicy, cwd: string) => Effect.Effect<FileAccess>
  }
>()("spindle/Sandbox") {}
