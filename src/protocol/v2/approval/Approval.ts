/**
 * The approvals a turn waits for: a command, a file change, wider permissions. What the server asks and what the client
 * answers.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { CommandAction } from "../item/CommandAction.ts"
import { defaulted, nullable, optional, UnixMillis } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import {
  AdditionalPermissionProfile,
  GrantedPermissionProfile,
  NetworkApprovalContext,
  NetworkPolicyAmendment,
  PermissionGrantScope,
  RequestPermissionProfile
} from "./Permission.ts"

/** What asks: the model's command, a command the user typed, or input for a running terminal. */
export const CommandExecutionApprovalKind = lazy(() => Schema.Literals(["command", "humanCommand", "writeStdin"]))
export type CommandExecutionApprovalKind = Of<typeof CommandExecutionApprovalKind>

/** The leading words of the commands that a new rule lets through. */
export const ExecPolicyAmendment = lazy(() => Schema.Array(Schema.String))
export type ExecPolicyAmendment = Of<typeof ExecPolicyAmendment>

/**
 * What can be decided about a command. `decline` lets the turn go on, `cancel` interrupts it; the two amendments write a
 * rule, so that the question is not asked again.
 */
export const CommandExecutionApprovalDecision = lazy(() =>
  Schema.Union([
    Schema.Literals(["accept", "acceptForSession", "decline", "cancel"]),
    Schema.Struct({
      acceptWithExecpolicyAmendment: Schema.Struct({ execpolicy_amendment: ExecPolicyAmendment() })
    }),
    Schema.Struct({
      applyNetworkPolicyAmendment: Schema.Struct({ network_policy_amendment: NetworkPolicyAmendment() })
    })
  ])
)
export type CommandExecutionApprovalDecision = Of<typeof CommandExecutionApprovalDecision>

/**
 * May this command run? `approvalId` tells several questions of one item apart. `availableDecisions` is what to offer, in
 * order; others that the protocol knows are taken too.
 */
export const CommandExecutionRequestApprovalParams = lazy(() =>
  Schema.Struct({
    kind: CommandExecutionApprovalKind(),
    threadId: Schema.String,
    turnId: Schema.String,
    itemId: Schema.String,
    startedAtMs: UnixMillis,
    approvalId: optional(Schema.String),
    environmentId: nullable(Schema.String),
    reason: optional(Schema.String),
    networkApprovalContext: optional(NetworkApprovalContext()),
    command: optional(Schema.String),
    cwd: optional(Schema.String),
    commandActions: optional(Schema.Array(CommandAction())),
    additionalPermissions: optional(AdditionalPermissionProfile()),
    proposedExecpolicyAmendment: optional(ExecPolicyAmendment()),
    proposedNetworkPolicyAmendments: optional(Schema.Array(NetworkPolicyAmendment())),
    availableDecisions: optional(Schema.Array(CommandExecutionApprovalDecision()))
  })
)
export type CommandExecutionRequestApprovalParams = Of<typeof CommandExecutionRequestApprovalParams>

/** The user's answer about a command. */
export const CommandExecutionRequestApprovalResponse = lazy(() =>
  Schema.Struct({ decision: CommandExecutionApprovalDecision() })
)
export type CommandExecutionRequestApprovalResponse = Of<typeof CommandExecutionRequestApprovalResponse>

/** What can be decided about a file change; `acceptForSession` holds for the same files. */
export const FileChangeApprovalDecision = lazy(() =>
  Schema.Literals(["accept", "acceptForSession", "decline", "cancel"])
)
export type FileChangeApprovalDecision = Of<typeof FileChangeApprovalDecision>

/** May these changes be written? `grantRoot` is a folder that would become writable for the session. */
export const FileChangeRequestApprovalParams = lazy(() =>
  Schema.Struct({
    threadId: Schema.String,
    turnId: Schema.String,
    itemId: Schema.String,
    startedAtMs: UnixMillis,
    reason: optional(Schema.String),
    grantRoot: optional(Schema.String)
  })
)
export type FileChangeRequestApprovalParams = Of<typeof FileChangeRequestApprovalParams>

/** The user's answer about a file change. */
export const FileChangeRequestApprovalResponse = lazy(() => Schema.Struct({ decision: FileChangeApprovalDecision() }))
export type FileChangeRequestApprovalResponse = Of<typeof FileChangeRequestApprovalResponse>

/** May the commands to come do more than the sandbox lets them? */
export const PermissionsRequestApprovalParams = lazy(() =>
  Schema.Struct({
    threadId: Schema.String,
    turnId: Schema.String,
    itemId: Schema.String,
    environmentId: nullable(Schema.String),
    startedAtMs: UnixMillis,
    cwd: Schema.String,
    reason: nullable(Schema.String),
    permissions: RequestPermissionProfile()
  })
)
export type PermissionsRequestApprovalParams = Of<typeof PermissionsRequestApprovalParams>

/** What is granted, and how long. Only what was asked for counts. */
export const PermissionsRequestApprovalResponse = lazy(() =>
  Schema.Struct({
    permissions: GrantedPermissionProfile(),
    scope: defaulted(PermissionGrantScope(), "turn"),
    strictAutoReview: optional(Schema.Boolean)
  })
)
export type PermissionsRequestApprovalResponse = Of<typeof PermissionsRequestApprovalResponse>
