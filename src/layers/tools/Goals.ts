/**
 * The tools with which a model reads and changes the goal of its thread: `get_goal`, `create_goal` and `update_goal`.
 *
 * Names, parameters and results are those of the release. The work of the calls is loaded with the first one.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { Tool, ToolSpec } from "../../services/tool/Tool.ts"
import type * as Calls from "./goals/GoalCalls.ts"

const spec = (
  name: string,
  description: string,
  properties: Readonly<Record<string, unknown>>,
  required: ReadonlyArray<string>
): ToolSpec => ({
  type: "function",
  name,
  description,
  strict: false,
  parameters: { type: "object", properties, required, additionalProperties: false }
})

const specs = {
  get: spec(
    "get_goal",
    "Returns the goal of this thread with its status, the tokens and the time that were used, and the tokens that are left.",
    {},
    []
  ),
  create: spec(
    "create_goal",
    "Starts a goal: turns follow one another until it is complete. Use it only when the user, or an instruction for you, " +
      "asks for a goal. It fails while the thread has a goal that is not complete.",
    {
      objective: { type: "string", description: "What is to be achieved, so that it can be verified." },
      token_budget: { type: "integer", description: "The most tokens to use. Give it only when a budget is asked for." }
    },
    ["objective"]
  ),
  update: spec(
    "update_goal",
    "Ends the work on the goal. complete: every part of the objective is done and verified. blocked: the same obstacle has " +
      "stopped the work in three turns in a row, and only the user can remove it. paused: the user has asked for a pause. " +
      "Only the user resumes a goal. Report the used tokens when a goal with a budget is complete.",
    {
      status: {
        type: "string",
        enum: ["complete", "blocked", "paused"],
        description: "The status of the goal from now on."
      }
    },
    ["status"]
  )
}

const toolOf = (spec: ToolSpec, run: (calls: typeof Calls) => Tool["run"]): Tool => ({
  spec,
  features: ["goals"],
  // A call is shown by the changed goal, not by an item.
  publishesItems: true,
  run: (call, turn) =>
    Effect.flatMap(
      Effect.promise(() => import("./goals/GoalCalls.ts")),
      (calls) => run(calls)(call, turn)
    )
})

/** The tools. The feature `goals` turns them off. */
export const tools: ReadonlyArray<Tool> = [
  toolOf(specs.get, ({ getGoal }) => getGoal),
  toolOf(specs.create, ({ createGoal }) => createGoal),
  toolOf(specs.update, ({ updateGoal }) => updateGoal)
]
