/**
 * The two approval requests of the first protocol version. The release still declares them; threads of the second version
 * ask with the requests in `Approval.ts`.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { ExecPolicyAmendment } from "./Approval.ts"
import { nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { NetworkPolicyAmendment } from "./Permission.ts"

/** What the user decides. `abort` also ends the turn; `denied` tells the model why. */
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

/** One file of a patch. `unified_diff` and `move_path` are spelt as in the first version. */
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

/** A command as `CommandAction` tells it, in the spelling of the first version. */
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

/** May this patch be applied? `conversationId` is the thread; the keys of `fileChanges` are paths. */
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

/** The answer about a patch. */
export const ApplyPatchApprovalResponse = lazy(() => Schema.Struct({ decision: ReviewDecision() }))
export type ApplyPatchApprovalResponse = Of<typeof ApplyPatchApprovalResponse>

/** May this command run? */
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

/** The answer about a command. */
export const ExecCommandApprovalResponse = lazy(() => Schema.Struct({ decision: ReviewDecision() }))
export type ExecCommandApprovalResponse = Of<typeof ExecCommandApprovalResponse>
