/**
 * The tools of a thread, and the port that adds them.
 *
 * Owns the current tools of a thread. They are read for each model request, so tools may be added and removed while the
 * thread runs: each exists until the scope in which it was added is closed. Does not own the work of a tool (`Tool`), nor
 * which features disable it.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { EffectiveConfig } from "../config/Config.ts"
import type { ThreadShell } from "./ShellSessions.ts"
import type { Tool, ToolSpec } from "./Tool.ts"

/** The full name of a tool. */
export const qualifiedName = (spec: ToolSpec): string =>
  spec.type === "function" && spec.namespace !== undefined ? `${spec.namespace.name}.${spec.name}` : spec.name

export class ToolRegistry {
  #tools: ReadonlyArray<Tool> = []

  /** The current tools, in the order in which they were added. */
  get current(): ReadonlyArray<Tool> {
    return this.#tools
  }

  /** The tool named by a call. */
  find(name: string, namespace: string | null): Tool | undefined {
    const wanted = namespace === null ? name : `${namespace}.${name}`
    return this.#tools.find(({ spec }) => qualifiedName(spec) === wanted)
  }

  /** Adds tools until the scope is closed. A tool whose name is taken is left out. */
  add(tools: ReadonlyArray<Tool>): Effect.Effect<void, never, Scope.Scope> {
    const added = Effect.sync(() => {
      const taken = new Set(this.#tools.map(({ spec }) => qualifiedName(spec)))
      const accepted = tools.filter(({ spec }) => {
        const name = qualifiedName(spec)
        if (taken.has(name)) return false
        taken.add(name)
        return true
      })
      this.#tools = [...this.#tools, ...accepted]
      return accepted
    })
    const removed = (accepted: ReadonlyArray<Tool>) =>
      Effect.sync(() => {
        this.#tools = this.#tools.filter((tool) => !accepted.includes(tool))
      })
    return Effect.acquireRelease(added, removed).pipe(
      Effect.flatMap((accepted) => {
        const left = tools.filter((tool) => !accepted.includes(tool)).map(({ spec }) => qualifiedName(spec))
        return left.length === 0
          ? Effect.void
          : Effect.logWarning(`tools left out, their names are taken: ${left.join(", ")}`)
      })
    )
  }
}

/** The thread's data for opening a set of tools. */
export interface ToolThread {
  readonly threadId: string
  /** The configuration the thread was started or resumed with. The current policies are in the turn, because they may change. */
  readonly config: EffectiveConfig
  /** The thread's command sessions. */
  readonly shell: ThreadShell
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
