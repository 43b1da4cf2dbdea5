/**
 * `request_user_input`: the model's questions to the user, in plan mode. Has no item.
 *
 * An answer that is an error or malformed counts as no answer: the model reads an empty set of answers and goes on.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { optional } from "../../../protocol/Fields.ts"
import { lazy } from "../../../protocol/Lazy.ts"
import { ToolRequestUserInputOption } from "../../../protocol/v2/tool/Question.ts"
import { failure, text, type Tool } from "../../../services/tool/Tool.ts"
import { read } from "../Arguments.ts"

const Arguments = lazy(() =>
  Schema.Struct({
    questions: Schema.Array(
      Schema.Struct({
        id: Schema.String,
        header: Schema.String,
        question: Schema.String,
        isSecret: optional(Schema.Boolean),
        options: optional(Schema.Array(ToolRequestUserInputOption()))
      })
    )
  })
)

export const run: Tool["run"] = Effect.fnUntraced(function* (call, turn) {
  if (turn.mode !== "plan") return failure("request_user_input is unavailable in Default mode")
  const args = read(Arguments, call.input)
  if (Result.isFailure(args)) return failure(args.failure)
  const questions = args.success.questions.map(({ header, id, isSecret, options, question }) => ({
    id,
    header,
    question,
    isOther: true,
    isSecret: isSecret === true,
    options: options ?? []
  }))
  if (questions.some(({ options }) => options.length === 0)) {
    return failure("request_user_input requires non-empty options for every question")
  }
  const request = { itemId: call.callId, questions, isBlocking: true, autoResolutionMs: null }
  const asked = turn.ask("item/tool/requestUserInput", request)
  const { answers } = yield* Effect.catch(asked, () => Effect.succeed({ answers: {} }))
  return text(JSON.stringify({ answers }))
})
