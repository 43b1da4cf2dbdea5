/**
 * The tools of a thread.
 *
 * Owns the current tools of a thread. They are read for each model request, so tools may be added and removed while the
 * thread runs: each exists until the scope in which it was added is closed. Does not own the work of a tool (`Tool`), nor
 * which features disable it.
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
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
  #waits: ReadonlyArray<Effect.Effect<void>> = []

  /** The current tools, in the order in which they were added. */
  get current(): ReadonlyArray<Tool> {
    return this.#tools
  }

  /** The tool named by a call. */
  find(name: string, namespace: string | null): Tool | undefined {
    const wanted = namespace === null ? name : `${namespace}.${name}`
    return this.#tools.find(({ spec }) => qualifiedName(spec) === wanted)
  }

  /** Completes when the tools that a model request waits for exist, or have taken too long. Undefined when there are none. */
  get ready(): Effect.Effect<void> | undefined {
    return this.#waits.length === 0
      ? undefined
      : Effect.suspend(() => Effect.forEach(this.#waits, (wait) => wait, { concurrency: "unbounded", discard: true }))
  }

  /** Model requests wait for `added` until it completes, until `limitMs` milliseconds from now, or until the scope is closed. */
  addWait(added: Effect.Effect<void>, limitMs: number): Effect.Effect<void, never, Scope.Scope> {
    return Effect.gen({ self: this }, function* () {
      const done = Deferred.makeUnsafe<void>()
      const wait = Deferred.await(done)
      const end = Effect.sync(() => {
        this.#waits = this.#waits.filter((one) => one !== wait)
        Deferred.doneUnsafe(done, Exit.void)
      })
      this.#waits = [...this.#waits, wait]
      yield* Effect.addFinalizer(() => end)
      yield* Effect.forkScoped(Effect.ensuring(Effect.timeoutOption(added, limitMs), end), { startImmediately: true })
    })
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
