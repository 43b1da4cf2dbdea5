/**
 * The requests a client can make of this server: one declaration each.
 *
 * Parameters and results are beside their subjects; here is who waits for whom, and what needs the experimental
 * capability. What the release has besides is in `ReservedRequests.ts`.
 *
 * @module
 */
import { GetAccountParams, GetAccountResponse } from "./v2/account/Account.ts"
import { ConfigReadParams, ConfigReadResponse, ConfigRequirementsReadResponse } from "./v2/config/Config.ts"
import { InitializeParams, InitializeResponse } from "./v2/server/Initialize.ts"
import * as Method from "./Method.ts"
import type { Of } from "./Lazy.ts"
import { ModelListParams, ModelListResponse } from "./v2/model/Model.ts"
import * as Threads from "./v2/thread/Requests.ts"
import * as Turns from "./v2/turn/Requests.ts"

/** The one experimental variant: an approval policy that goes into details. */
const granular = {
  field: "approvalPolicy",
  variant: "granular",
  descriptor: "askForApproval.granular"
} as const

/** A flag that is not nullable: false is what leaving it out means. */
const flag = (field: string) => ({ field, unused: [false] })

/** Keyed by method. */
export const clientRequestTable = {
  /** Once per connection, before anything else. */
  initialize: Method.clientRequest({
    params: InitializeParams,
    result: InitializeResponse
  }),

  /** A new thread. Its caller is subscribed to it. */
  "thread/start": Method.clientRequest({
    params: Threads.ThreadStartParams,
    result: Threads.ThreadStartResponse,
    experimentalFields: [
      flag("allowProviderModelFallback"),
      "runtimeWorkspaceRoots",
      granular,
      "permissions",
      "multiAgentMode",
      "historyMode",
      "projectId",
      "daybreakEnabled",
      "environments",
      "dynamicTools",
      "selectedCapabilityRoots",
      "mockExperimentalField",
      flag("experimentalRawEvents")
    ]
  }),

  /** Loads a thread, or joins one that is loaded, and subscribes the caller. */
  "thread/resume": Method.clientRequest({
    params: Threads.ThreadResumeParams,
    result: Threads.ThreadResumeResponse,
    scope: Method.perThread,
    experimentalFields: [
      "history",
      { field: "path", unused: [null, ""] },
      "runtimeWorkspaceRoots",
      granular,
      "permissions",
      "initialTurnsPage"
    ]
  }),

  /** A thread as it is, loaded or not, without subscribing. */
  "thread/read": Method.clientRequest({
    params: Threads.ThreadReadParams,
    result: Threads.ThreadReadResponse,
    scope: Method.perThreadShared
  }),

  /** The stored threads, in pages. */
  "thread/list": Method.clientRequest({
    params: Threads.ThreadListParams,
    result: Threads.ThreadListResponse,
    experimentalFields: [
      flag("includeAttachedThreads"),
      { field: "projectId", unused: [] },
      "parentThreadId",
      "ancestorThreadId",
      "attachedToThreadId"
    ]
  }),

  /** The ids of the threads in memory. */
  "thread/loaded/list": Method.clientRequest({
    params: Threads.ThreadLoadedListParams,
    result: Threads.ThreadLoadedListResponse
  }),

  /** The caller hears no more of a thread. The thread goes on. */
  "thread/unsubscribe": Method.clientRequest({
    params: Threads.ThreadUnsubscribeParams,
    result: Threads.ThreadUnsubscribeResponse,
    scope: Method.perThread
  }),

  /** User input for a new turn, or for the one under way. Answered when the turn has begun, not when it is done. */
  "turn/start": Method.clientRequest({
    params: Turns.TurnStartParams,
    result: Turns.TurnStartResponse,
    scope: Method.perThread,
    experimentalFields: [
      "responsesapiClientMetadata",
      "responsesapiClientMetadataPatch",
      "additionalContext",
      "environments",
      "runtimeWorkspaceRoots",
      granular,
      "permissions",
      "collaborationMode",
      "multiAgentMode",
      "cyberAccessProgram"
    ]
  }),

  /** User input for the turn under way, or an error. */
  "turn/steer": Method.clientRequest({
    params: Turns.TurnSteerParams,
    result: Turns.TurnSteerResponse,
    scope: Method.perThread,
    experimentalFields: ["responsesapiClientMetadata", "responsesapiClientMetadataPatch", "additionalContext"]
  }),

  /** Ends a turn early. */
  "turn/interrupt": Method.clientRequest({
    params: Turns.TurnInterruptParams,
    result: Turns.TurnInterruptResponse,
    scope: Method.perThread
  }),

  /** The models of a provider, in pages. */
  "model/list": Method.clientRequest({
    params: ModelListParams,
    result: ModelListResponse
  }),

  /** The effective configuration and where its values come from. */
  "config/read": Method.clientRequest({
    params: ConfigReadParams,
    result: ConfigReadResponse,
    scope: Method.global("config", { shared: true })
  }),

  /** What an organisation demands of the configuration. */
  "configRequirements/read": Method.clientRequest({
    params: undefined,
    result: ConfigRequirementsReadResponse,
    scope: Method.global("config", { shared: true })
  }),

  /** Who is logged in. */
  "account/read": Method.clientRequest({
    params: GetAccountParams,
    result: GetAccountResponse,
    scope: Method.global("account", { shared: true })
  })
} as const

/** The name of a request this server answers. */
export type ClientRequestMethod = keyof typeof clientRequestTable

/** The parameters as a handler gets them: defaults filled in. `undefined` for methods without any. */
export type ParamsOf<M extends ClientRequestMethod> = Method.ParamsType<(typeof clientRequestTable)[M]["params"]>

/** The parameters as a caller may give them: what has a default may be left out. */
export type ParamsInputOf<M extends ClientRequestMethod> =
  (typeof clientRequestTable)[M]["params"] extends Method.WireSchema
    ? ReturnType<(typeof clientRequestTable)[M]["params"]>["Encoded"]
    : undefined

/** The answer to a request. */
export type ResultOf<M extends ClientRequestMethod> = Of<(typeof clientRequestTable)[M]["result"]>

/** Whether this server answers the method. */
export const isClientRequestMethod = (method: string): method is ClientRequestMethod =>
  Object.hasOwn(clientRequestTable, method)

/** The declaration of a method; none for one that is not served. */
export const clientRequestOf = (method: string): (typeof clientRequestTable)[ClientRequestMethod] | undefined =>
  isClientRequestMethod(method) ? clientRequestTable[method] : undefined
