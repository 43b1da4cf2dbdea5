/**
 * The agents of a server: what is known of them besides their threads.
 *
 * Owns the places in a tree that are taken, the tokens that a tree has used, and the wake-up of those that wait for an agent.
 * It is part of every thread's services, so the work itself is elsewhere (`AgentDesk`) and loaded with the first call.
 *
 * @module
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { EffectiveConfig, ModelProviderInfo } from "../../config/Config.ts"
import type { ToolAgents } from "../../tool/Agents.ts"
import type { Instructions } from "../Instructions.ts"
import type { ThreadState } from "../ThreadState.ts"
import { type AgentLimits, depthOf, limitsOf, placeOf } from "./AgentTree.ts"

/** What is remembered of an agent that was started or resumed here. */
export interface OpenAgent {
  /** The number of turns of its thread when it was opened. */
  readonly since: number
  /** The policies that it has from the thread that opened it, as text. */
  policies: string
}

/** A loaded thread, as far as it matters here. */
export interface LoadedThread {
  readonly id: string
  readonly state: ThreadState
  readonly failTurn: (error: { readonly message: string }) => void
}

/** The thread that uses agents. */
export interface AgentParent {
  readonly id: string
  readonly state: ThreadState
  readonly config: EffectiveConfig
  readonly instructions: Instructions
  readonly provider: ModelProviderInfo | undefined
  /** The scope of the thread. */
  readonly scope: Scope.Scope
}

/** The threads of the server. */
export interface Directory {
  readonly find: (threadId: string) => LoadedThread | undefined
  readonly ids: () => ReadonlyArray<string>
  /** What the tools of a call in a turn with this root may do. Loaded with the first call. */
  readonly desk: (parent: AgentParent, rootTurnId: string) => Effect.Effect<ToolAgents>
}

export class Agents {
  readonly #open = new Map<string, OpenAgent>()
  readonly #watchers = new Map<string, Set<() => void>>()
  /** The number of agents that are being opened, by tree. */
  readonly #opening = new Map<string, number>()
  /** Tokens that agents have used since their tree was loaded. */
  readonly #spent = new Map<string, number>()
  #directory: Directory | undefined

  /** Sets the threads, before the first one is opened. */
  attach(directory: Directory): void {
    this.#directory = directory
  }

  get directory(): Directory {
    const directory = this.#directory
    if (directory === undefined) throw new Error("agents are used before the threads of the server exist")
    return directory
  }

  /** The loaded threads of agents in a tree. */
  loadedIn(sessionId: string): ReadonlyArray<LoadedThread> {
    const { find, ids } = this.directory
    return ids().flatMap((id) => {
      const thread = find(id)
      const origin = thread?.state.origin
      return thread !== undefined && origin?.sessionId === sessionId && placeOf(origin) !== undefined ? [thread] : []
    })
  }

  /** The loaded agents that a thread has started, and those that these have started; a thread before its own agents. */
  below(thread: Pick<LoadedThread, "id" | "state">): ReadonlyArray<LoadedThread> {
    const all = this.loadedIn(thread.state.origin.sessionId)
    const found = new Set([thread.id])
    const sorted = [...all].sort((a, b) => depthOf(a.state.origin) - depthOf(b.state.origin))
    return sorted.filter(({ id, state }) => {
      const isBelow = found.has(placeOf(state.origin)?.parentId ?? "")
      if (isBelow) found.add(id)
      return isBelow
    })
  }

  /** Takes a place in the tree. Returns a function that gives it back once the thread is loaded; undefined when none is free. */
  take(sessionId: string, limits: AgentLimits): (() => void) | undefined {
    const opening = this.#opening.get(sessionId) ?? 0
    if (this.loadedIn(sessionId).length + opening >= limits.threads) return undefined
    this.#opening.set(sessionId, opening + 1)
    return () => {
      const left = (this.#opening.get(sessionId) ?? 1) - 1
      if (left > 0) this.#opening.set(sessionId, left)
      else this.#opening.delete(sessionId)
    }
  }

  opened(threadId: string, agent: OpenAgent): void {
    this.#open.set(threadId, agent)
  }

  /** What is remembered of an agent; undefined for one that a client has loaded. */
  find(threadId: string): OpenAgent | undefined {
    return this.#open.get(threadId)
  }

  /** Calls `wake` when the state of the thread may have changed. Returns a function that ends that. */
  watch(threadId: string, wake: () => void): () => void {
    const watchers = this.#watchers.get(threadId) ?? new Set()
    this.#watchers.set(threadId, watchers.add(wake))
    return () => {
      watchers.delete(wake)
      if (watchers.size === 0 && this.#watchers.get(threadId) === watchers) this.#watchers.delete(threadId)
    }
  }

  /** A turn of the thread has begun or ended, or the thread was loaded or unloaded. */
  changed(threadId: string): void {
    if (this.#directory?.find(threadId) === undefined) {
      this.#open.delete(threadId)
      this.#spent.delete(threadId)
    }
    for (const wake of Array.from(this.#watchers.get(threadId) ?? [])) wake()
  }

  /** The text about a tree whose agents have used up their tokens; undefined while some are left. */
  exhausted(sessionId: string, { tokens }: AgentLimits): string | undefined {
    const spent = this.#spent.get(sessionId) ?? 0
    return tokens === null || spent < tokens
      ? undefined
      : `the agents of this session have used ${spent} of ${tokens} tokens (spindle.agent_max_tokens)`
  }

  /** Counts tokens of an agent. Its turn fails when those of its tree are used up. */
  counted({ config, id, state: { origin } }: Pick<AgentParent, "config" | "id" | "state">, tokens: number): void {
    if (placeOf(origin) === undefined) return
    this.#spent.set(origin.sessionId, (this.#spent.get(origin.sessionId) ?? 0) + tokens)
    const message = this.exhausted(origin.sessionId, limitsOf(config))
    if (message !== undefined) this.directory.find(id)?.failTurn({ message })
  }
}
