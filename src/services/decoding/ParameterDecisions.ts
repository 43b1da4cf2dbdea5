/**
 * How every parameter of every served method is handled. A parameter that is not supported is refused or causes a warning;
 * it is never dropped silently.
 *
 * Owns the decisions and the texts for clients. A parameter without a decision does not compile. `services/ServedParameters`
 * and the handlers refuse and warn.
 *
 * @module
 */
import type { InitializeCapabilities } from "../../protocol/v2/server/Initialize.ts"
import type { ClientRequestMethod } from "../../protocol/Methods.ts"
import {
  agents,
  type Decision,
  type Decisions,
  environments,
  ignored,
  input,
  personality,
  refused,
  reviewer,
  tier,
  used,
  warned
} from "./Decision.ts"
import { hostParameters } from "./HostParameters.ts"
import { mcpParameters } from "./McpParameters.ts"
import { threadParameters } from "./ThreadParameters.ts"

export type { Decision }

const message = {
  threadId: used,
  input,
  clientUserMessageId: used,
  responsesapiClientMetadata: used,
  responsesapiClientMetadataPatch: used,
  additionalContext: warned("The additional context is not sent to the model.")
} as const

const overrides = {
  model: used,
  modelProvider: used,
  serviceTier: tier,
  cwd: used,
  runtimeWorkspaceRoots: used,
  approvalPolicy: used,
  approvalsReviewer: reviewer,
  sandbox: used,
  permissions: used,
  config: used,
  baseInstructions: used,
  developerInstructions: used,
  personality
} as const

const { personality: _, ...forkOverrides } = overrides

export const Parameters: Decisions = {
  initialize: { clientInfo: used, capabilities: used },
  "thread/start": {
    ...overrides,
    allowProviderModelFallback: ignored(
      "A turn fails when the provider does not have the model; there is no fallback."
    ),
    serviceName: ignored("It labels the release's telemetry, which this server does not send."),
    multiAgentMode: agents,
    ephemeral: used,
    historyMode: warned("This server has one history mode for all threads."),
    sessionStartSource: ignored("Hooks see how the thread was loaded: as a new one, or resumed."),
    threadSource: used,
    projectId: warned("This server has no projects, so the thread has none."),
    daybreakEnabled: warned("The access program is not sent to the model server."),
    environments,
    dynamicTools: used,
    selectedCapabilityRoots: refused,
    mockExperimentalField: ignored("The release has it to test the experimental capability."),
    experimentalRawEvents: warned("The model's raw items are not sent.")
  },
  "thread/resume": {
    ...overrides,
    threadId: used,
    // Refused by the handler: the text depends on whether the thread is loaded.
    history: used,
    path: warned("Threads are found by id; the path is not used."),
    excludeTurns: used,
    initialTurnsPage: used
  },
  "thread/fork": {
    ...forkOverrides,
    threadId: used,
    lastTurnId: used,
    beforeTurnId: used,
    path: refused,
    ephemeral: used,
    threadSource: used,
    attachToSource: refused,
    excludeTurns: used,
    deferGoalContinuation: ignored("A fork has no goal."),
    experimentalPredictionMode: refused,
    experimentalDisablePredictionMcp: ignored("It has no effect without `experimentalPredictionMode`.")
  },
  "thread/read": { threadId: used, includeTurns: used },
  "thread/shellCommand": { threadId: used, command: used, timeoutMs: used },
  "thread/compact/start": { threadId: used },
  "thread/unsubscribe": { threadId: used },
  "review/start": { threadId: used, target: used, delivery: used },
  ...threadParameters,
  ...hostParameters,
  ...mcpParameters,
  "turn/start": {
    ...message,
    disabledPluginIds: ignored("It is stored and reported. This server has no plugins."),
    turnTrigger: ignored("It labels the release's telemetry, which this server does not send."),
    parentTurnId: ignored("It labels the release's telemetry, which this server does not send."),
    rootTurnId: used,
    toolOutput: refused,
    environments,
    cwd: used,
    runtimeWorkspaceRoots: used,
    approvalPolicy: used,
    approvalsReviewer: reviewer,
    sandboxPolicy: used,
    permissions: used,
    model: used,
    serviceTier: tier,
    serviceTierForTurn: tier,
    effort: used,
    summary: used,
    personality,
    outputSchema: used,
    collaborationMode: used,
    multiAgentMode: agents,
    cyberAccessProgram: {
      decision: "conditional",
      consequence: (program) =>
        program === "standard" ? undefined : "The access program is not sent to the model server."
    }
  },
  "turn/steer": {
    ...message,
    responsesapiClientMetadata: warned("A turn keeps the metadata that it was started with."),
    responsesapiClientMetadataPatch: warned("A turn keeps the metadata that it was started with."),
    expectedTurnId: used
  },
  "turn/interrupt": { threadId: used, turnId: used },
  "model/list": {
    cursor: used,
    limit: used,
    includeHidden: used,
    modelProvider: used
  },
  "collaborationMode/list": {},
  "config/read": { includeLayers: used, cwd: used },
  "configRequirements/read": {},
  "account/read": { refreshToken: ignored("API keys do not expire, so there is nothing to refresh.") }
}

