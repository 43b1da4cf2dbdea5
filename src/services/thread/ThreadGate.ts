/**
 * What a loaded thread admits: requests while it is open, turns while the server starts any, and what keeps it loaded.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { TurnActivity } from "./RunningTurns.ts"
import { ServerDraining, ThreadClosing } from "./ThreadError.ts"

export class ThreadGate {
  readonly #threadId: string
  readonly #activity: TurnActivity
  #closing = false
  #accepting = 0
  #held = 0

  constructor(threadId: string, activity: TurnActivity) {
    this.#threadId = threadId
    this.#activity = activity
  }

  /** Makes the thread refuse further requests. */
  close(): void {
    this.#closing = true
  }

  get isClosing(): boolean {
    return this.#closing
  }

  /** Whether a request is being accepted: it may wait for the store. */
  get isInUse(): boolean {
    return this.#accepting > 0
  }

  /** Whether a turn may begin by itself. */
  get mayBegin(): boolean {
    return this.#held === 0 && !this.#closing && this.#activity.isAdmitting()
  }

  /** Fails while the thread is being unloaded. */
  readonly open = (resuming: boolean): Effect.Effect<void, ThreadClosing> =>
    Effect.suspend(() =>
      this.#closing ? Effect.fail(new ThreadClosing({ threadId: this.#threadId, resuming })) : Effect.void
    )

  /** Fails while the server drains. Running turns still accept input. */
  readonly admission: Effect.Effect<void, ServerDraining> = Effect.suspend(() =>
    this.#activity.isAdmitting() ? Effect.void : Effect.fail(new ServerDraining())
  )

  /** The thread is not unloaded while the effect runs. */
  readonly inUse = <A, E>(accepting: Effect.Effect<A, E>): Effect.Effect<A, E> => {
    const change = (by: number) =>
      Effect.sync(() => {
        this.#accepting += by
        this.#activity.changed(this.#threadId)
      })
    return Effect.acquireUseRelease(
      change(1),
      () => accepting,
      () => change(-1)
    )
  }

  /** No turn begins by itself while the effect runs. */
  held<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.acquireUseRelease(
      Effect.sync(() => void this.#held++),
      () => this.inUse(effect),
      () => Effect.sync(() => void this.#held--)
    )
  }
}
