/**
 * `update_plan`: the model's task list for the user. Publishes `turn/plan/updated`; nothing is stored.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { optional } from "../../../protocol/Fields.ts"
import { lazy } from "../../../protocol/Lazy.ts"
import { failure, text, type Tool } from "../../../services/tool/Tool.ts"
import { read } from "../Arguments.ts"

const statuses = { pending: "pending", in_progress: "inProgress", completed: "completed" } as const

const Arguments = lazy(() =>
  Schema.Struct({
    explanation: optional(Schema.String),
    plan: Schema.Array(
      Schema.Struct({ step: Schema.String, status: Schema.Literals(["pending", "in_progress", "completed"]) })
    )
  })
)

export const run: Tool["run"] = Effect.fnUntraced(function* (call, turn) {
  if (turn.mode === "plan") return failure("update_plan is a TODO/checklist tool and is not allowed in Plan mode")
  const args = read(Arguments, call.input)
  if (Result.isFailure(args)) return failure(args.failure)
  const { explanation = null, plan } = args.success
  yield* turn.notify("turn/plan/updated", {
    threadId: turn.threadId,
    turnId: turn.turnId,
    explanation,
    plan: plan.map(({ status, step }) => ({ step, status: statuses[status] }))
  })
  return text("Plan updated")
})
