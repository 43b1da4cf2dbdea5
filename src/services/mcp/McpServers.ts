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
import type * as Scope from "effect/Scope"
import type { NotificationParams, ServerNotificationMethod } from "../../protocol/Methods.ts"
import type { ConfigError, EffectiveConfig } from "../config/Config.ts"
import type { ToolRegistry } from "../tool/ToolRegistry.ts"
import type { McpServersRequired } from "./McpError.ts"

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
  }
>()("spindle/McpServers") {}
