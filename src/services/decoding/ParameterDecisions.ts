/**
 * What becomes of every parameter of every served method. A parameter that is not served is refused or warned about; it is
 * never dropped without a word.
 *
 * Owns the decisions and the texts that clients read. A parameter without a decision does not compile. Who refuses and who
 * warns is in `services/ServedParameters` and in the handlers.
 *
 * @module
 */
import type { InitializeCapabilities } from "../../protocol/v2/server/Initialize.ts"
import type { CollaborationMode } from "../../protocol/v2/thread/Settings.ts"
import type { UserInput } from "../../protocol/v2/turn/UserInput.ts"
import type { TurnEnvironmentParams } from "../../protocol/v2/thread/Environment.ts"
import type { ClientRequestMethod, ParamsOf } from "../../protocol/Methods.ts"

/**
 * `used`: it does what it says. `ignored`: leaving it out would give the client nothing else, for the reason. `refused`: a
 * client that relies on it would get something else than it asked for. `warned`: the request is served without it, and the
 * client is told. `judged`: its value decides.
 */
export type Decision<Value> =
  | { readonly decision: "used" }
  | { readonly decision: "ignored"; readonly reason: string }
  | { readonly decision: "refused" }
  | { readonly decision: "warned"; readonly consequence: string }
  | {
      readonly decision: "judged"
      /** The text of the error, for a value that is refused. */
      readonly refusal?: (value: Value) => string | undefined
      /** What the client is told, for a value that has no effect. */
      readonly consequence?: (value: Value) => string | undefined
    }

const used = { decision: "used" } as const
const refused = { decision: "refused" } as const
const ignored = (reason: string) => ({ decision: "ignored", reason }) as const
const warned = (consequence: string) => ({ decision: "warned", consequence }) as const

const reviewer = {
  decision: "judged",
  consequence: (value: string) =>
    value === "user" ? undefined : "There is no automatic reviewer: approval requests go to the user."
} as const

const tier = warned("The service tier is kept and reported, but requests to the model server do not carry it.")
const personality = ignored("It is kept and reported. No release of today's models has a style for it.")
const agents = ignored("There are no helper agents to start; the release always reports `explicitRequestOnly`.")

const environments = {
  decision: "judged",
  refusal: (value: ReadonlyArray<TurnEnvironmentParams>) => {
    const unknown = value.find(({ environmentId }) => environmentId !== "local")
    if (unknown !== undefined) return `unknown turn environment id \`${unknown.environmentId.slice(0, longest)}\``
    return value.length > 1 ? "this server has one environment, `local`; name it once" : undefined
  }
} as const

/** Characters of a client's text that an error repeats. */
const longest = 128

const input = {
  decision: "judged",
  refusal: (parts: ReadonlyArray<UserInput>) => {
    const part = parts.find(({ type }) => type === "audio" || type === "localAudio")
    if (part !== undefined) return `input of type \`${part.type}\` is not supported by this server yet`
    return parts.some((part) => part.type === "image" && "fileId" in part)
      ? "input of type `image` with a `fileId` is not supported by this server yet; use a `url`"
      : undefined
  },
  consequence: (parts: ReadonlyArray<UserInput>) => {
    const part = parts.find(({ type }) => type === "skill" || type === "mention")
    return part === undefined
      ? undefined
      : `Input of type \`${part.type}\` is shown, but the model does not get what it names: this server has no skills and no apps.`
  }
} as const

const collaborationMode = {
  decision: "judged",
  consequence: ({ mode, settings }: CollaborationMode) => {
    if (mode === "plan") return "Plan mode is reported, but it does not change how the model works."
    return settings.developer_instructions === null ? undefined : "`developer_instructions` do not reach the model."
  }
} as const

