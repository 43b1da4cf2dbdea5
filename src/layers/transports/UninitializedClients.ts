/**
 * Connections that have not sent an HTTP request or `initialize` yet.
 *
 * Owns their maximum age and number. When the number is exceeded the oldest is closed, so that a client that initializes at
 * once is served however many others stay silent. Does not own how one is closed (the caller provides that).
 *
 * @module
 */

/** A tracked connection. */
export interface Newcomer {
  /** True once the connection has initialized. */
  readonly isDone: () => boolean
  /** Closes the connection, because it is too old or one of too many. */
  readonly close: (why: "late" | "crowded") => void
}

export class Newcomers {
  readonly #max: number
  /** Oldest first, with the time at which each was added, in milliseconds. */
  readonly #since = new Map<Newcomer, number>()

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#since.size
  }

  /** Adds a new connection. */
  add(newcomer: Newcomer, nowMillis: number): void {
    this.#since.set(newcomer, nowMillis)
    for (const oldest of this.#since.keys()) {
      if (this.#since.size <= this.#max) return
      this.#since.delete(oldest)
      if (!oldest.isDone()) oldest.close("crowded")
    }
  }

  /** Removes a connection that is closed or tracked elsewhere. */
  remove(newcomer: Newcomer): void {
    this.#since.delete(newcomer)
  }

  /** Removes initialized connections, and closes those added at this time or before. */
  sweep(untilMillis: number): void {
    for (const [newcomer, since] of this.#since) {
      const isDone = newcomer.isDone()
      if (!isDone && since > untilMillis) continue
      this.#since.delete(newcomer)
      if (!isDone) newcomer.close("late")
    }
  }
}
