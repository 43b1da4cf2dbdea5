/**
 * Connections that have not shown yet that they are clients: without a request, or without an `initialize`.
 *
 * Owns how long and how many of them there may be. When there is no place for one more the oldest is closed: a client that
 * initialises at once gets in, however many others keep silent. Does not own what is done to close one (its caller says).
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