const message = {
  threadId: used,
  input,
  clientUserMessageId: used,
  responsesapiClientMetadata: used,
  responsesapiClientMetadataPatch: used,
  additionalContext: warned("The context beside the input does not reach the model.")
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

type Decisions = {
  readonly [M in ClientRequestMethod]: {
    readonly [P in keyof NonNullable<ParamsOf<M>>]-?: Decision<NonNullable<NonNullable<ParamsOf<M>>[P]>>
  }
}

export const Parameters: Decisions = {
  initialize: { clientInfo: used, capabilities: used },
  "thread/start": {
    ...overrides,
    allowProviderModelFallback: ignored("A model that a provider does not have fails its turn; none takes its place."),
    serviceName: ignored("It labels measurements that the release sends home. This server sends none."),
    multiAgentMode: agents,
    ephemeral: used,
    historyMode: warned("Every thread keeps its history in the one way that this server has."),
    sessionStartSource: ignored("It selects hooks, and there are none."),
    threadSource: used,
    projectId: warned("There are no projects: the thread belongs to none."),
    daybreakEnabled: warned("The access programme does not reach the model server."),
    environments,
    dynamicTools: refused,
    selectedCapabilityRoots: refused,
    mockExperimentalField: ignored("The release has it to test the experimental capability."),
    experimentalRawEvents: warned("Raw items of the model are not sent.")
  },
  "thread/resume": {
    ...overrides,
    threadId: used,
    history: refused,
    path: warned("A thread is found by its id; the path is not looked at."),
    excludeTurns: used,
    initialTurnsPage: used
  },
  "thread/read": { threadId: used, includeTurns: used },
  "thread/list": {
    cursor: used,
    limit: used,
    sortKey: used,
    sortDirection: used,
    modelProviders: used,
    sourceKinds: used,
    originators: used,
    archived: used,
    sectionId: used,
    projectId: used,
    cwd: used,
    searchTerm: used,
    excludedThreadIds: used,
    parentThreadId: used,
    ancestorThreadId: used,
    attachedToThreadId: used,
    includeAttachedThreads: ignored("No thread is attached to another."),
    currentAccountOnly: ignored("A server has one account, and its threads are that account's."),
    useStateDbOnly: ignored("There is one place that threads are listed from.")
  },
  "thread/shellCommand": { threadId: used, command: used, timeoutMs: used },
  "thread/loaded/list": { cursor: used, limit: used },
  "thread/unsubscribe": { threadId: used },
  "turn/start": {
    ...message,
    disabledPluginIds: ignored("It is kept and reported. There are no plugins."),
    turnTrigger: ignored("It labels measurements that the release sends home."),
    parentTurnId: ignored("It labels measurements that the release sends home."),
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
    collaborationMode,
    multiAgentMode: agents,
    cyberAccessProgram: {
      decision: "judged",
      consequence: (program) =>
        program === "standard" ? undefined : "The access programme does not reach the model server."
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
  "config/read": { includeLayers: used, cwd: used },
  "configRequirements/read": {},
  "account/read": { refreshToken: ignored("Keys do not expire: there is nothing to refresh.") }
}

/** The same for what a connection opts into. None is refused: a capability is an offer of the client's. */
export const Capabilities: { readonly [C in keyof InitializeCapabilities]-?: Decision<unknown> } = {
  experimentalApi: used,
  requestAttestation: ignored("No request of this server needs an attestation."),
  requiredHumanApproval: ignored("Nobody but the user approves anything."),
  explicitGatewayOauth: ignored("There is no gateway to log in to."),
  mcpServerOpenaiFormElicitation: ignored("There are no MCP servers that could ask."),
  optOutNotificationMethods: used,
  extensions: used
}

/** Whether a value asks for anything: null, false, and what is empty do not. */
const asks = (value: unknown): boolean => {
  if (value === undefined || value === null || value === false || value === "") return false
  return typeof value !== "object" || Object.keys(value).length > 0
}

const entriesOf = (method: ClientRequestMethod): ReadonlyArray<readonly [name: string, decision: Decision<never>]> =>
  Object.entries(Parameters[method])

interface Judge {
  readonly name: string
  readonly judge: (value: never) => string | undefined
}

const refusing = (method: ClientRequestMethod): ReadonlyArray<Judge> =>
  entriesOf(method).flatMap(([name, decision]): ReadonlyArray<Judge> => {
    if (decision.decision === "refused") {
      return [{ name, judge: () => `\`${method}.${name}\` is not supported by this server yet` }]
    }
    return decision.decision === "judged" && decision.refusal !== undefined ? [{ name, judge: decision.refusal }] : []
  })

const warning = (method: ClientRequestMethod): ReadonlyArray<Judge> =>
  entriesOf(method).flatMap(([name, decision]): ReadonlyArray<Judge> => {
    const told = (consequence: string) => `\`${method}.${name}\` has no effect on this server. ${consequence}`
    if (decision.decision === "warned") return [{ name, judge: () => told(decision.consequence) }]
    if (decision.decision !== "judged" || decision.consequence === undefined) return []
    const { consequence } = decision
    return [
      {
        name,
        judge: (value) => {
          const text = consequence(value)
          return text === undefined ? undefined : told(text)
        }
      }
    ]
  })

const judgements = (judges: ReadonlyArray<Judge>, params: object): ReadonlyArray<string> =>
  judges.flatMap(({ judge, name }) => {
    const value: unknown = Object.hasOwn(params, name) ? Reflect.get(params, name) : undefined
    // The decision was declared for the type of this parameter, and the parameters were decoded.
    const text = asks(value) ? judge(value as never) : undefined
    return text === undefined ? [] : [text]
  })

/** Tells why parameters of `method` are refused; undefined for a method that refuses none. */
export const refusalFor = (method: ClientRequestMethod): ((params: object) => string | undefined) | undefined => {
  const judges = refusing(method)
  return judges.length === 0 ? undefined : (params) => judgements(judges, params)[0]
}

/** Tells what a client has to know of parameters of `method` that have no effect. */
export const warningsFor = (method: ClientRequestMethod): ((params: object) => ReadonlyArray<string>) => {
  const judges = warning(method)
  return (params) => judgements(judges, params)
}
