/**
 * What turns spend on the goal of their thread.
 *
 * Tokens are those of the model's answers while the goal is active, without cached input; those of the turn in which the budget
 * is reached are counted to its end. Nothing is counted in plan mode. Does not own the time (`GoalClock`).
 *
 * @module
 */
import type { ModelUsage } from "../../model/ModelProvider.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { StoredGoal } from "../ThreadEvent.ts"
import { spent } from "../ThreadGoal.ts"
import { seconds } from "../ThreadView.ts"
import type { ActiveTurn } from "./ActiveTurn.ts"

/** Whether turns work on the thread's goal: it is active, and the thread is not in plan mode. */
export const isPursued = ({ hasGoals, state }: ThreadContext): boolean =>
  hasGoals && state.goal?.status === "active" && state.settings.collaborationMode.mode !== "plan"

/** The tokens of an answer that count. */
const tokensOf = ({ cachedInputTokens, inputTokens, outputTokens }: ModelUsage): number =>
  Math.max(0, inputTokens - cachedInputTokens) + outputTokens

/** The goal after an answer of the model in the turn; undefined when the answer is not part of it. */
export const goalAfterAnswer = (
  context: ThreadContext,
  turn: ActiveTurn,
  usage: ModelUsage
): StoredGoal | undefined => {
  const { goal } = context.state
  if (isPursued(context)) turn.countsForGoal = true
  if (goal === null || !turn.countsForGoal) return undefined
  if (goal.status !== "active" && goal.status !== "budgetLimited") return undefined
  const now = context.now()
  return spent(goal, tokensOf(usage), context.goalClock.take(now), seconds(now))
}
