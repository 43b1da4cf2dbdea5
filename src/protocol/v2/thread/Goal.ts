/**
 * The goal that a thread works towards on its own, and its budget.
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

/** A goal with its token budget and usage. */
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
