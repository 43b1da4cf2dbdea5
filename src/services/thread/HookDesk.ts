/**
 * The hooks of a loaded thread. They are opened with its first turn.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Option from "effect/Option"
import { Hooks, type SessionStart, type ThreadHooks } from "../hook/Hooks.ts"
import type { EffectiveConfig } from "../config/Config.ts"
import type { ThreadState } from "./ThreadState.ts"

/** The hooks of a server, if it has any. */
export const shared: Effect.Effect<{ readonly hooks?: Hooks["Service"] }> = Effect.map(
  Effect.serviceOption(Hooks),
  Option.match({ onNone: () => ({}), onSome: (hooks) => ({ hooks }) })
)

/** The thread of a desk. */
export interface HookDeskOptions {
  readonly id: string
  readonly config: EffectiveConfig
  /** The scope of the thread. */
  readonly scope: Scope.Scope
  /** The current state. */
  readonly state: () => ThreadState
  /** Undefined when the server has no hooks. */
  readonly hooks: Hooks["Service"] | undefined
}

export class HookDesk {
  readonly #options: HookDeskOptions
  #opened: ThreadHooks | undefined
  #started = false

  constructor(options: HookDeskOptions) {
    this.#options = options
    if (options.hooks === undefined) this.#opened = {}
  }

  /** The hooks, once they are open. */
  get current(): ThreadHooks {
    return this.#opened ?? {}
  }

  /** Opens the hooks. A thread runs one turn at a time, so they are opened once. */
  readonly load: Effect.Effect<ThreadHooks> = Effect.suspend(() => {
    const { config, hooks, id, scope, state } = this.#options
    if (this.#opened !== undefined || hooks === undefined) return Effect.succeed(this.current)
    const opening = hooks.open({ threadId: id, cwd: state().settings.cwd, config })
    return Effect.tap(Scope.provide(opening, scope), (hooks) => Effect.sync(() => void (this.#opened = hooks)))
  })

  /** Whether hooks run in front of the next message. */
  get precedeMessage(): boolean {
    const { sessionStart, userPrompt } = this.current
    return userPrompt !== undefined || (sessionStart !== undefined && !this.#started)
  }

  /** How the session starts; undefined when it has started. */
  takeStart(): SessionStart["source"] | undefined {
    if (this.#started) return undefined
    this.#started = true
    return this.#options.state().turns.length > 1 ? "resume" : "startup"
  }
}
