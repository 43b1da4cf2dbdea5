/**
 * The hooks of a loaded thread. They are opened with its first turn.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Option from "effect/Option"
import { Hooks, type SessionStart, type ThreadHooks } from "../hook/Hooks.ts"
import type { ThreadContext } from "./ThreadContext.ts"
import type { ThreadState } from "./ThreadState.ts"

/** The hooks of a server, if it has any. */
export const shared: Effect.Effect<{ readonly hooks?: Hooks["Service"] }> = Effect.map(
  Effect.serviceOption(Hooks),
  Option.match({ onNone: () => ({}), onSome: (hooks) => ({ hooks }) })
)

export class HookDesk {
  readonly #context: ThreadContext
  readonly #hooks: Hooks["Service"] | undefined
  #opened: ThreadHooks | undefined
  #started = false

  constructor(context: ThreadContext, hooks: Hooks["Service"] | undefined) {
    this.#context = context
    this.#hooks = hooks
    if (hooks === undefined) this.#opened = {}
  }

  /** The hooks, once they are open. */
  get current(): ThreadHooks {
    return this.#opened ?? {}
  }

  /** Opens the hooks. A thread runs one turn at a time, so they are opened once. */
  readonly load: Effect.Effect<ThreadHooks> = Effect.suspend(() => {
    const { config, id, scope, state } = this.#context
    if (this.#opened !== undefined || this.#hooks === undefined) return Effect.succeed(this.current)
    const opening = this.#hooks.open({ threadId: id, cwd: state.settings.cwd, config })
    return Effect.tap(Scope.provide(opening, scope), (hooks) => Effect.sync(() => void (this.#opened = hooks)))
  })

  /** Whether hooks run in front of the next message. */
  get precedeMessage(): boolean {
    const { sessionStart, userPrompt } = this.current
    return userPrompt !== undefined || (sessionStart !== undefined && !this.#started)
  }

  /** How the session starts; undefined when it has started. */
  takeStart({ turns }: ThreadState): SessionStart["source"] | undefined {
    if (this.#started) return undefined
    this.#started = true
    return turns.length > 1 ? "resume" : "startup"
  }
}
