/**
 * The tools that run commands: `exec_command` and `write_stdin`.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import process from "node:process"
import { Sandbox } from "../../services/sandbox/Sandbox.ts"
import { type Tool, Toolset } from "../../services/tool/Tool.ts"
import { ExecRules } from "./shell/ExecRules.ts"
import * as Specs from "./shell/Specs.ts"

/** Programs that commands are run with. */
export interface Executables {
  /** Absolute path of the shell, where the model does not ask for one itself. Default: the user's own. */
  readonly shell?: string
}

export interface Options extends Executables {
  /**
   * What commands inherit from, as the thread's `shell_environment_policy` says. It is read with the first command of a
   * thread. Default: the process's environment.
   */
  readonly environment?: Readonly<Record<string, string | undefined>>
}

/**
 * Each thread gets its own sessions. Commands run on in the background when a call or a turn is over, and end, with all
 * processes of their groups, when the thread's scope is closed, or when this process dies. On Linux so do processes that
 * left their groups: at once or, where only the thread is closed, a moment later.
 */
export const layerWith = (options: Options): Layer.Layer<Toolset, never, Sandbox | ExecRules> =>
  Layer.effect(
    Toolset,
    Effect.gen(function* () {
      const sandbox = yield* Sandbox
      const rules = yield* ExecRules
      const serverScope = yield* Effect.scope
      const watchdog = yield* Effect.cached(
        Effect.promise(() => import("./shell/Watchdog.ts")).pipe(
          Effect.flatMap(({ make }) => Scope.provide(make, serverScope)),
          Effect.uninterruptible
        )
      )
      return Toolset.of({
        open: Effect.fnUntraced(function* ({ config, threadId, warn }) {
          const inForce = yield* rules.open(config)
          for (const warning of inForce.warnings) warn?.(warning)
          const scope = yield* Scope.fork(yield* Effect.scope, "parallel")
          const shell = yield* Effect.cached(
            Effect.uninterruptible(
              Effect.map(
                Effect.zip(
                  Effect.promise(() => import("./shell/ShellThread.ts")),
                  Effect.flatMap(watchdog, (watchdog) => Scope.provide(watchdog.thread, scope))
                ),
                ([{ ShellThread }, marked]) =>
                  new ShellThread({
                    ...options,
                    environment: options.environment ?? process.env,
                    threadId,
                    config,
                    sandbox,
                    rules: inForce,
                    allow: rules.allow,
                    mayLogIn: config.settings["allow_login_shell"] !== false,
                    marked,
                    scope
                  })
              )
            )
          )
          const execCommand: Tool = {
            spec: Specs.execCommand,
            run: (call, turn) => Effect.flatMap(shell, (thread) => thread.execCommand(call, turn))
          }
          const writeStdin: Tool = {
            spec: Specs.writeStdin,
            run: (call, turn) => Effect.flatMap(shell, (thread) => thread.writeStdin(call, turn))
          }
          return [execCommand, writeStdin]
        })
      })
    })
  )

/** Runs commands with the user's own shell. */
export const layer: Layer.Layer<Toolset, never, Sandbox | ExecRules> = layerWith({})
