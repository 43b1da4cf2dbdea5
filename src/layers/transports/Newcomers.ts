/**
 * Connections of a listener without a request, or without an `initialize`.
 *
 * Owns which of them are closed: those that are too old, and the oldest when there are too many, so that a client that initializes
 * immediately is always served. The limits are in `ConnectionLimits`; the timer and the close reasons in `SocketListener`.
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
