/**
 * The port of a set of tools: it adds tools to threads.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { EffectiveConfig } from "../config/Config.ts"
import type { ThreadShell } from "./ShellSessions.ts"
import type { ToolRegistry } from "./ToolRegistry.ts"

/** What a set of tools gets from the thread that opens it. */
export interface ToolThread {
  readonly threadId: string
  /** The configuration the thread was started or resumed with. Its policies are in the turn: they may change. */
  readonly config: EffectiveConfig
  /** The thread's command sessions. */
  readonly shell: ThreadShell
  /** Where the tools are added. */
  readonly registry: ToolRegistry
}

/** A set of tools cannot be opened for a thread. The thread goes on without it, and its subscribers are warned. */
export class ToolsUnavailable extends Schema.TaggedError<ToolsUnavailable>()("ToolsUnavailable", {
  /** Which tools, and why. */
  detail: Schema.String
}) {
  override get message(): string {
    return `tools are not available: ${this.detail}`
  }
}

export class Toolset extends Context.Service<
  Toolset,
  {
    /**
     * Adds the tools of a thread to its registry, at once or later. It runs beside the thread and delays nothing: a tool is
     * offered from the next request to the model on. What the tools keep ends with the scope, which is the thread's.
     */
    readonly open: (thread: ToolThread) => Effect.Effect<void, ToolsUnavailable, Scope.Scope>
  }
>()("spindle/Toolset") {}
