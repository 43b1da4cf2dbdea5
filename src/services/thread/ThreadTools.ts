/**
 * Opens what a thread needs to run commands and tools: its rules, its shell and its tools.
 *
 * A thread does not start when its rules cannot be read. Tools are opened concurrently with the running thread; a set that
 * cannot be opened is missing.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { EffectiveConfig } from "../config/Config.ts"
import { ExecRules } from "../tool/ExecRules.ts"
import { ShellSessions } from "../tool/ShellSessions.ts"
import { type ToolRegistry } from "../tool/ToolRegistry.ts"
import { Toolset, type ToolsUnavailable } from "../tool/Toolset.ts"
import type { ThreadContext } from "./ThreadContext.ts"
import { depthOf } from "./agent/AgentTree.ts"
import { supervised } from "./turn/Supervised.ts"

/** The warnings for a failure: one for each set of tools. Those that died are warned of once. */
const messagesOf = (cause: Cause.Cause<ToolsUnavailable>): ReadonlySet<string> =>
  new Set(
    cause.reasons.map((reason) =>
      Cause.isFailReason(reason) ? reason.error.message : "tools are not available: internal error"
    )
  )

export const make = Effect.gen(function* () {
  const execRules = yield* ExecRules
  const shells = yield* ShellSessions
  const toolset = yield* Toolset

  /** The shell of a thread, and the warnings about its rules. */
  const openShell = Effect.fnUntraced(function* (threadId: string, config: EffectiveConfig) {
    const rules = yield* execRules.open(config)
    const shell = yield* shells.open({ threadId, config, rules })
    return { shell, warnings: rules.warnings }
  })

  /** Opens the tools of a thread in the background. Subscribers are warned when a set cannot be opened. */
  const openTools = (context: ThreadContext, registry: ToolRegistry, config: EffectiveConfig, scope: Scope.Scope) => {
    const { id: threadId, services, shell, state } = context
    const { dynamicTools = [] } = state.origin
    const added = Effect.suspend(() =>
      toolset.open({
        threadId,
        config,
        depth: depthOf(state.origin),
        shell,
        registry,
        dynamicTools,
        files: services.files
      })
    )
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

  return { openShell, openTools }
})
