/**
 * Items that are actions: commands, patches, tool calls, sub-agents, searches, images. The union of all items is in
 * `Item.ts`.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { CommandAction } from "./CommandAction.ts"
import { absent, I32, I64, nullable, optional, U64, UnixMillis, UnixSeconds } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { ReasoningEffort } from "../thread/Settings.ts"

/** When an item started and completed, if that was recorded. */
export const itemTimes = { startedAtMs: optional(UnixMillis), completedAtMs: optional(UnixMillis) }

/** `declined`: the user, or a policy on the user's behalf, refused it. */
export const CommandExecutionStatus = lazy(() => Schema.Literals(["inProgress", "completed", "failed", "declined"]))
export type CommandExecutionStatus = Of<typeof CommandExecutionStatus>

/** What ran the command. The `unifiedExec` values are a session that the model opened, and its input to one. */
export const CommandExecutionSource = lazy(() =>
  Schema.Literals(["agent", "userShell", "unifiedExecStartup", "unifiedExecInteraction"])
)
export type CommandExecutionSource = Of<typeof CommandExecutionSource>

/** A shell command. `aggregatedOutput` is stdout and stderr in order of arrival; null while running or without output. */
export const CommandExecutionItem = lazy(() =>
  Schema.Struct({
    type: Schema.Literal("commandExecution"),
    id: Schema.String,
    pluginId: nullable(Schema.String),
    scriptPath: nullable(Schema.String),
    command: Schema.String,
    cwd: Schema.String,
    processId: nullable(Schema.String),
    source: CommandExecutionSource(),
    status: CommandExecutionStatus(),
    commandActions: Schema.Array(CommandAction()),
    aggregatedOutput: nullable(Schema.String),
    exitCode: nullable(I32),
    durationMs: nullable(I64),
    ...itemTimes
  })
)
export type CommandExecutionItem = Of<typeof CommandExecutionItem>

/** How a file changes. `move_path` is the new path of an updated file. */
export const PatchChangeKind = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("add") }),
    Schema.Struct({ type: Schema.Literal("delete") }),
    Schema.Struct({ type: Schema.Literal("update"), move_path: nullable(Schema.String) })
  ])
)
export type PatchChangeKind = Of<typeof PatchChangeKind>

/** One file of a patch. `diff` is a unified diff, or the whole content of an added or deleted file. */
export const FileUpdateChange = lazy(() =>
  Schema.Struct({ path: Schema.String, kind: PatchChangeKind(), diff: Schema.String })
)
export type FileUpdateChange = Of<typeof FileUpdateChange>

/** As with commands, `declined` means that the approval was refused. */
export const PatchApplyStatus = lazy(() => Schema.Literals(["inProgress", "completed", "failed", "declined"]))
export type PatchApplyStatus = Of<typeof PatchApplyStatus>

/** A patch to files of the workspace. */
export const FileChangeItem = lazy(() =>
  Schema.Struct({
    type: Schema.Literal("fileChange"),
    id: Schema.String,
    changes: Schema.Array(FileUpdateChange()),
    status: PatchApplyStatus(),
    ...itemTimes
  })
)
export type FileChangeItem = Of<typeof FileChangeItem>

/** Used by calls of MCP tools and of client tools. */
export const ToolCallStatus = lazy(() => Schema.Literals(["inProgress", "completed", "failed"]))
export type ToolCallStatus = Of<typeof ToolCallStatus>

/** The result of an MCP call, in the format of MCP. */
export const McpToolCallResult = lazy(() =>
  Schema.Struct({
    content: Schema.Array(Schema.Json),
    structuredContent: nullable(Schema.Json),
    _meta: nullable(Schema.Json)
  })
)
export type McpToolCallResult = Of<typeof McpToolCallResult>

/** The app of an MCP tool, for clients that show it. */
export const McpToolCallAppContext = lazy(() =>
  Schema.Struct({
    connectorId: Schema.String,
    linkId: nullable(Schema.String),
    resourceUri: nullable(Schema.String),
    appName: nullable(Schema.String),
    actionName: nullable(Schema.String)
  })
)
export type McpToolCallAppContext = Of<typeof McpToolCallAppContext>

/** The UI of an MCP tool, and how it is displayed. */
export const McpAppUi = lazy(() =>
  Schema.Struct({
    resourceUri: Schema.String,
    preferredModelDisplayMode: Schema.Literals(["inline", "fullscreen"])
  })
)
export type McpAppUi = Of<typeof McpAppUi>

/** A call of an MCP server's tool. When it is over, either `result` or `error` is set. */
export const McpToolCallItem = lazy(() =>
  Schema.Struct({
    type: Schema.Literal("mcpToolCall"),
    id: Schema.String,
    server: Schema.String,
    tool: Schema.String,
    status: ToolCallStatus(),
    arguments: Schema.Json,
    appContext: nullable(McpToolCallAppContext()),
    mcpAppResourceUri: absent(Schema.String),
    mcpAppUi: nullable(McpAppUi()),
    pluginId: nullable(Schema.String),
    readOnlyHint: nullable(Schema.Boolean),
    result: nullable(McpToolCallResult()),
    error: nullable(Schema.Struct({ message: Schema.String })),
    durationMs: nullable(I64),
    ...itemTimes
  })
)
export type McpToolCallItem = Of<typeof McpToolCallItem>

