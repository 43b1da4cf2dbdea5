/**
 * Which requests wait for each other: first in, first out per key.
 *
 * ```
 *  idle ──enter──► running ──leave, none waits──► idle (the lane is forgotten)
 *                    │ ▲
 *              enter │ │ leave: the next exclusive one, or the run of shared ones at the head
 *                    ▼ │
 *                  waiting
 * ```
 *
 * Invariants: an exclusive job runs alone; adjacent shared jobs overlap; no shared job overtakes an exclusive one that came
 * before it; a lane exists only while something runs in it.
 *
 * @module
 */

/** One job's claim on a lane. `start` is called at most once, and `leave` must follow it. */
export interface Ticket {
  readonly key: string
  readonly shared: boolean
  readonly start: () => void
}

/** What runs and waits with one key. */
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
  readonly #scheduler = new Map<string, Lane>()
  /** Places given up and not yet passed on. */
  readonly #left: Array<string> = []
  #leaving = false

  /** Whether a claim would start at once. */
  isFree(key: string, shared: boolean): boolean {
    const lane = this.#scheduler.get(key)
    return lane === undefined || (shared && lane.shared && lane.waiting.length === 0)
  }

  /** Starts the claim, or queues it behind those of its key. */
  enter(claim: Ticket): void {
    const lane = this.#scheduler.get(claim.key)
    if (lane === undefined) {
      this.#scheduler.set(claim.key, { running: 1, shared: claim.shared, waiting: [] })
      claim.start()
    } else if (claim.shared && lane.shared && lane.waiting.length === 0) {
      lane.running++
      claim.start()
    } else {
      lane.waiting.push(claim)
    }
  }

  /** Gives up the place of a job that has run, and starts what may follow. */
  leave(key: string): void {
    this.#left.push(key)
    if (this.#leaving) return
    // What is started may end at once and leave in its turn: a loop, so that a long queue is no deep stack.
    this.#leaving = true
    for (let next = this.#left.shift(); next !== undefined; next = this.#left.shift()) this.#release(next)
    this.#leaving = false
  }

  #release(key: string): void {
    const lane = this.#scheduler.get(key)
    if (lane === undefined || --lane.running > 0) return
    const started: Array<Ticket> = []
    do {
      const next = lane.waiting.shift()
      if (next === undefined) break
      started.push(next)
      lane.shared = next.shared
    } while (lane.shared && lane.waiting[0]?.shared === true)
    if (started.length === 0) {
      this.#scheduler.delete(key)
      return
    }
    lane.running = started.length
    for (const claim of started) claim.start()
  }

  /** The keys in use, for people who look. */
  get keys(): ReadonlyArray<KeyInUse> {
    return Array.from(this.#scheduler, ([key, { running, shared, waiting }]) => ({
      key,
      shared,
      running,
      waiting: waiting.length
    }))
  }
}
