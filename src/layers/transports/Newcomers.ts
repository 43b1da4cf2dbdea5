/**
 * Connections of a listener without a request, or without an `initialize`.
 *
 * Owns which of them are closed: those that are too old, and the oldest when there are too many, so that a client that initializes
 * immediately is always served. The limits are in `ConnectionLimits`; the timer and the close reasons in `SocketListener`.
 *
 * @module
 */

/** One of them. */
export interface Newcomer {
  /** True once the connection may stay. */
  readonly isDone: () => boolean
  /** Closes the connection, because it took too long, or because there are too many. */
  readonly close: (why: "late" | "crowded") => void
}

export class Newcomers {
  readonly #max: number
  /** The oldest first; with the time each came, in milliseconds. */
  readonly #since = new Map<Newcomer, number>()

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#since.size
  }

  /** Adds a connection that came now. */
  add(newcomer: Newcomer, nowMillis: number): void {
    this.#since.set(newcomer, nowMillis)
    for (const oldest of this.#since.keys()) {
      if (this.#since.size <= this.#max) return
      this.#since.delete(oldest)
      if (!oldest.isDone()) oldest.close("crowded")
    }
  }

  /** The connection is gone, or somebody else's concern. */
  remove(newcomer: Newcomer): void {
    this.#since.delete(newcomer)
  }

  /** Forgets those that are done and closes those that came at this time or before. */
  sweep(untilMillis: number): void {
    for (const [newcomer, since] of this.#since) {
      const isDone = newcomer.isDone()
      if (!isDone && since > untilMillis) continue
      this.#since.delete(newcomer)
      if (!isDone) newcomer.close("late")
    }
  }
}
