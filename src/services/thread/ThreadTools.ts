/**
 * Opens what a thread needs to run commands and tools: its rules, its shell, its MCP servers and its tools.
 *
 * A thread does not start when its rules cannot be read, or when a required MCP server does not start. Tools are opened concurrently with the running thread; a set that
 * cannot be opened is missing.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { EffectiveConfig } from "../config/Config.ts"
import { ExecRules, type RulesUnavailable } from "../tool/ExecRules.ts"
import { ShellSessions } from "../tool/ShellSessions.ts"
import type { McpServersRequired } from "../mcp/McpError.ts"
import { McpServers, type McpThread } from "../mcp/McpServers.ts"
import { type ToolRegistry } from "../tool/ToolRegistry.ts"
import { Toolset, type ToolsUnavailable } from "../tool/Toolset.ts"
import type { OutboundRouter } from "../routing/OutboundRouter.ts"
import type { ThreadContext } from "./ThreadContext.ts"
import { depthOf } from "./agent/AgentTree.ts"
import { awaitClients } from "./ThreadJournal.ts"
import { supervised } from "./turn/Supervised.ts"

/** The warnings for a failure: one for each set of tools. Those that died are warned of once. */
const messagesOf = (cause: Cause.Cause<ToolsUnavailable>): ReadonlySet<string> =>
  new Set(
    cause.reasons.map((reason) =>
      Cause.isFailReason(reason) ? reason.error.message : "tools are not available: internal error"
    )
  )

/** Why the tools of a thread cannot be opened. The thread does not start. */
export type OpenError = RulesUnavailable | McpServersRequired

export const make = Effect.gen(function* () {
  const execRules = yield* ExecRules
  const shells = yield* ShellSessions
  const toolset = yield* Toolset
  const mcp = yield* McpServers

  /** The shell of a thread, and the warnings about its rules. */
  const openShell = Effect.fnUntraced(function* (threadId: string, config: EffectiveConfig) {
    const rules = yield* execRules.open(config)
    const shell = yield* shells.open({ threadId, config, rules })
    return { shell, warnings: rules.warnings }
  })

  /** Connects a thread to its MCP servers. The result publishes their states, once the thread has subscribers. */
  const openMcp = (
    { publishNow }: OutboundRouter["Service"],
    { config, cwd, registry, reread, threadId }: Omit<McpThread, "notify">
  ) => {
    const notify: McpThread["notify"] = (method, params) =>
      Effect.suspend(() => {
        const wait = publishNow(method, params, threadId)
        return wait === undefined ? Effect.void : awaitClients(wait)
      })
    return mcp.open({ threadId, cwd, config, reread, registry, notify })
  }

  /** Opens the tools of a thread in the background. Subscribers are warned when a set cannot be opened. */
  const openTools = (context: ThreadContext, registry: ToolRegistry, config: EffectiveConfig, scope: Scope.Scope) => {
    const { id: threadId, shell, state } = context
    const { files } = context.services
    const { dynamicTools = [] } = state.origin
    const depth = depthOf(state.origin)
    const added = Effect.suspend(() => toolset.open({ threadId, config, depth, shell, registry, dynamicTools, files }))
    const opening = supervised(Scope.provide(added, scope), { name: "the opening of tools", scope }).pipe(
      Effect.catchCause((cause) => {
        // Deferred, because the client that starts the thread subscribes in this step.
        return Effect.logError("a set of tools cannot be opened", cause).pipe(
          Effect.andThen(Effect.yieldNow),
          Effect.andThen(
            Effect.forEach(messagesOf(cause), (message) => context.notify("warning", { threadId, message }), {
              discard: true
            })
          )
        )
      }),
      Effect.annotateLogs({ thread: threadId })
    )
    // Tools that are added synchronously exist before the thread does: a turn may begin in the next step.
    return Effect.forkIn(opening, scope, { startImmediately: true })
  }

  return { openShell, openMcp, openTools }
})