/** Output of a client tool. */
export const DynamicToolCallOutputContentItem = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("inputText"), text: Schema.String }),
    Schema.Struct({ type: Schema.Literal("inputImage"), imageUrl: Schema.String }),
    Schema.Struct({ type: Schema.Literal("inputAudio"), audioUrl: Schema.String })
  ])
)
export type DynamicToolCallOutputContentItem = Of<typeof DynamicToolCallOutputContentItem>

/** A call of a tool that the client provides. */
export const DynamicToolCallItem = lazy(() =>
  Schema.Struct({
    type: Schema.Literal("dynamicToolCall"),
    id: Schema.String,
    namespace: nullable(Schema.String),
    tool: Schema.String,
    arguments: Schema.Json,
    status: ToolCallStatus(),
    contentItems: nullable(Schema.Array(DynamicToolCallOutputContentItem())),
    success: nullable(Schema.Boolean),
    durationMs: nullable(I64),
    ...itemTimes
  })
)
export type DynamicToolCallItem = Of<typeof DynamicToolCallItem>

/** The last known state of a sub-agent. */
export const CollabAgentState = lazy(() =>
  Schema.Struct({
    status: Schema.Literals(["pendingInit", "running", "interrupted", "completed", "errored", "shutdown", "notFound"]),
    message: nullable(Schema.String)
  })
)
export type CollabAgentState = Of<typeof CollabAgentState>

/** A call by which one agent starts, instructs or stops others. `agentsStates` is keyed by thread id. */
export const CollabAgentToolCallItem = lazy(() =>
  Schema.Struct({
    type: Schema.Literal("collabAgentToolCall"),
    id: Schema.String,
    tool: Schema.Literals([
      "spawnAgent",
      "sendInput",
      "resumeAgent",
      "wait",
      "closeAgent",
      "sendMessage",
      "followupTask",
      "interruptAgent",
      "listAgents"
    ]),
    status: Schema.Literals(["inProgress", "completed", "failed", "interrupted"]),
    senderThreadId: Schema.String,
    receiverThreadIds: Schema.Array(Schema.String),
    prompt: nullable(Schema.String),
    model: nullable(Schema.String),
    reasoningEffort: nullable(ReasoningEffort()),
    agentsStates: Schema.Record(Schema.String, CollabAgentState()),
    ...itemTimes
  })
)
export type CollabAgentToolCallItem = Of<typeof CollabAgentToolCallItem>

/** An activity of a sub-agent, shown in the thread that started it. */
export const SubAgentActivityItem = lazy(() =>
  Schema.Struct({
    type: Schema.Literal("subAgentActivity"),
    id: Schema.String,
    kind: Schema.Literals(["started", "interacted", "interrupted", "completed"]),
    agentThreadId: Schema.String,
    agentPath: Schema.String,
    model: nullable(Schema.String),
    reasoningEffort: nullable(ReasoningEffort()),
    ...itemTimes
  })
)
export type SubAgentActivityItem = Of<typeof SubAgentActivityItem>

/** The action of a web search item. */
export const WebSearchAction = lazy(() =>
  Schema.Union([
    Schema.Struct({
      type: Schema.Literal("search"),
      query: nullable(Schema.String),
      queries: nullable(Schema.Array(Schema.String))
    }),
    Schema.Struct({ type: Schema.Literal("openPage"), url: nullable(Schema.String) }),
    Schema.Struct({
      type: Schema.Literal("findInPage"),
      url: nullable(Schema.String),
      pattern: nullable(Schema.String)
    }),
    Schema.Struct({ type: Schema.Literal("other") })
  ])
)
export type WebSearchAction = Of<typeof WebSearchAction>

/** A web search by the model server. */
export const WebSearchItem = lazy(() =>
  Schema.Struct({
    type: Schema.Literal("webSearch"),
    id: Schema.String,
    query: Schema.String,
    action: nullable(WebSearchAction()),
    results: nullable(Schema.Array(Schema.Json)),
    ...itemTimes
  })
)
export type WebSearchItem = Of<typeof WebSearchItem>

/** A generated image, in one of two forms: uploaded (`fileId`) or inline base64 (`result`). */
export const ImageGenerationItem = lazy(() => {
  const common = {
    type: Schema.Literal("imageGeneration"),
    id: Schema.String,
    status: Schema.String,
    revisedPrompt: nullable(Schema.String),
    transparentBackground: optional(Schema.Boolean),
    failure: nullable(
      Schema.Struct({
        type: Schema.Literal("usageLimitExceeded"),
        limitId: Schema.String,
        resetsAt: nullable(UnixSeconds)
      })
    ),
    savedPath: optional(Schema.String),
    inputImages: absent(Schema.Array(Schema.Struct({ path: Schema.String, sha256: Schema.String }))),
    generationId: nullable(Schema.String),
    ...itemTimes
  }
  return Schema.Union([
    Schema.Struct({ ...common, fileId: Schema.String }),
    Schema.Struct({ ...common, result: Schema.String })
  ])
})
export type ImageGenerationItem = Of<typeof ImageGenerationItem>

/** A pause that the model requested. */
export const SleepItem = lazy(() =>
  Schema.Struct({ type: Schema.Literal("sleep"), id: Schema.String, durationMs: U64, ...itemTimes })
)
export type SleepItem = Of<typeof SleepItem>
