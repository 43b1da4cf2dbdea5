/**
 * The goal of a thread: changes by clients and by the model, and what turns spend on it.
 *
 * ```
 *  active ──model──► complete, blocked, paused        active ──a turn fails──► blocked, usageLimited
 *  active ──tokens reach the budget──► budgetLimited   any ──client──► any, but not active beyond its budget
 * ```
 *
 * These are functions of a goal. Does not own who works on it (`turn/GoalRunner`), nor when tokens and time are counted
 * (`turn/GoalAccount`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ThreadGoal, ThreadGoalStatus } from "../../protocol/v2/thread/Goal.ts"
import type { TurnError } from "../../protocol/v2/turn/ErrorInfo.ts"
import { ThreadRefusal } from "./ThreadError.ts"
import type { StoredGoal, ThreadEvent } from "./ThreadEvent.ts"
import type { Notification } from "./ThreadJournal.ts"

/** Maximum number of characters of an objective. */
export const MaxObjective = 4000

/** A change by a client. Absent members and a null objective or status keep their value; a null budget removes the budget. */
export interface GoalChange {
  readonly objective: string | null
  readonly status: ThreadGoalStatus | null
  readonly tokenBudget: number | null | undefined
}

/** The states in which the model can leave a goal. */
export type GoalOutcome = "complete" | "blocked" | "paused"

const refuse = (problem: string) => Effect.fail(new ThreadRefusal({ problem }))

/** The goal as clients see it. */
export const toGoal = (threadId: string, goal: StoredGoal): ThreadGoal => ({
  threadId,
  objective: goal.objective,
  status: goal.status,
  tokenBudget: goal.tokenBudget,
  tokensUsed: goal.tokensUsed,
  timeUsedSeconds: goal.timeUsedSeconds,
  createdAt: goal.createdAt,
  updatedAt: goal.updatedAt
})

const withinBudget = (goal: StoredGoal): StoredGoal =>
  goal.status === "active" && goal.tokenBudget !== null && goal.tokensUsed >= goal.tokenBudget
    ? { ...goal, status: "budgetLimited" }
    : goal

const checked = Effect.fnUntraced(function* (objective: string | null, tokenBudget: number | null | undefined) {
  const trimmed = objective?.trim() ?? null
  if (trimmed === "") return yield* refuse("goal objective must not be empty")
  if (trimmed !== null && Array.from(trimmed).length > MaxObjective)
    return yield* refuse(`goal objective must be at most ${MaxObjective} characters`)
  if (tokenBudget != null && tokenBudget <= 0) return yield* refuse("goal budgets must be positive when provided")
  return trimmed
})

const fresh = (objective: string, tokenBudget: number | null, now: number): StoredGoal => ({
  objective,
  status: "active",
  tokenBudget,
  tokensUsed: 0,
  timeUsedSeconds: 0,
  createdAt: now,
  updatedAt: now
})

/** The goal after a change by a client; `now` is in Unix seconds. */
export const changed = Effect.fnUntraced(function* (
  threadId: string,
  goal: StoredGoal | null,
  change: GoalChange,
  now: number
): Effect.fn.Return<StoredGoal, ThreadRefusal> {
  const objective = yield* checked(change.objective, change.tokenBudget)
  if (goal === null) {
    if (objective === null) return yield* refuse(`cannot update goal for thread ${threadId}: no goal exists`)
    return { ...fresh(objective, change.tokenBudget ?? null, now), status: change.status ?? "active" }
  }
  return withinBudget({
    ...goal,
    objective: objective ?? goal.objective,
    status: change.status ?? goal.status,
    tokenBudget: change.tokenBudget === undefined ? goal.tokenBudget : change.tokenBudget,
    updatedAt: now
  })
})

/** A goal that the model creates. It replaces a complete one only. */
export const created = Effect.fnUntraced(function* (
  goal: StoredGoal | null,
  wish: { readonly objective: string; readonly tokenBudget: number | null; readonly rootTurnId: string },
  now: number
): Effect.fn.Return<StoredGoal, ThreadRefusal> {
  const objective = yield* checked(wish.objective, wish.tokenBudget)
  if (goal !== null && goal.status !== "complete")
    return yield* refuse(
      "cannot create a new goal because this thread has an unfinished goal; complete the existing goal first"
    )
  return { ...fresh(objective ?? "", wish.tokenBudget, now), rootTurnId: wish.rootTurnId }
})

/** The goal with the status that the model gives it. A goal without budget left is not paused. */
export const ended = (
  goal: StoredGoal | null,
  status: GoalOutcome,
  now: number
): Effect.Effect<StoredGoal, ThreadRefusal> => {
  if (goal === null) return refuse("cannot update goal because this thread has no goal")
  const isLimited = status === "paused" && goal.status === "budgetLimited"
  return Effect.succeed({ ...goal, status: isLimited ? goal.status : status, updatedAt: now })
}

/** The goal after a turn has failed: no further turn starts by itself. */
export const failed = (goal: StoredGoal, error: TurnError, now: number): StoredGoal => ({
  ...goal,
  status: error.codexErrorInfo === "usageLimitExceeded" ? "usageLimited" : "blocked",
  updatedAt: now
})

/** The goal after tokens and time were spent on it. */
export const spent = (goal: StoredGoal, tokens: number, timeSeconds: number, now: number): StoredGoal =>
  withinBudget({
    ...goal,
    tokensUsed: goal.tokensUsed + tokens,
    timeUsedSeconds: goal.timeUsedSeconds + timeSeconds,
    updatedAt: now
  })

/** The goal after more time. */
export const withTime = (goal: StoredGoal, timeSeconds: number): StoredGoal =>
  timeSeconds === 0 ? goal : { ...goal, timeUsedSeconds: goal.timeUsedSeconds + timeSeconds }

/** The tokens that are left; null without a budget. */
export const remaining = ({ tokenBudget, tokensUsed }: Pick<StoredGoal, "tokenBudget" | "tokensUsed">): number | null =>
  tokenBudget === null ? null : Math.max(0, tokenBudget - tokensUsed)

/** The event and the notification of a goal. `turnId` is null for a change by a client; `at` is in Unix milliseconds. */
export const recorded = (threadId: string, turnId: string | null, goal: StoredGoal, at: number) => ({
  event: { _tag: "GoalSet", at, goal } satisfies ThreadEvent,
  notification: {
    method: "thread/goal/updated",
    params: { threadId, turnId, goal: toGoal(threadId, goal) }
  } satisfies Notification
})
