/**
 * Parameters and results of thread requests.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { SelectedCapabilityRoot, TurnEnvironmentParams } from "./Environment.ts"
import {
  absent,
  AbsolutePath,
  defaulted,
  EmptyResult,
  I64,
  JsonObject,
  nullable,
  optional,
  PathText,
  U32
} from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { ResponseItem } from "../item/ResponseItem.ts"
import {
  ActivePermissionProfile,
  ApprovalsReviewer,
  AskForApproval,
  CollaborationMode,
  granularField,
  MultiAgentMode,
  Personality,
  ReasoningEffort,
  SandboxMode,
  SandboxPolicy
} from "./Settings.ts"
import { SortDirection } from "./Sorting.ts"
import { factRequests } from "./FactRequests.ts"
import { historyRequests } from "./HistoryRequests.ts"
import { listRequests } from "./ListRequests.ts"
import { sectionRequests } from "./SectionRequests.ts"
import { terminalRequests } from "./TerminalRequests.ts"
import { sideRequests } from "./SideRequests.ts"
import { Thread, ThreadHistoryMode, ThreadReadState, ThreadSource } from "./Thread.ts"
import { workRequests } from "./WorkRequests.ts"
import { TurnItemsView, TurnsPage } from "../turn/Turn.ts"

/** A client tool: its name, its description, and the JSON Schema of its arguments. */
const dynamicFunction = () => ({
  name: Schema.String,
  description: Schema.String,
  inputSchema: Schema.Json,
  deferLoading: absent(Schema.Boolean)
})

/** A tool, or a named group of tools, that the client executes. An entry without `type` is a function. */
export const DynamicToolSpec = lazy(() =>
  Schema.Union([
    Schema.Struct({
      type: Schema.Literal("namespace"),
      name: Schema.String,
      description: Schema.String,
      tools: Schema.Array(Schema.Struct({ type: Schema.Literal("function"), ...dynamicFunction() }))
    }),
    Schema.Struct({ type: defaulted(Schema.Literal("function"), "function"), ...dynamicFunction() })
  ]).annotate({ identifier: "DynamicToolSpec", variants: ["function", "namespace"] })
)
export type DynamicToolSpec = Of<typeof DynamicToolSpec>

/**
 * Settings that a client may pass when a thread starts or is resumed. Default: the configuration's value. For `serviceTier`
 * only, null is a value: the standard speed.
 */
const threadOverrides = () => ({
  model: optional(Schema.String),
  modelProvider: optional(Schema.String),
  serviceTier: optional(Schema.String),
  cwd: optional(Schema.String),
  runtimeWorkspaceRoots: optional(Schema.Array(AbsolutePath)),
  approvalPolicy: optional(AskForApproval()),
  approvalsReviewer: optional(ApprovalsReviewer()),
  sandbox: optional(SandboxMode()),
  permissions: optional(Schema.String),
  config: optional(JsonObject),
  baseInstructions: optional(Schema.String),
  developerInstructions: optional(Schema.String),
  personality: optional(Personality())
})

/** `permissions` names a profile and excludes `sandbox`. An ephemeral thread exists in memory only. */
export const ThreadStartParams = lazy(() =>
  Schema.Struct({
    ...threadOverrides(),
    allowProviderModelFallback: absent(Schema.Boolean),
    serviceName: optional(Schema.String),
    multiAgentMode: optional(MultiAgentMode()),
    ephemeral: optional(Schema.Boolean),
    historyMode: optional(ThreadHistoryMode()),
    sessionStartSource: optional(Schema.Literals(["startup", "clear"])),
    threadSource: optional(ThreadSource()),
    projectId: optional(Schema.String),
    daybreakEnabled: optional(Schema.Boolean),
    environments: optional(Schema.Array(TurnEnvironmentParams())),
    dynamicTools: optional(Schema.Array(DynamicToolSpec())),
    selectedCapabilityRoots: optional(Schema.Array(SelectedCapabilityRoot())),
    mockExperimentalField: optional(Schema.String),
    experimentalRawEvents: absent(Schema.Boolean)
  }).annotate({ identifier: "ThreadStartParams" })
)
export type ThreadStartParams = Of<typeof ThreadStartParams>

