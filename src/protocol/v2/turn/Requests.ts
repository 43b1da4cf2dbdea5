/**
 * Parameters and results of turn requests.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { FunctionCallOutputBody } from "../item/Content.ts"
import { TurnEnvironmentParams } from "../thread/Environment.ts"
import { absent, AbsolutePath, EmptyResult, optional, PathText } from "../../Fields.ts"
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
 * Data sent with a user's input. The metadata is sent to the model server with the turn: `responsesapiClientMetadata`
 * replaces the client's entries, then the patch is merged into them.
 */
const message = () => ({
  threadId: Schema.String,
  input: Schema.Array(UserInput()),
  clientUserMessageId: optional(Schema.String),
  responsesapiClientMetadata: optional(Schema.Record(Schema.String, Schema.String)),
  responsesapiClientMetadataPatch: optional(Schema.Record(Schema.String, Schema.String)),
  additionalContext: optional(Schema.Record(Schema.String, AdditionalContextEntry()))
})

/** Output of a tool that the client ran itself, as input for the model. */
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
 * The settings apply to this turn and later ones, except `serviceTierForTurn`, `outputSchema` and `cyberAccessProgram`,
 * which end with the turn. If a turn is active, the input is added to it. For `serviceTier`, null is a value: the standard
 * speed.
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
    cwd: optional(PathText),
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

/** `expectedTurnId` must be the active turn, or the request fails. */
export const TurnSteerParams = lazy(() =>
  Schema.Struct({ ...message(), expectedTurnId: Schema.String }).annotate({ identifier: "TurnSteerParams" })
)
export type TurnSteerParams = Of<typeof TurnSteerParams>

export const TurnSteerResponse = lazy(() => Schema.Struct({ turnId: Schema.String }))
export type TurnSteerResponse = Of<typeof TurnSteerResponse>

/** An empty `turnId` means the thread's current activity, including its start. */
export const TurnInterruptParams = lazy(() =>
  Schema.Struct({ threadId: Schema.String, turnId: Schema.String }).annotate({ identifier: "TurnInterruptParams" })
)
export type TurnInterruptParams = Of<typeof TurnInterruptParams>

export const TurnInterruptResponse = EmptyResult
export type TurnInterruptResponse = Of<typeof TurnInterruptResponse>

/** By method name. */
export const turnRequests = {
  /** User input for a new turn or the active one. Answered when the turn has started, not when it is complete. */
  "turn/start": Method.clientRequest({
    params: TurnStartParams,
    result: TurnStartResponse,
    schedule: Method.perThread,
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

  /** User input for the active turn. Fails when there is none. */
  "turn/steer": Method.clientRequest({
    params: TurnSteerParams,
    result: TurnSteerResponse,
    schedule: Method.perThread,
    experimentalFields: ["responsesapiClientMetadata", "responsesapiClientMetadataPatch", "additionalContext"]
  }),

  /** Interrupts a turn. */
  "turn/interrupt": Method.clientRequest({
    params: TurnInterruptParams,
    result: TurnInterruptResponse,
    schedule: Method.perThread
  })
} as const