/** The decisions about connection capabilities. None is refused, because a capability is an offer of the client. */
export const Capabilities: { readonly [C in keyof InitializeCapabilities]-?: Decision<unknown> } = {
  experimentalApi: used,
  requestAttestation: ignored("No request of this server needs an attestation."),
  requiredHumanApproval: ignored("Only the user can approve."),
  explicitGatewayOauth: ignored("There is no gateway to log in to."),
  mcpServerOpenaiFormElicitation: ignored("Forms of MCP servers are sent in the form of MCP."),
  optOutNotificationMethods: used,
  extensions: used
}

/** Whether a value requests anything: null, false and empty values do not. */
const isSet = (value: unknown): boolean => {
  if (value === undefined || value === null || value === false || value === "") return false
  return typeof value !== "object" || Object.keys(value).length > 0
}

const entriesOf = (method: ClientRequestMethod): ReadonlyArray<readonly [name: string, decision: Decision<never>]> =>
  Object.entries(Parameters[method])

interface Check {
  readonly name: string
  readonly check: (value: never) => string | undefined
}

const refusing = (method: ClientRequestMethod): ReadonlyArray<Check> =>
  entriesOf(method).flatMap(([name, decision]): ReadonlyArray<Check> => {
    if (decision.decision === "refused") {
      return [{ name, check: () => `\`${method}.${name}\` is not supported by this server yet` }]
    }
    return decision.decision === "conditional" && decision.refusal !== undefined
      ? [{ name, check: decision.refusal }]
      : []
  })

const warning = (method: ClientRequestMethod): ReadonlyArray<Check> =>
  entriesOf(method).flatMap(([name, decision]): ReadonlyArray<Check> => {
    const warningText = (consequence: string) => `\`${method}.${name}\` has no effect on this server. ${consequence}`
    if (decision.decision === "warned") return [{ name, check: () => warningText(decision.consequence) }]
    if (decision.decision !== "conditional" || decision.consequence === undefined) return []
    const { consequence } = decision
    return [
      {
        name,
        check: (value) => {
          const text = consequence(value)
          return text === undefined ? undefined : warningText(text)
        }
      }
    ]
  })

const runChecks = (checks: ReadonlyArray<Check>, params: object): ReadonlyArray<string> =>
  checks.flatMap(({ check, name }) => {
    const value: unknown = Object.hasOwn(params, name) ? Reflect.get(params, name) : undefined
    // The parameters were decoded with the method's schema, so the value has the type of its decision.
    const text = isSet(value) ? check(value as never) : undefined
    return text === undefined ? [] : [text]
  })

/** A function that returns why parameters of `method` are refused; undefined when the method refuses none. */
export const refusalFor = (method: ClientRequestMethod): ((params: object) => string | undefined) | undefined => {
  const checks = refusing(method)
  return checks.length === 0 ? undefined : (params) => runChecks(checks, params)[0]
}

/** A function that returns warnings about parameters of `method` without effect. */
export const warningsFor = (method: ClientRequestMethod): ((params: object) => ReadonlyArray<string>) => {
  const checks = warning(method)
  return (params) => runChecks(checks, params)
}