/** The thread and its initial settings. */
const startedThread = () => ({
  thread: Thread(),
  model: Schema.String,
  modelProvider: Schema.String,
  serviceTier: nullable(Schema.String),
  disabledPluginIds: Schema.Array(Schema.String),
  cwd: Schema.String,
  runtimeWorkspaceRoots: Schema.Array(Schema.String),
  instructionSources: Schema.Array(Schema.String),
  approvalPolicy: AskForApproval(),
  approvalsReviewer: ApprovalsReviewer(),
  sandbox: SandboxPolicy(),
  activePermissionProfile: nullable(ActivePermissionProfile()),
  reasoningEffort: nullable(ReasoningEffort()),
  multiAgentMode: MultiAgentMode()
})

export const ThreadStartResponse = lazy(() => Schema.Struct(startedThread()))
export type ThreadStartResponse = Of<typeof ThreadStartResponse>

/**
 * A loaded thread is joined by its id; `path`, if given, must be its own. Otherwise `history` takes precedence over `path`,
 * and `path` over the id.
 */
export const ThreadResumeParams = lazy(() =>
  Schema.Struct({
    threadId: Schema.String,
    history: optional(Schema.Array(ResponseItem())),
    path: optional(PathText),
    ...threadOverrides(),
    excludeTurns: absent(Schema.Boolean),
    initialTurnsPage: optional(
      Schema.Struct({
        limit: optional(U32),
        sortDirection: optional(SortDirection()),
        itemsView: optional(TurnItemsView())
      }).annotate({ identifier: "ThreadResumeInitialTurnsPageParams" })
    )
  }).annotate({ identifier: "ThreadResumeParams" })
)
export type ThreadResumeParams = Of<typeof ThreadResumeParams>

/** `initialTurnsPage` is present only when requested. The cursors page backwards from the moment of joining. */
export const ThreadResumeResponse = lazy(() =>
  Schema.Struct({
    ...startedThread(),
    collaborationMode: nullable(CollaborationMode()),
    initialTurnsPage: nullable(TurnsPage()),
    turnsBackwardsCursor: nullable(Schema.String),
    itemsBackwardsCursor: nullable(Schema.String)
  })
)
export type ThreadResumeResponse = Of<typeof ThreadResumeResponse>

/**
 * A fork ends with `lastTurnId`, or in front of `beforeTurnId`; with neither it has all turns of the source. `path` names the
 * source instead of the id.
 */
export const ThreadForkParams = lazy(() => {
  const { personality: _, ...overrides } = threadOverrides()
  return Schema.Struct({
    threadId: Schema.String,
    lastTurnId: optional(Schema.String),
    beforeTurnId: optional(Schema.String),
    path: optional(PathText),
    ...overrides,
    ephemeral: absent(Schema.Boolean),
    threadSource: optional(ThreadSource()),
    attachToSource: absent(Schema.Boolean),
    excludeTurns: absent(Schema.Boolean),
    deferGoalContinuation: absent(Schema.Boolean),
    experimentalPredictionMode: absent(Schema.Boolean),
    experimentalDisablePredictionMcp: absent(Schema.Boolean)
  }).annotate({ identifier: "ThreadForkParams" })
})
export type ThreadForkParams = Of<typeof ThreadForkParams>

export const ThreadForkResponse = lazy(() => Schema.Struct(startedThread()))
export type ThreadForkResponse = Of<typeof ThreadForkResponse>

export const ThreadReadParams = lazy(() =>
  Schema.Struct({ threadId: Schema.String, includeTurns: absent(Schema.Boolean) }).annotate({
    identifier: "ThreadReadParams"
  })
)
export type ThreadReadParams = Of<typeof ThreadReadParams>

/** `thread.turns` is filled on request. The read state is null when reading is not tracked. */
export const ThreadReadResponse = lazy(() =>
  Schema.Struct({ thread: Thread(), readState: nullable(ThreadReadState()) })
)
export type ThreadReadResponse = Of<typeof ThreadReadResponse>

