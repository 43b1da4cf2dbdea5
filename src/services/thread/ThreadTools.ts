/**
 * What a thread runs things with: its rules and its shell, and the tools that are opened beside it.
 *
 * Rules that cannot be read refuse the thread. Tools do not: they are opened while the thread lives already, and a set that
 * cannot be opened is missing.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { EffectiveConfig } from "../config/Config.ts"
import { ExecRules } from "../tool/ExecRules.ts"
import { ShellSessions } from "../tool/ShellSessions.ts"
import { type ToolRegistry } from "../tool/ToolRegistry.ts"
import { Toolset } from "../tool/Toolset.ts"
import type { ThreadContext } from "./ThreadContext.ts"
import { supervised } from "./turn/Supervised.ts"

export const make = Effect.gen(function* () {
  const execRules = yield* ExecRules
  const shells = yield* ShellSessions
  const toolset = yield* Toolset

  /** The shell of a thread, and what its rules warn of. */
  const openShell = Effect.fnUntraced(function* (threadId: string, config: EffectiveConfig) {
    const rules = yield* execRules.open(config)
    const shell = yield* shells.open({ threadId, config, rules })
    return { shell, warnings: rules.warnings }
  })

  /** Opens the tools of a thread beside it. When a set cannot be opened, the subscribers are warned. */
  const openTools = (context: ThreadContext, registry: ToolRegistry, config: EffectiveConfig, scope: Scope.Scope) => {
    const { id: threadId, shell } = context
    const added = Effect.suspend(() => toolset.open({ threadId, config, shell, registry }))
    const opening = supervised(Scope.provide(added, scope), { name: "the opening of tools", scope }).pipe(
      Effect.catchCause((cause) => {
        const error = Cause.findErrorOption(cause)
        const message = Option.isSome(error) ? error.value.message : "tools are not available: internal error"
        // Not in this step: the client that starts the thread is subscribed in it.
        return Effect.logError("a set of tools cannot be opened", cause).pipe(
          Effect.andThen(Effect.yieldNow),
          Effect.andThen(context.notify("warning", { threadId, message }))
        )
      }),
      Effect.annotateLogs({ thread: threadId })
    )
    // What can be added at once is there before the thread is: a turn may begin in the next step.
    return Effect.forkIn(opening, scope, { startImmediately: true })
  }

  return { openShell, openTools }
})
