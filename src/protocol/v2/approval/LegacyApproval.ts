/**
 * The two approval requests of protocol version 1. The release still declares them; threads of version 2 use the requests in
 * `Approval.ts`.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { ExecPolicyAmendment } from "./Approval.ts"
import { nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { NetworkPolicyAmendment } from "./Permission.ts"

/** The user's decision. `abort` also ends the turn; `denied` reports the reason to the model. */
export const ReviewDecision = lazy(() =>
  Schema.Union([
    Schema.Literals(["approved", "approved_for_session", "approved_mcp_policy_amendment", "timed_out", "abort"]),
    Schema.Struct({
      approved_execpolicy_amendment: Schema.Struct({ proposed_execpolicy_amendment: ExecPolicyAmendment() })
    }),
    Schema.Struct({
      network_policy_amendment: Schema.Struct({ network_policy_amendment: NetworkPolicyAmendment() })
    }),
    Schema.Struct({ denied: Schema.Struct({ rejection: Schema.String }) })
  ])
)
export type ReviewDecision = Of<typeof ReviewDecision>

/** One file of a patch. `unified_diff` and `move_path` are spelled as in version 1. */
export const FileChange = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("add"), content: Schema.String }),
    Schema.Struct({ type: Schema.Literal("delete"), content: Schema.String }),
    Schema.Struct({
      type: Schema.Literal("update"),
      unified_diff: Schema.String,
      move_path: nullable(Schema.String)
    })
  ])
)
export type FileChange = Of<typeof FileChange>

/** A parsed command, like `CommandAction`, in the spelling of version 1. */
export const ParsedCommand = lazy(() =>
  Schema.Union([
    Schema.Struct({
      type: Schema.Literal("read"),
      cmd: Schema.String,
      name: Schema.String,
      path: Schema.String
    }),
    Schema.Struct({ type: Schema.Literal("list_files"), cmd: Schema.String, path: nullable(Schema.String) }),
    Schema.Struct({
      type: Schema.Literal("search"),
      cmd: Schema.String,
      query: nullable(Schema.String),
      path: nullable(Schema.String)
    }),
    Schema.Struct({ type: Schema.Literal("unknown"), cmd: Schema.String })
  ])
)
export type ParsedCommand = Of<typeof ParsedCommand>

/** Asks whether a patch may be applied. `conversationId` is the thread; the keys of `fileChanges` are paths. */
export const ApplyPatchApprovalParams = lazy(() =>
  Schema.Struct({
    conversationId: Schema.String,
    callId: Schema.String,
    fileChanges: Schema.Record(Schema.String, FileChange()),
    reason: nullable(Schema.String),
    grantRoot: nullable(Schema.String)
  })
)
export type ApplyPatchApprovalParams = Of<typeof ApplyPatchApprovalParams>

/** The decision about a patch. */
export const ApplyPatchApprovalResponse = lazy(() => Schema.Struct({ decision: ReviewDecision() }))
export type ApplyPatchApprovalResponse = Of<typeof ApplyPatchApprovalResponse>

/** Asks whether a command may run. */
export const ExecCommandApprovalParams = lazy(() =>
  Schema.Struct({
    conversationId: Schema.String,
    callId: Schema.String,
    approvalId: nullable(Schema.String),
    command: Schema.Array(Schema.String),
    cwd: Schema.String,
    reason: nullable(Schema.String),
    parsedCmd: Schema.Array(ParsedCommand())
  })
)
export type ExecCommandApprovalParams = Of<typeof ExecCommandApprovalParams>

/** The decision about a command. */
export const ExecCommandApprovalResponse = lazy(() => Schema.Struct({ decision: ReviewDecision() }))
export type ExecCommandApprovalResponse = Of<typeof ExecCommandApprovalResponse>
