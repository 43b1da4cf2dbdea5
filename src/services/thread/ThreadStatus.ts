/**
 * The status of a loaded thread, derived from its activity.
 *
 * ```
 *            turn starts, or a request opens
 *   idle ───────────────────────────────────────► active{flags}
 *    ▲ ▲                                              │ │
 *    │ └──────────── turn ends, none open ────────────┘ │
 *    │ next turn starts                turn failed      ▼
 *    └──────────────────────────────────────────── systemError
 * ```
 *
 * @module
 */
import type { ThreadActiveFlag, ThreadStatus } from "../../protocol/v2/thread/Thread.ts"

/** The facts that determine a status. */
export interface Facts {
  running: boolean
  pendingApprovals: number
  pendingQuestions: number
  /** Whether the last turn failed. Visible only while the thread is not active. */
  systemError: boolean
}

export const noFacts = (): Facts => ({ running: false, pendingApprovals: 0, pendingQuestions: 0, systemError: false })

/** An open request makes a thread active even when no turn runs. */
export const statusOf = (facts: Facts): ThreadStatus => {
  const activeFlags: Array<ThreadActiveFlag> = []
  if (facts.pendingApprovals > 0) activeFlags.push("waitingOnApproval")
  if (facts.pendingQuestions > 0) activeFlags.push("waitingOnUserInput")
  if (facts.running || activeFlags.length > 0) return { type: "active", activeFlags }
  return facts.systemError ? { type: "systemError" } : { type: "idle" }
}

/** Whether clients see the same status. */
export const sameStatus = (a: ThreadStatus, b: ThreadStatus): boolean =>
  a.type === b.type && (a.type !== "active" || b.type !== "active" || a.activeFlags.join() === b.activeFlags.join())
