/**
 * The tools of a thread.
 *
 * Owns which tools a thread has at a moment. It is read for each request to the model, so tools may come and go while the
 * thread lives: each is there until the scope in which it was added is closed. Does not own what a tool does (`Tool`), nor
 * which features switch it off.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Tool, ToolSpec } from "./Tool.ts"

/** What the model calls a tool by. */
export const qualifiedName = (spec: ToolSpec): string =>
  spec.type === "function" && spec.namespace !== undefined ? `${spec.namespace.name}.${spec.name}` : spec.name

export class ToolRegistry {
  #tools: ReadonlyArray<Tool> = []

  /** What there is now, in the order in which it came. */
  get current(): ReadonlyArray<Tool> {
    return this.#tools
  }

  /** The tool that a call names. */
  find(name: string, namespace: string | null): Tool | undefined {
    const wanted = namespace === null ? name : `${namespace}.${name}`
    return this.#tools.find(({ spec }) => qualifiedName(spec) === wanted)
  }

  /** Adds tools until the scope is closed. A name that is taken stays with the tool that has it; the other one is left out. */
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
