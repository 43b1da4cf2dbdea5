/**
 * The port to MCP servers: those of a thread, and what clients ask about them.
 *
 * Owns the vocabulary between the engine and the code that talks to MCP servers (`layers/tools/mcp`). Servers are shared by
 * the threads that configure them in the same way.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { NotificationParams, ServerNotificationMethod } from "../../protocol/Methods.ts"
import type { ConfigError, EffectiveConfig } from "../config/Config.ts"
import type { ToolRegistry } from "../tool/ToolRegistry.ts"
import type { McpAuthStatus } from "../../protocol/v2/mcp/McpServer.ts"
import type { Table } from "../config/Table.ts"
import type { McpError, McpLoginError, McpServersRequired, McpStartError } from "./McpError.ts"
import type { HttpServer, McpServerConfig } from "./McpServerConfig.ts"

/** A thread that uses MCP servers. */
export interface McpThread {
  readonly threadId: string
  /** Absolute path. */
  readonly cwd: string
  readonly config: EffectiveConfig
  /** Reads the thread's configuration again. */
  readonly reread: Effect.Effect<EffectiveConfig, ConfigError>
  /** Receives the tools of the servers. */
  readonly registry: ToolRegistry
  /** Publishes a notification to the subscribers of the thread. */
  readonly notify: <M extends ServerNotificationMethod>(method: M, params: NotificationParams<M>) => Effect.Effect<void>
}

/** What a server that is ready said about itself. */
export interface McpServerDescription {
  readonly info: Table
  readonly capabilities: Table
  /** The tools that the settings offer, by name. */
  readonly tools: Readonly<Record<string, Table>>
  readonly toolsMeta: Schema.Json
  /** Why the tools may be outdated. */
  readonly toolsProblem: string | null
}

/** The state of a server. */
export type McpServerStatus =
  | { readonly _tag: "Disabled" }
  | { readonly _tag: "Starting" }
  | { readonly _tag: "Ready"; readonly description: McpServerDescription }
  | { readonly _tag: "Failed"; readonly error: McpStartError }

/** A configured server, for requests of clients. */
export interface McpServerHandle {
  readonly config: McpServerConfig
  readonly authStatus: Effect.Effect<McpAuthStatus>
  readonly status: () => McpServerStatus
  /** Waits until the server is ready, has failed, or is disabled. */
  readonly settled: Effect.Effect<void>
  /** Sends a request when the server is ready. Requests of the server meanwhile are declined. */
  readonly request: (method: string, params: Table) => Effect.Effect<Table, McpError>
  /** All pages of a list, up to a limit. */
  readonly list: (method: string, member: string) => Effect.Effect<ReadonlyArray<Table>, McpError>
}

/** Servers: those of a loaded thread, by its id, or those of a configuration. */
export type McpServersOf = string | { readonly config: EffectiveConfig; readonly cwd: string }

/** A login at a server that is reached by HTTP. */
export interface McpLogin {
  readonly name: string
  readonly server: HttpServer
  /** Null for the scopes that the server names. */
  readonly scopes: ReadonlyArray<string> | null
  /** The port of the callback on this machine; 0 for any. */
  readonly callbackPort: number
  /** How long the user may take, in milliseconds. */
  readonly timeoutMs: number
  /** Runs when the login has succeeded, or has failed with this error. */
  readonly onCompleted: (error: McpLoginError | null) => Effect.Effect<void>
}

/** The port to MCP servers. */
export class McpServers extends Context.Service<
  McpServers,
  {
    /**
     * Connects a thread to its servers until the scope closes. Servers start in the background: only those that are
     * `required` are waited for, and the thread does not start without them. The result publishes the states of the
     * servers, from now on; it is run when the thread has subscribers.
     */
    readonly open: (thread: McpThread) => Effect.Effect<Effect.Effect<void>, McpServersRequired, Scope.Scope>
    /** The servers, by name. Those of a configuration are started, and used until the scope closes. */
    readonly servers: (of: McpServersOf) => Effect.Effect<ReadonlyArray<McpServerHandle>, never, Scope.Scope>
    /** Reads the settings of every thread again: changed servers are replaced, failed ones are started again. */
    readonly reload: Effect.Effect<void>
    /** Starts a login and returns the address for the user. */
    readonly login: (login: McpLogin) => Effect.Effect<string, McpLoginError>
  }
>()("spindle/McpServers") {}
