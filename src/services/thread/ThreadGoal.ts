/**
 * The goal of a thread: changes by clients, and what turns spend on it.
 *
 * These are functions of a goal. Does not own who works on it.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ThreadGoal, ThreadGoalStatus } from "../../protocol/v2/thread/Goal.ts"
import { ThreadRefusal } from "./ThreadError.ts"
import type { StoredGoal } from "./ThreadEvent.ts"

/** Maximum number of characters of an objective. */
export const MaxObjective = 4000

/** A change by a client. Null members keep their value. */
export interface GoalChange {
  readonly objective: string | null
  readonly status: ThreadGoalStatus | null
  readonly tokenBudget: number | null
}

const refuse = (problem: string) => Effect.fail(new ThreadRefusal({ problem }))

/** The goal as clients see it. */
export const toGoal = (threadId: string, goal: StoredGoal): ThreadGoal => ({ threadId, ...goal })

/** The goal after a change; `now` is in Unix seconds. */
export const changed = Effect.fnUntraced(function* (
  threadId: string,
  goal: StoredGoal | null,
  change: GoalChange,
  now: number
): Effect.fn.Return<StoredGoal, ThreadRefusal> {
  const objective = change.objective?.trim() ?? null
  if (objective === "") return yield* refuse("goal objective must not be empty")
  if (objective !== null && Array.from(objective).length > MaxObjective)
    return yield* refuse(`goal objective must be at most ${MaxObjective} characters`)
  if (change.tokenBudget !== null && change.tokenBudget <= 0)
    return yield* refuse("goal budgets must be positive when provided")
  if (goal === null) {
    if (objective === null) return yield* refuse(`cannot update goal for thread ${threadId}: no goal exists`)
    const spent = { tokensUsed: 0, timeUsedSeconds: 0, createdAt: now, updatedAt: now }
    return { objective, status: change.status ?? "active", tokenBudget: change.tokenBudget, ...spent }
  }
  return {
    ...goal,
    objective: objective ?? goal.objective,
    status: change.status ?? goal.status,
    tokenBudget: change.tokenBudget ?? goal.tokenBudget,
    updatedAt: now
  }
})
