/**
 * The tools of a thread.
 *
 * Owns the current tools of a thread. They are read for each model request, so tools may be added and removed while the
 * thread runs: each exists until the scope in which it was added is closed. Does not own the work of a tool (`Tool`), nor
 * which features disable it.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Tool, ToolSpec } from "./Tool.ts"

/** The full name of a tool. */
export const qualifiedName = (spec: ToolSpec): string =>
  spec.type === "function" && spec.namespace !== undefined ? `${spec.namespace.name}.${spec.name}` : spec.name

/** The names that model servers accept. */
const callable = /^[A-Za-z0-9_-]{1,128}$/

/** Whether model servers accept the name of the tool, and of its namespace. */
export const isCallable = (spec: ToolSpec): boolean =>
  callable.test(spec.name) &&
  (spec.type !== "function" || spec.namespace === undefined || callable.test(spec.namespace.name))

/** The current tools of one thread. */
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

  /**
   * Adds tools until the scope is closed. A tool whose name is taken is left out, and so is one whose name model servers
   * refuse: they would refuse every request that offers it. The log names both.
   */
  add(tools: ReadonlyArray<Tool>): Effect.Effect<void, never, Scope.Scope> {
    const added = Effect.sync(() => {
      const taken = new Set(this.#tools.map(({ spec }) => qualifiedName(spec)))
      const accepted = tools.filter(({ spec }) => {
        const name = qualifiedName(spec)
        if (taken.has(name) || !isCallable(spec)) return false
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
          : Effect.logWarning(`tools left out, because their names are taken or not callable: ${left.join(", ")}`)
      })
    )
  }
}
