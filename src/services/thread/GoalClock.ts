/**
 * The time that a thread spends on its goal: whole seconds from when the goal became active, or the thread was loaded, also
 * while no turn runs.
 *
 * @module
 */
import type { StoredGoal } from "./ThreadEvent.ts"

/** The clock of a goal. */
export class GoalClock {
  /** Unix milliseconds up to which time is counted; undefined while no goal is active. */
  #from: number | undefined

  /** The whole seconds that were not counted yet. They count as counted from now on. */
  take(now: number): number {
    if (this.#from === undefined) return 0
    const elapsed = Math.max(0, Math.floor((now - this.#from) / 1000))
    this.#from = Math.min(now, this.#from + elapsed * 1000)
    return elapsed
  }

  /** Starts the clock with an active goal and stops it with any other. A running clock goes on. */
  follow(goal: StoredGoal | null, now: number): void {
    if (goal?.status !== "active") this.#from = undefined
    else this.#from ??= now
  }
}
