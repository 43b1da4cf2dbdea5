/**
 * The approval requests that a turn waits for (a command, a file change, wider permissions) and the client's responses.
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

/** What needs the approval: the model's command, a command typed by the user, or input for a running terminal. */
export const CommandExecutionApprovalKind = lazy(() => Schema.Literals(["command", "humanCommand", "writeStdin"]))
export type CommandExecutionApprovalKind = Of<typeof CommandExecutionApprovalKind>

/** The prefix of the commands that a new rule allows. */
export const ExecPolicyAmendment = lazy(() => Schema.Array(Schema.String))
export type ExecPolicyAmendment = Of<typeof ExecPolicyAmendment>

/**
 * The possible decisions about a command. After `decline` the turn continues; `cancel` interrupts it. The two amendments
 * write a rule, so that the question is not asked again.
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
 * Asks whether a command may run. `approvalId` distinguishes several requests for one item. `availableDecisions` lists the
 * decisions to offer, in order; other decisions of the protocol are accepted too.
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

/** The user's decision about a command. */
export const CommandExecutionRequestApprovalResponse = lazy(() =>
  Schema.Struct({ decision: CommandExecutionApprovalDecision() })
)
export type CommandExecutionRequestApprovalResponse = Of<typeof CommandExecutionRequestApprovalResponse>

/** The possible decisions about a file change; `acceptForSession` applies to later changes of the same files. */
export const FileChangeApprovalDecision = lazy(() =>
  Schema.Literals(["accept", "acceptForSession", "decline", "cancel"])
)
export type FileChangeApprovalDecision = Of<typeof FileChangeApprovalDecision>

/** Asks whether these changes may be written. `grantRoot` is a folder that would become writable for the session. */
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

/** The user's decision about a file change. */
export const FileChangeRequestApprovalResponse = lazy(() => Schema.Struct({ decision: FileChangeApprovalDecision() }))
export type FileChangeRequestApprovalResponse = Of<typeof FileChangeRequestApprovalResponse>

/** Asks for permissions beyond the sandbox for later commands. */
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

/** The granted permissions and their duration. Permissions that were not requested are ignored. */
export const PermissionsRequestApprovalResponse = lazy(() =>
  Schema.Struct({
    permissions: GrantedPermissionProfile(),
    scope: defaulted(PermissionGrantScope(), "turn"),
    strictAutoReview: optional(Schema.Boolean)
  })
)
export type PermissionsRequestApprovalResponse = Of<typeof PermissionsRequestApprovalResponse>
