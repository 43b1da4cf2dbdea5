/**
 * Parameters and results of the requests about turns.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { FunctionCallOutputBody } from "../item/Content.ts"
import { TurnEnvironmentParams } from "../thread/Environment.ts"
import { absent, AbsolutePath, Empty, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import {
  ApprovalsReviewer,
  AskForApproval,
  CollaborationMode,
  CyberAccessProgram,
  granularField,
  MultiAgentMode,
  Personality,
  ReasoningEffort,
  ReasoningSummary,
  SandboxPolicy
} from "../thread/Settings.ts"
import { Turn } from "./Turn.ts"
import { AdditionalContextEntry, UserInput } from "./UserInput.ts"

/**
 * What comes with a user's words. Metadata goes to the model server with the turn; `responsesapiClientMetadata` replaces the
 * client's entries, the patch is merged into them afterwards.
 */
const message = () => ({
  threadId: Schema.String,
  input: Schema.Array(UserInput()),
  clientUserMessageId: optional(Schema.String),
  responsesapiClientMetadata: optional(Schema.Record(Schema.String, Schema.String)),
  responsesapiClientMetadataPatch: optional(Schema.Record(Schema.String, Schema.String)),
  additionalContext: optional(Schema.Record(Schema.String, AdditionalContextEntry()))
})

/** The output of a tool that a client ran on its own, for the model to see. */
export const TurnToolOutput = lazy(() =>
  Schema.Struct({
    name: Schema.String,
    namespace: optional(Schema.String),
    output: FunctionCallOutputBody(),
    retain: absent(Schema.Boolean)
  }).annotate({ identifier: "TurnToolOutput" })
)
export type TurnToolOutput = Of<typeof TurnToolOutput>

/**
 * The settings hold for this turn and those after it; only `serviceTierForTurn`, `outputSchema` and `cyberAccessProgram` end
 * with the turn. With a turn under way, the input is added to it. For `serviceTier` null is a value: the standard speed.
 */
export const TurnStartParams = lazy(() =>
  Schema.Struct({
    ...message(),
    disabledPluginIds: optional(Schema.Array(Schema.String)),
    turnTrigger: optional(Schema.String),
    parentTurnId: optional(Schema.String),
    rootTurnId: optional(Schema.String),
    toolOutput: optional(TurnToolOutput()),
    environments: optional(Schema.Array(TurnEnvironmentParams())),
    cwd: optional(Schema.String),
    runtimeWorkspaceRoots: optional(Schema.Array(AbsolutePath)),
    approvalPolicy: optional(AskForApproval()),
    approvalsReviewer: optional(ApprovalsReviewer()),
    sandboxPolicy: optional(SandboxPolicy()),
    permissions: optional(Schema.String),
    model: optional(Schema.String),
    serviceTier: optional(Schema.String),
    serviceTierForTurn: optional(Schema.String),
    effort: optional(ReasoningEffort()),
    summary: optional(ReasoningSummary()),
    personality: optional(Personality()),
    outputSchema: optional(Schema.Json),
    collaborationMode: optional(CollaborationMode()),
    multiAgentMode: optional(MultiAgentMode()),
    cyberAccessProgram: optional(CyberAccessProgram())
  }).annotate({ identifier: "TurnStartParams" })
)
export type TurnStartParams = Of<typeof TurnStartParams>

export const TurnStartResponse = lazy(() => Schema.Struct({ turn: Turn() }))
export type TurnStartResponse = Of<typeof TurnStartResponse>

/** `expectedTurnId` must be the turn under way, or nothing is added. */
export const TurnSteerParams = lazy(() =>
  Schema.Struct({ ...message(), expectedTurnId: Schema.String }).annotate({ identifier: "TurnSteerParams" })
)
export type TurnSteerParams = Of<typeof TurnSteerParams>

export const TurnSteerResponse = lazy(() => Schema.Struct({ turnId: Schema.String }))
export type TurnSteerResponse = Of<typeof TurnSteerResponse>

/** An empty `turnId` stands for whatever the thread is doing, its start included. */
export const TurnInterruptParams = lazy(() =>
  Schema.Struct({ threadId: Schema.String, turnId: Schema.String }).annotate({ identifier: "TurnInterruptParams" })
)
export type TurnInterruptParams = Of<typeof TurnInterruptParams>

export const TurnInterruptResponse = lazy(() => Empty)
export type TurnInterruptResponse = Of<typeof TurnInterruptResponse>

/** By method name. */
export const turnRequests = {
  /** User input for a new turn, or for the one under way. Answered when the turn has begun, not when it is done. */
  "turn/start": Method.clientRequest({
    params: TurnStartParams,
    result: TurnStartResponse,
    scope: Method.perThread,
    experimentalFields: [
      "responsesapiClientMetadata",
      "responsesapiClientMetadataPatch",
      "additionalContext",
      "environments",
      "runtimeWorkspaceRoots",
      granularField,
      "permissions",
      "collaborationMode",
      "multiAgentMode",
      "cyberAccessProgram"
    ]
  }),

  /** User input for the turn under way, or an error. */
  "turn/steer": Method.clientRequest({
    params: TurnSteerParams,
    result: TurnSteerResponse,
    scope: Method.perThread,
    experimentalFields: ["responsesapiClientMetadata", "responsesapiClientMetadataPatch", "additionalContext"]
  }),

  /** Ends a turn early. */
  "turn/interrupt": Method.clientRequest({
    params: TurnInterruptParams,
    result: TurnInterruptResponse,
    scope: Method.perThread
  })
} as const
