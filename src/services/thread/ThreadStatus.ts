/**
 * How a loaded thread is doing, from what is going on in it.
 *
 * ```
 *            turn starts, or something is asked
 *   idle ───────────────────────────────────────► active{flags}
 *    ▲ ▲                                              │ │
 *    │ └──────────── turn ends, nothing asked ────────┘ │
 *    │ next turn starts                turn failed      ▼
 *    └──────────────────────────────────────────── systemError
 * ```
 *
 * @module
 */
import type { ThreadActiveFlag, ThreadStatus } from "../../protocol/v2/thread/Thread.ts"

/** The facts a status is made of. */
export interface Facts {
  running: boolean
  pendingApprovals: number
  pendingQuestions: number
  /** Of the last turn; shows only while nothing is active. */
  systemError: boolean
}

export const noFacts = (): Facts => ({ running: false, pendingApprovals: 0, pendingQuestions: 0, systemError: false })

/** Something asked makes a thread active even when no turn runs. */
export const statusOf = (facts: Facts): ThreadStatus => {
  const activeFlags: Array<ThreadActiveFlag> = []
  if (facts.pendingApprovals > 0) activeFlags.push("waitingOnApproval")
  if (facts.pendingQuestions > 0) activeFlags.push("waitingOnUserInput")
  if (facts.running || activeFlags.length > 0) return { type: "active", activeFlags }
  return facts.systemError ? { type: "systemError" } : { type: "idle" }
}

/** Whether clients would see a difference. */
export const sameStatus = (a: ThreadStatus, b: ThreadStatus): boolean =>
  a.type === b.type && (a.type !== "active" || b.type !== "active" || a.activeFlags.join() === b.activeFlags.join())
