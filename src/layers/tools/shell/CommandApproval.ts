/**
 * The approval request of a command, and the report of one that could not be started.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { type AskParams, failure, type ToolOutput, type ToolTurn } from "../../../services/tool/Tool.ts"
import { type CommandSummary, itemOf } from "./CommandSession.ts"
import type { StartError } from "./CommandSessions.ts"
import type * as ExecPolicy from "./ExecPolicy.ts"
import { rejected } from "./RejectedText.ts"

export const method = "item/commandExecution/requestApproval"

export const paramsOf = (
  shown: CommandSummary,
  decision: Extract<ExecPolicy.Decision, { type: "ask" }>
): AskParams<typeof method> => {
  const { reason, amendment } = decision
  return {
    kind: "command",
    itemId: shown.itemId,
    environmentId: "local",
    ...(reason === null ? {} : { reason }),
    command: shown.command,
    cwd: shown.cwd,
    commandActions: shown.actions,
    ...(amendment === null ? {} : { proposedExecpolicyAmendment: amendment }),
    availableDecisions: [
      "accept",
      ...(amendment === null ? [] : [{ acceptWithExecpolicyAmendment: { execpolicy_amendment: amendment } }]),
      "cancel"
    ]
  }
}

/** Publishes that a command could not be started. */
export const notStarted = (
  shown: CommandSummary,
  error: StartError,
  turn: ToolTurn,
  announced: boolean
): Effect.Effect<ToolOutput> =>
  Effect.gen(function* () {
    const item = itemOf(shown)
    if (!announced) yield* turn.itemStarted(item)
    yield* turn.itemCompleted({
      ...item,
      status: "failed",
      aggregatedOutput: error.message,
      exitCode: -1,
      durationMs: 0
    })
    return failure(rejected(error.message))
  })
