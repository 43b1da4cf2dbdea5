/**
 * Automatic review of approvals by a reviewer in place of the user: what it reviewed and its result.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { AbsolutePath, nullable, U16 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { NetworkApprovalProtocol, RequestPermissionProfile } from "./Permission.ts"

/** The state of a review. */
export const GuardianApprovalReviewStatus = lazy(() =>
  Schema.Literals(["inProgress", "approved", "denied", "timedOut", "aborted"])
)
export type GuardianApprovalReviewStatus = Of<typeof GuardianApprovalReviewStatus>

/** The risk level that the reviewer assigns to the action. */
export const GuardianRiskLevel = lazy(() => Schema.Literals(["low", "medium", "high", "critical"]))
export type GuardianRiskLevel = Of<typeof GuardianRiskLevel>

/** How clearly the user authorized the action. */
export const GuardianUserAuthorization = lazy(() => Schema.Literals(["unknown", "low", "medium", "high"]))
export type GuardianUserAuthorization = Of<typeof GuardianUserAuthorization>

/** The review so far; all members but the status are null until there is a result. */
export const GuardianApprovalReview = lazy(() =>
  Schema.Struct({
    status: GuardianApprovalReviewStatus(),
    riskLevel: nullable(GuardianRiskLevel()),
    userAuthorization: nullable(GuardianUserAuthorization()),
    rationale: nullable(Schema.String)
  })
)
export type GuardianApprovalReview = Of<typeof GuardianApprovalReview>

/** Who made the decision. */
export const AutoReviewDecisionSource = lazy(() => Schema.Literal("agent"))
export type AutoReviewDecisionSource = Of<typeof AutoReviewDecisionSource>

/** The tool that ran the command. */
export const GuardianCommandSource = lazy(() => Schema.Literals(["shell", "unifiedExec"]))
export type GuardianCommandSource = Of<typeof GuardianCommandSource>

/** The action under review. */
export const GuardianApprovalReviewAction = lazy(() =>
  Schema.Union([
    Schema.Struct({
      type: Schema.Literal("command"),
      source: GuardianCommandSource(),
      command: Schema.String,
      cwd: Schema.String
    }),
    Schema.Struct({
      type: Schema.Literal("execve"),
      source: GuardianCommandSource(),
      program: Schema.String,
      argv: Schema.Array(Schema.String),
      cwd: AbsolutePath
    }),
    Schema.Struct({
      type: Schema.Literal("writeStdin"),
      approvalId: Schema.String,
      processId: Schema.String,
      stdin: Schema.String,
      cwd: Schema.String
    }),
    Schema.Struct({
      type: Schema.Literal("applyPatch"),
      cwd: Schema.String,
      files: Schema.Array(Schema.String)
    }),
    Schema.Struct({
      type: Schema.Literal("networkAccess"),
      target: Schema.String,
      host: Schema.String,
      protocol: NetworkApprovalProtocol(),
      port: U16
    }),
    Schema.Struct({
      type: Schema.Literal("mcpToolCall"),
      server: Schema.String,
      toolName: Schema.String,
      connectorId: nullable(Schema.String),
      connectorName: nullable(Schema.String),
      toolTitle: nullable(Schema.String)
    }),
    Schema.Struct({
      type: Schema.Literal("requestPermissions"),
      reason: nullable(Schema.String),
      permissions: RequestPermissionProfile()
    })
  ])
)
export type GuardianApprovalReviewAction = Of<typeof GuardianApprovalReviewAction>
