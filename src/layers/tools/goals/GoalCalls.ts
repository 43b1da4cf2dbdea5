/**
 * The work of the goal tools: their arguments and their results.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { I64, optional } from "../../../protocol/Fields.ts"
import { lazy } from "../../../protocol/Lazy.ts"
import type { ThreadGoal } from "../../../protocol/v2/thread/Goal.ts"
import { failure, type GoalRefused, text, type Tool, type ToolOutput } from "../../../services/tool/Tool.ts"
import { read } from "../Arguments.ts"

const CreateArguments = lazy(() => Schema.Struct({ objective: Schema.String, token_budget: optional(I64) }))

const UpdateArguments = lazy(() => Schema.Struct({ status: Schema.String }))

const outcomes = ["complete", "blocked", "paused"] as const

const otherStatus =
  "update_goal can only mark the existing goal complete, blocked, or paused at the user's explicit request; resume, " +
  "budget-limited, and usage-limited status changes are controlled by the user or system"

const report =
  "The goal is complete. Tell the user how many tokens of the budget were used (tokensUsed of tokenBudget), and how long it took (timeUsedSeconds)."

const shown = (goal: ThreadGoal | null, isCompleted: boolean): ToolOutput => {
  if (goal === null) return text(JSON.stringify({ goal, remainingTokens: null, completionBudgetReport: null }))
  const { tokenBudget, ...rest } = goal
  const { objective, status, threadId, ...usage } = rest
  const remainingTokens = tokenBudget === null ? null : Math.max(0, tokenBudget - goal.tokensUsed)
  return text(
    JSON.stringify({
      goal: { threadId, objective, status, ...(tokenBudget === null ? {} : { tokenBudget }), ...usage },
      remainingTokens,
      completionBudgetReport: isCompleted && tokenBudget !== null ? report : null
    })
  )
}

const answered = (
  work: Effect.Effect<ThreadGoal | null, GoalRefused>,
  isCompleted = false
): Effect.Effect<ToolOutput> =>
  Effect.match(work, {
    onFailure: ({ message }) => failure(message),
    onSuccess: (goal) => shown(goal, isCompleted)
  })

export const getGoal: Tool["run"] = (_call, turn) => answered(turn.goal.get)

export const createGoal: Tool["run"] = ({ input }, turn) =>
  Result.match(read(CreateArguments, input), {
    onFailure: (problem) => Effect.succeed(failure(problem)),
    onSuccess: ({ objective, token_budget }) => answered(turn.goal.create(objective, token_budget ?? null))
  })

export const updateGoal: Tool["run"] = ({ input }, turn) =>
  Result.match(read(UpdateArguments, input), {
    onFailure: (problem) => Effect.succeed(failure(problem)),
    onSuccess: ({ status }) => {
      const outcome = outcomes.find((one) => one === status)
      return outcome === undefined
        ? Effect.succeed(failure(otherStatus))
        : answered(turn.goal.end(outcome), outcome === "complete")
    }
  })
