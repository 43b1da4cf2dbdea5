/**
 * The port to the platform's confinement of child processes.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SandboxPolicy } from "../../protocol/v2/thread/Settings.ts"

/** An argv with where it runs; no shell is implied. `env` is the whole environment: nothing is inherited. */
export interface SandboxedCommand {
  readonly executable: string
  readonly args: ReadonlyArray<string>
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

/** This machine cannot confine a process as the policy asks, so the command must not run unasked. */
export class SandboxUnavailable extends Schema.TaggedError<SandboxUnavailable>()("SandboxUnavailable", {
  policy: Schema.Literals(["readOnly", "workspaceWrite"])
}) {
  override get message(): string {
    return `no sandbox is available for the policy ${this.policy}`
  }
}

export class Sandbox extends Context.Service<
  Sandbox,
  {
    /** Rewrites `command` so that it runs under `policy`; the command itself where the policy needs no confinement. */
    readonly confine: (
      command: SandboxedCommand,
      policy: SandboxPolicy
    ) => Effect.Effect<SandboxedCommand, SandboxUnavailable>
  }
>()("spindle/Sandbox") {}
