/**
 * Spindle as a library.
 *
 * Start with `AppServer.client`: one layer with a server and a typed client of it. `AppServer.layer` is the server alone,
 * `AppServer.start` the low-level runtime. Models, tools and stores are provided as layers. `WebSocketClient`,
 * `UnixSocketClient` and `StdioClient` are the same client for a server in another process, either this server or the
 * released one.
 *
 * `spindle-app-server/LanguageModelProvider`, which adapts any model of `effect/ai`, is a separate entry point, because
 * `effect/ai` takes longer to load than everything here.
 *
 * @example
 * ```ts
 * import * as NodeServices from "@effect/platform-node/NodeServices"
 * import * as Effect from "effect/Effect"
 * import { AppServer, AppServerClient } from "spindle-app-server"
 *
 * const program = Effect.gen(function* () {
 *   const client = yield* AppServerClient.AppServerClient
 *   const { thread } = yield* client.request("thread/start", {})
 *   return thread.id
 * })
 *
 * program.pipe(
 *   Effect.provide(AppServer.client({ clientName: "my-cli", clientVersion: "1.0.0" })),
 *   Effect.provide(NodeServices.layer)
 * )
 * ```
 *
 * @module spindle-app-server
 */
// The server and its clients.
export * as AppServer from "./layers/AppServer.ts"
export * as AppServerClient from "./services/client/AppServerClient.ts"
export type * as ClientEvent from "./services/client/ClientEvent.ts"
export * as InProcessClient from "./layers/clients/InProcessClient.ts"
export * as StdioClient from "./layers/clients/StdioClient.ts"
export * as UnixSocketClient from "./layers/clients/UnixSocketClient.ts"
export * as WebSocketClient from "./layers/clients/WebSocketClient.ts"
export * as ThreadClient from "./services/client/ThreadClient.ts"
export * as RemoteLink from "./services/client/RemoteLink.ts"

// Listeners: clients of an embedded server.
export * as StdioListener from "./layers/transports/StdioListener.ts"
export * as UnixSocketListener from "./layers/transports/UnixSocketListener.ts"
export * as WebSocketListener from "./layers/transports/WebSocketListener.ts"
export * as ConnectionLimits from "./layers/transports/ConnectionLimits.ts"
export * as ReadBudget from "./layers/transports/ReadBudget.ts"
export * as BacklogBudget from "./services/routing/BacklogBudget.ts"

// The protocol.
export * as ErrorCode from "./protocol/jsonrpc/ErrorCode.ts"
export * as JsonRpc from "./protocol/jsonrpc/Envelope.ts"
export * as Methods from "./protocol/Methods.ts"
export type * as UnservedRequests from "./protocol/UnservedRequests.ts"
export type * as Method from "./protocol/Method.ts"
export type * as Lazy from "./protocol/Lazy.ts"
export * as Protocol from "./protocol/Protocol.ts"

// Services of a server.
export * as Config from "./services/config/Config.ts"
export * as Connections from "./services/connection/Connections.ts"
export * as Diagnostics from "./services/observability/Diagnostics.ts"
export * as InProcess from "./services/connection/InProcess.ts"
export * as Metrics from "./services/observability/Metrics.ts"
export * as Prometheus from "./layers/observability/Prometheus.ts"
export * as Shutdown from "./services/connection/Shutdown.ts"

// The port to models.
export * as ModelProvider from "./services/model/ModelProvider.ts"
export * as Offline from "./layers/models/Offline.ts"
export * as Responses from "./layers/models/Responses.ts"
export * as Auth from "./services/account/Auth.ts"

// The port to tools.
export * as Tool from "./services/tool/Tool.ts"
export * as Toolset from "./services/tool/Toolset.ts"
export * as ToolRegistry from "./services/tool/ToolRegistry.ts"
export * as Toolsets from "./layers/tools/Toolsets.ts"
export * as Shell from "./layers/tools/Shell.ts"
export * as Agents from "./services/tool/Agents.ts"
export * as HostProcesses from "./services/tool/HostProcesses.ts"
export * as ShellSessions from "./services/tool/ShellSessions.ts"
export * as ExecRules from "./services/tool/ExecRules.ts"

// The port to stores.
export * as ThreadStore from "./services/thread/ThreadStore.ts"
export * as ThreadCursor from "./services/thread/ThreadCursor.ts"
export * as ThreadEvent from "./services/thread/ThreadEvent.ts"
export type * as ThreadFacts from "./services/thread/ThreadFacts.ts"
export type * as History from "./services/thread/History.ts"
export * as ThreadState from "./services/thread/ThreadState.ts"
export * as ThreadView from "./services/thread/ThreadView.ts"
export * as StoreQuery from "./layers/stores/Query.ts"
export * as MemoryStore from "./layers/stores/Memory.ts"
export * as RolloutStore from "./layers/stores/Rollouts.ts"

// The port to hooks.
export * as Hooks from "./services/hook/Hooks.ts"

// The port to sandboxes.
export * as Sandbox from "./services/sandbox/Sandbox.ts"
export * as FileAccess from "./services/sandbox/FileAccess.ts"
export * as PlatformSandbox from "./layers/sandboxes/Platform.ts"
export * as NoSandbox from "./layers/sandboxes/None.ts"

// The port to transports.
export * as Transport from "./services/connection/Transport.ts"
export * as OutboundMessage from "./services/routing/OutboundMessage.ts"
export * as MessageText from "./protocol/jsonrpc/Parse.ts"
export * as MessageLines from "./protocol/jsonrpc/Lines.ts"
export * as OwnTransport from "./layers/transports/OwnTransport.ts"

// The port to files that are read whole.
export * as SmallFiles from "./services/config/SmallFiles.ts"
export * as NodeSmallFiles from "./layers/files/NodeSmallFiles.ts"
export * as FileReplacement from "./services/config/FileReplacement.ts"
export * as ConfigWriter from "./services/config/ConfigWriter.ts"