export const ThreadCompactStartParams = lazy(() =>
  Schema.Struct({ threadId: Schema.String }).annotate({ identifier: "ThreadCompactStartParams" })
)
export type ThreadCompactStartParams = Of<typeof ThreadCompactStartParams>

export const ThreadUnsubscribeParams = lazy(() =>
  Schema.Struct({ threadId: Schema.String }).annotate({ identifier: "ThreadUnsubscribeParams" })
)
export type ThreadUnsubscribeParams = Of<typeof ThreadUnsubscribeParams>

/** The previous state: not loaded, loaded but this connection was not subscribed, or subscribed. */
export const ThreadUnsubscribeResponse = lazy(() =>
  Schema.Struct({ status: Schema.Literals(["notLoaded", "notSubscribed", "unsubscribed"]) })
)
export type ThreadUnsubscribeResponse = Of<typeof ThreadUnsubscribeResponse>

/** A flag that is not nullable: false is the same as absent. */
const flag = (field: string) => ({ field, unused: [false] })

/**
 * A command that the user runs by hand, as the shell reads it: without a sandbox. `timeoutMs` is one hour unless given; 0 ends
 * it at once.
 */
export const ThreadShellCommandParams = lazy(() =>
  Schema.Struct({ threadId: Schema.String, command: Schema.String, timeoutMs: optional(I64) }).annotate({
    identifier: "ThreadShellCommandParams"
  })
)
export type ThreadShellCommandParams = Of<typeof ThreadShellCommandParams>

export const ThreadShellCommandResponse = EmptyResult
export type ThreadShellCommandResponse = Of<typeof ThreadShellCommandResponse>

/** By method name. */
export const threadRequests = {
  /** Creates a thread and subscribes the caller. */
  "thread/start": Method.clientRequest({
    params: ThreadStartParams,
    result: ThreadStartResponse,
    experimentalFields: [
      flag("allowProviderModelFallback"),
      "runtimeWorkspaceRoots",
      granularField,
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

  /** Loads a thread, or joins a loaded one, and subscribes the caller. */
  "thread/resume": Method.clientRequest({
    params: ThreadResumeParams,
    result: ThreadResumeResponse,
    schedule: Method.perThread,
    experimentalFields: [
      "history",
      { field: "path", unused: [null, ""] },
      "runtimeWorkspaceRoots",
      granularField,
      "permissions",
      "initialTurnsPage"
    ]
  }),

  /** Creates a thread from the history of another one and subscribes the caller. */
  "thread/fork": Method.clientRequest({
    params: ThreadForkParams,
    result: ThreadForkResponse,
    schedule: Method.perThread,
    experimentalFields: [
      "beforeTurnId",
      { field: "path", unused: [null, ""] },
      "runtimeWorkspaceRoots",
      granularField,
      "permissions",
      flag("attachToSource"),
      flag("deferGoalContinuation"),
      flag("experimentalPredictionMode"),
      flag("experimentalDisablePredictionMcp")
    ]
  }),

  /** Reads a thread, loaded or not, without subscribing. */
  "thread/read": Method.clientRequest({
    params: ThreadReadParams,
    result: ThreadReadResponse,
    schedule: Method.perThreadShared
  }),

  /** Runs a command of the user: in the turn under way, else in a turn of its own. Answered before the command begins. */
  "thread/shellCommand": Method.clientRequest({
    params: ThreadShellCommandParams,
    result: ThreadShellCommandResponse,
    schedule: Method.perThread
  }),

  /** Replaces the conversation by a summary, in a turn of its own. Answered before that turn begins; a running one is interrupted. */
  "thread/compact/start": Method.clientRequest({
    params: ThreadCompactStartParams,
    result: EmptyResult,
    schedule: Method.perThread
  }),

  /** Ends the caller's subscription. The thread continues. */
  "thread/unsubscribe": Method.clientRequest({
    params: ThreadUnsubscribeParams,
    result: ThreadUnsubscribeResponse,
    schedule: Method.perThread
  }),

  ...listRequests,
  ...historyRequests,
  ...factRequests,
  ...sectionRequests,
  ...workRequests,
  ...terminalRequests,
  ...sideRequests
} as const
