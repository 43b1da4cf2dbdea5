/**
 * The port of a set of tools: it adds tools to threads.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { DynamicToolSpec } from "../../protocol/v2/thread/Requests.ts"
import type { EffectiveConfig } from "../config/Config.ts"
import type { SmallFiles } from "../config/SmallFiles.ts"
import type { ThreadShell } from "./ShellSessions.ts"
import type { ToolRegistry } from "./ToolRegistry.ts"

/** The thread's data for opening a set of tools. */
export interface ToolThread {
  /** The thread's id. */
  readonly threadId: string
  /** The configuration the thread was started or resumed with. The current policies are in the turn, because they may change. */
  readonly config: EffectiveConfig
  /** How deep the thread is among agents: 0 for one that no agent started. */
  readonly depth: number
  /** The thread's command sessions. */
  readonly shell: ThreadShell
  /** The tools that the clients of the thread provide. */
  readonly dynamicTools: ReadonlyArray<DynamicToolSpec>
  /** Files of the server's machine. */
  readonly files: SmallFiles["Service"]
  /** The registry to which the tools are added. */
  readonly registry: ToolRegistry
}

/** A set of tools cannot be opened for a thread. The thread continues without it and warns its subscribers. */
export class ToolsUnavailable extends Schema.TaggedError<ToolsUnavailable>()("ToolsUnavailable", {
  /** The tools and the reason. */
  detail: Schema.String
}) {
  override get message(): string {
    return `tools are not available: ${this.detail}`
  }
}

/** The port to sets of tools: it is opened once for each loaded thread. */
export class Toolset extends Context.Service<
  Toolset,
  {
    /**
     * Adds the tools of a thread to its registry, immediately or later. It runs concurrently and delays nothing: a tool is
     * offered from the next model request on. Resources of the tools end with the scope, which is the thread's.
     */
    readonly open: (thread: ToolThread) => Effect.Effect<void, ToolsUnavailable, Scope.Scope>
  }
>()("spindle/Toolset") {}
