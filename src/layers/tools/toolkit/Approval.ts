/**
 * The approval of calls to tools with `needsApproval`.
 *
 * Owns when a call is asked about, the question and the meaning of its answer. Only the answer `Approve` runs the tool. With
 * the policy `never` the user is not asked, and the call is refused.
 *
 * @module
 */
import type * as AiTool from "effect/ai/Tool"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ToolCall, ToolTurn } from "../../../services/tool/Tool.ts"

/** Maximum number of characters of the arguments that the question shows. */
const MaxShown = 1000

/** The id of the question. */
const Question = "approval"

/** The label of the answer that runs the tool. */
export const Approve = "Approve"

const options = [
  { label: Approve, description: "Run the tool with these arguments." },
  { label: "Deny", description: "Do not run the tool. The agent continues." }
]

/**
 * Whether the tool asks before it runs with these parameters. The user is not asked about parameters that do not decode: the call
 * fails with them.
 */
const isNeeded = (tool: AiTool.Any, params: unknown, toolCallId: string) => {
  const { needsApproval = false } = tool
  if (needsApproval === false) return Effect.succeed(false)
  const decode = Schema.decodeUnknownEffect(tool.parametersSchema as Schema.Codec<unknown, unknown>)
  return decode(params).pipe(
    Effect.matchEffect({
      onFailure: () => Effect.succeed(false),
      onSuccess: (decoded) =>
        Effect.suspend(() => {
          if (needsApproval === true) return Effect.succeed(true)
          const needed = needsApproval(decoded, { toolCallId, messages: [] })
          return Effect.isEffect(needed) ? needed : Effect.succeed(needed)
        })
    })
  )
}

const shown = (input: string): string =>
  input.length <= MaxShown ? input : `${input.slice(0, MaxShown)}… (${input.length} characters)`

/** Undefined when the call may run, else the reason for the model. */
export const refusalOf = Effect.fnUntraced(function* (
  tool: AiTool.Any,
  params: unknown,
  call: ToolCall,
  turn: ToolTurn
): Effect.fn.Return<string | undefined> {
  if (!(yield* isNeeded(tool, params, call.callId))) return undefined
  if (turn.approvalPolicy === "never") {
    return `${call.name} needs approval, and the approval policy is \`never\``
  }
  const question = {
    id: Question,
    header: "Approve tool call?",
    question: `Run ${call.name} with ${shown(call.input)}?`,
    isOther: false,
    isSecret: false,
    options
  }
  const request = { itemId: call.callId, questions: [question], isBlocking: true, autoResolutionMs: null }
  return yield* turn.ask("item/tool/requestUserInput", request).pipe(
    Effect.map(({ answers }) => {
      const given = answers[Question]?.answers ?? []
      return given.length === 1 && given[0] === Approve
        ? undefined
        : `the user did not approve the call of ${call.name}`
    }),
    Effect.catchTag("AskFailed", (error) => Effect.succeed(`the call was not approved: ${error.message}`))
  )
})
