/**
 * The order of requests with the same key: first in, first out.
 *
 * ```
 *  idle ──enter──► running ──leave, none waits──► idle (the lane is removed)
 *                    │ ▲
 *              enter │ │ leave: the next exclusive one, or the run of shared ones at the head
 *                    ▼ │
 *                  waiting
 * ```
 *
 * Invariants: an exclusive ticket runs alone; adjacent shared tickets overlap; no shared ticket overtakes an earlier
 * exclusive one; a lane exists only while something runs in it.
 *
 * @module
 */

/** A place in a lane. `start` is called at most once, and `leave` must follow it. */
export interface Ticket {
  readonly key: string
  readonly shared: boolean
  readonly start: () => void
}

/** The state of one key. */
export interface KeyInUse {
  readonly key: string
  readonly shared: boolean
  readonly running: number
  readonly waiting: number
}

interface Lane {
  running: number
  shared: boolean
  readonly waiting: Array<Ticket>
}

export class KeyedScheduler {
  readonly #lanes = new Map<string, Lane>()
  /** Keys whose released places were not yet passed on. */
  readonly #released: Array<string> = []
  #leaving = false

  /** Whether a ticket would start at once. */
  isFree(key: string, shared: boolean): boolean {
    const lane = this.#lanes.get(key)
    return lane === undefined || (shared && lane.shared && lane.waiting.length === 0)
  }

  /** Starts the ticket, or queues it behind others with the same key. */
  enter(ticket: Ticket): void {
    const lane = this.#lanes.get(ticket.key)
    if (lane === undefined) {
      this.#lanes.set(ticket.key, { running: 1, shared: ticket.shared, waiting: [] })
      ticket.start()
    } else if (ticket.shared && lane.shared && lane.waiting.length === 0) {
      lane.running++
      ticket.start()
    } else {
      lane.waiting.push(ticket)
    }
  }

  /** Releases the place of a finished ticket and starts the next ones. */
  leave(key: string): void {
    this.#released.push(key)
    if (this.#leaving) return
    // A started ticket may leave at once. The loop avoids a deep stack for a long queue.
    this.#leaving = true
    for (let next = this.#released.shift(); next !== undefined; next = this.#released.shift()) this.#release(next)
    this.#leaving = false
  }

  #release(key: string): void {
    const lane = this.#lanes.get(key)
    if (lane === undefined || --lane.running > 0) return
    const started: Array<Ticket> = []
    do {
      const next = lane.waiting.shift()
      if (next === undefined) break
      started.push(next)
      lane.shared = next.shared
    } while (lane.shared && lane.waiting[0]?.shared === true)
    if (started.length === 0) {
      this.#lanes.delete(key)
      return
    }
    lane.running = started.length
    for (const ticket of started) ticket.start()
  }

  /** The keys in use, for diagnostics. */
  get keys(): ReadonlyArray<KeyInUse> {
    return Array.from(this.#lanes, ([key, { running, shared, waiting }]) => ({
      key,
      shared,
      running,
      waiting: waiting.length
    }))
  }
}
