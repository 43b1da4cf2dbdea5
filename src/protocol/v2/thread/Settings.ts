/**
 * The settings that a client may set for a thread or a turn, and the settings that a thread reports.
 *
 * Shapes that are both sent and received fill in omitted members, so that handlers see one form of each value.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { ThreadEnvironment } from "./Environment.ts"
import { AbsolutePath, defaulted, nullable, orNull } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** Which kinds of approval request reach the user under the granular policy. Experimental. */
export const GranularApproval = lazy(() =>
  Schema.Struct({
    sandbox_approval: Schema.Boolean,
    rules: Schema.Boolean,
    skill_approval: defaulted(Schema.Boolean, false),
    request_permissions: defaulted(Schema.Boolean, false),
    mcp_elicitations: Schema.Boolean
  }).annotate({ identifier: "AskForApproval::Granular" })
)
export type GranularApproval = Of<typeof GranularApproval>

/** When the user is asked for approval of a command. */
export const AskForApproval = lazy(() =>
  Schema.Union([
    Schema.Literals(["untrusted", "on-request", "never"]),
    Schema.Struct({ granular: GranularApproval() })
  ]).annotate({ identifier: "AskForApproval", variants: ["untrusted", "on-request", "granular", "never"] })
)
export type AskForApproval = Of<typeof AskForApproval>

/** The variant of `approvalPolicy` that needs the experimental capability. */
export const granularField = {
  field: "approvalPolicy",
  variant: "granular",
  descriptor: "askForApproval.granular"
} as const

/** Who answers approval requests. `guardian_subagent` is the former name of `auto_review`. */
export const ApprovalsReviewer = lazy(() => Schema.Literals(["user", "auto_review", "guardian_subagent"]))
export type ApprovalsReviewer = Of<typeof ApprovalsReviewer>

/** The sandbox by its short name, as in config and thread/start. */
export const SandboxMode = lazy(() => Schema.Literals(["read-only", "workspace-write", "danger-full-access"]))
export type SandboxMode = Of<typeof SandboxMode>

/** Whether an external sandbox gives commands network access. */
export const NetworkAccess = lazy(() => Schema.Literals(["restricted", "enabled"]))
export type NetworkAccess = Of<typeof NetworkAccess>

/** The complete sandbox policy, as in turns and results. Writable roots are absolute. */
export const SandboxPolicy = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("dangerFullAccess") }),
    Schema.Struct({ type: Schema.Literal("readOnly"), networkAccess: defaulted(Schema.Boolean, false) }),
    Schema.Struct({
      type: Schema.Literal("externalSandbox"),
      networkAccess: defaulted(NetworkAccess(), "restricted")
    }),
    Schema.Struct({
      type: Schema.Literal("workspaceWrite"),
      writableRoots: defaulted(Schema.Array(AbsolutePath), []),
      networkAccess: defaulted(Schema.Boolean, false),
      excludeTmpdirEnvVar: defaulted(Schema.Boolean, false),
      excludeSlashTmp: defaulted(Schema.Boolean, false)
    })
  ]).annotate({ identifier: "SandboxPolicyDeserialize" })
)
export type SandboxPolicy = Of<typeof SandboxPolicy>

/** The active permission profile, and the profile that it extends. */
export const ActivePermissionProfile = lazy(() =>
  Schema.Struct({ id: Schema.String, extends: nullable(Schema.String) })
)
export type ActivePermissionProfile = Of<typeof ActivePermissionProfile>

/** Open, because models define their own levels. Common ones are `minimal`, `low`, `medium`, `high` and `xhigh`. */
export const ReasoningEffort = lazy(() =>
  Schema.String.check(Schema.isNonEmpty({ expected: "a string", message: "reasoning_effort must not be empty" }))
)
export type ReasoningEffort = Of<typeof ReasoningEffort>

/** How detailed the summary of a model's reasoning is. */
export const ReasoningSummary = lazy(() => Schema.Literals(["auto", "concise", "detailed", "none"]))
export type ReasoningSummary = Of<typeof ReasoningSummary>

/** Accepted and reported, but without effect. */
export const Personality = lazy(() => Schema.Literals(["none", "friendly", "pragmatic"]))
export type Personality = Of<typeof Personality>

/** Plan mode asks questions and proposes a plan; default mode acts. */
export const ModeKind = lazy(() => Schema.Literals(["plan", "default"]))
export type ModeKind = Of<typeof ModeKind>

/** A mode with its model settings. */
export const CollaborationMode = lazy(() =>
  Schema.Struct({
    mode: ModeKind(),
    settings: Schema.Struct({
      model: Schema.String,
      reasoning_effort: orNull(ReasoningEffort()),
      developer_instructions: orNull(Schema.String)
    }).annotate({ identifier: "Settings" })
  }).annotate({ identifier: "CollaborationMode" })
)
export type CollaborationMode = Of<typeof CollaborationMode>

/** When a thread may start sub-agents. Deprecated in the release, which always reports `explicitRequestOnly`. */
export const MultiAgentMode = lazy(() =>
  Schema.Union([
    Schema.Literals(["explicitRequestOnly", "proactive"]),
    Schema.Struct({ custom: Schema.String })
  ]).annotate({ identifier: "MultiAgentMode", variants: ["none", "custom", "explicitRequestOnly", "proactive"] })
)
export type MultiAgentMode = Of<typeof MultiAgentMode>

/** The access program of requests to the model. */
export const CyberAccessProgram = lazy(() => Schema.Literals(["standard", "daybreakBlue", "daybreakRed"]))
export type CyberAccessProgram = Of<typeof CyberAccessProgram>

/** The settings of later turns, as in `thread/settings/updated`. */
export const ThreadSettings = lazy(() =>
  Schema.Struct({
    disabledPluginIds: Schema.Array(Schema.String),
    cwd: Schema.String,
    environments: nullable(Schema.Array(ThreadEnvironment())),
    approvalPolicy: AskForApproval(),
    approvalsReviewer: ApprovalsReviewer(),
    sandboxPolicy: SandboxPolicy(),
    activePermissionProfile: nullable(ActivePermissionProfile()),
    model: Schema.String,
    modelProvider: Schema.String,
    serviceTier: nullable(Schema.String),
    effort: nullable(ReasoningEffort()),
    summary: nullable(ReasoningSummary()),
    collaborationMode: CollaborationMode(),
    multiAgentMode: MultiAgentMode(),
    personality: nullable(Personality())
  })
)
export type ThreadSettings = Of<typeof ThreadSettings>
