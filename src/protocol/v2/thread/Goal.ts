/**
 * The goal of a thread: what it works towards by itself, and what that may cost.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { I64, nullable, UnixSeconds } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** Only an active goal starts turns. */
export const ThreadGoalStatus = lazy(() =>
  Schema.Literals(["active", "paused", "blocked", "usageLimited", "budgetLimited", "complete"])
)
export type ThreadGoalStatus = Of<typeof ThreadGoalStatus>

/** A goal with its budget in tokens and what has been used of it. */
export const ThreadGoal = lazy(() =>
  Schema.Struct({
    threadId: Schema.String,
    objective: Schema.String,
    status: ThreadGoalStatus(),
    tokenBudget: nullable(I64),
    tokensUsed: I64,
    timeUsedSeconds: I64,
    createdAt: UnixSeconds,
    updatedAt: UnixSeconds
  })
)
export type ThreadGoal = Of<typeof ThreadGoal>
