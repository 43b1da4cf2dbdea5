/**
 * Asking the user whether a command may run, in the order clients rely on:
 *
 * ```
 *  status waitingOnApproval ─► item/started ─► request ─► (answer) ─► serverRequest/resolved ─► status without the flag
 * ```
 *
 * When the command is not to run, its item is completed before the status changes; `ThreadJournal.itemCompleted` sees to that.
 *
 * An answer that is an error, or not in the protocol, is no denial: the asker fails and tells the model so. When the turn
 * ends first, `TurnRunner` cancels the request and tells clients after the turn's own end.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as ErrorCode from "../../../protocol/jsonrpc/ErrorCode.ts"
import type { ThreadItem } from "../../../protocol/v2/item/Item.ts"
import { lazy } from "../../../protocol/Lazy.ts"
import {
  type CommandExecutionApprovalDecision,
  CommandExecutionRequestApprovalResponse
} from "../../../protocol/v2/approval/Approval.ts"
import type { RequestError } from "../../routing/RequestError.ts"
import { ApprovalFailed, type CommandApproval } from "../../tool/Tool.ts"
import type { ThreadContext } from "../ThreadContext.ts"

const decodeResponse = lazy(() => Schema.decodeUnknownOption(CommandExecutionRequestApprovalResponse()))

const isTurnTransition = (error: RequestError): boolean =>
  typeof error.data === "object" &&
  error.data !== null &&
  "reason" in error.data &&
  error.data["reason"] === "turnTransition"

const failure = (cause: Cause.Cause<RequestError>): ApprovalFailed => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (error !== undefined && isTurnTransition(error)) return new ApprovalFailed({ reason: "turnTransition" })
  return new ApprovalFailed({ reason: error?.code === ErrorCode.Overloaded ? "overloaded" : "error" })
}

/** Asks about `item` and waits for the answer, for as long as it takes. */
export const approveCommand = Effect.fnUntraced(function* (
  host: ThreadContext,
  turnId: string,
  item: ThreadItem,
  approval: CommandApproval
): Effect.fn.Return<CommandExecutionApprovalDecision, ApprovalFailed> {
  const startedAtMs = host.now()
  host.facts.pendingApprovals++
  yield* host.statusChanged
  yield* host.itemStarted(turnId, { ...item, startedAtMs })
  const asked = yield* host.services.serverRequests.ask(host.id, "item/commandExecution/requestApproval", {
    ...approval,
    kind: "command",
    threadId: host.id,
    turnId,
    itemId: item.id,
    startedAtMs
  })
  const answer = yield* Effect.exit(asked.answer)
  yield* host.notify("serverRequest/resolved", { threadId: host.id, requestId: asked.id })
  host.facts.pendingApprovals--
  if (Exit.isFailure(answer)) return yield* failure(answer.cause)
  const response = decodeResponse()(answer.value)
  if (Option.isNone(response)) return yield* new ApprovalFailed({ reason: "malformed" })
  const { decision } = response.value
  if (decision !== "decline" && decision !== "cancel") yield* host.statusChanged
  return decision
})
