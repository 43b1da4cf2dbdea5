/**
 * Mutual exclusion per key: users of the same key take turns, others do not wait.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"

interface Entry {
  readonly semaphore: Semaphore.Semaphore
  users: number
}

export class KeyedLock {
  /** The keys in use. */
  readonly #entries = new Map<string, Entry>()

  /** Runs `use` while no other user of the key runs. `waited`: another one had the key, so its outcome may matter. */
  withLock<A, E, R>(key: string, use: (waited: boolean) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.acquireUseRelease(
      Effect.sync(() => this.#enter(key)),
      ({ entry, waited }) => entry.semaphore.withPermit(Effect.suspend(() => use(waited))),
      ({ entry }) => Effect.sync(() => this.#leave(key, entry))
    )
  }

  #enter(key: string): { readonly entry: Entry; readonly waited: boolean } {
    const entry = this.#entries.get(key) ?? { semaphore: Semaphore.makeUnsafe(1), users: 0 }
    this.#entries.set(key, entry)
    return { entry, waited: entry.users++ > 0 }
  }

  #leave(key: string, entry: Entry): void {
    if (--entry.users === 0) this.#entries.delete(key)
  }
}
