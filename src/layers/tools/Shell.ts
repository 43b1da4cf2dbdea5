/**
 * The commands of threads (`ShellSessions`), the processes of clients (`HostProcesses`), and the tools that run commands:
 * `exec_command` and `write_stdin`. `apply_patch` belongs to them, because a command may also be a patch.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import process from "node:process"
import { Sandbox } from "../../services/sandbox/Sandbox.ts"
import { FileHistory } from "../../services/tool/FileHistory.ts"
import { ExecRules } from "../../services/tool/ExecRules.ts"
import { type HostLauncher, HostProcesses } from "../../services/tool/HostProcesses.ts"
import { type ShellOptions, ShellSessions, ShowRefusals, type ThreadShell } from "../../services/tool/ShellSessions.ts"
import type { Tool } from "../../services/tool/Tool.ts"
import { Toolset } from "../../services/tool/Toolset.ts"
import type { ShellThread } from "./shell/ShellThread.ts"
import * as Specs from "./shell/Specs.ts"
import type { Marked, Watchdog } from "./shell/Watchdog.ts"
import * as Patches from "./Patches.ts"

/** The shell of commands. */
export interface Executables {
  /** Absolute path of the shell, unless the model names one. Default: the user's own. */
  readonly shell?: string
}

/** Options of the shell. */
export interface Options extends Executables {
  /**
   * The base environment of commands, subject to the thread's `shell_environment_policy`. Read with the first command of a
   * thread. Default: the process's environment.
   */
  readonly environment?: Readonly<Record<string, string | undefined>>
}

/** State shared by the shells of all threads. */
interface Shared {
  readonly options: Options
  readonly sandbox: Sandbox["Service"]
  readonly rules: ExecRules["Service"]
  readonly watchdog: Effect.Effect<Watchdog>
  readonly showRefusals: boolean
  readonly history: FileHistory["Service"] | undefined
}

/** Loads the shell of a thread; `marked` ends with `scope`. */
const load = (
  { options, rules, sandbox, showRefusals }: Shared,
  thread: ShellOptions,
  patches: Patches.ThreadPatches,
  marked: Marked,
  scope: Scope.Scope
) =>
  Effect.map(
    Effect.promise(() => import("./shell/ShellThread.ts")),
    ({ ShellThread }) =>
      new ShellThread({
        ...options,
        environment: options.environment ?? process.env,
        threadId: thread.threadId,
        config: thread.config,
        sandbox,
        rules: thread.rules,
        allow: rules.allow,
        mayLogIn: thread.config.settings["allow_login_shell"] !== false,
        patches,
        marked,
        showRefusals,
        scope
      })
  )

/** The shell of a thread. It is loaded with the first command. */
const open = Effect.fnUntraced(function* (shared: Shared, thread: ShellOptions) {
  const scope = yield* Scope.fork(yield* Effect.scope, "parallel")
  let loaded: ShellThread | undefined
  const patches = yield* Patches.open(shared.sandbox, shared.history, thread.config)
  const marked = Effect.flatMap(shared.watchdog, (watchdog) => Scope.provide(watchdog.thread, scope))
  const shell = yield* Effect.cached(
    Effect.flatMap(marked, (marked) => load(shared, thread, patches, marked, scope)).pipe(
      Effect.tap((shell) => Effect.sync(() => void (loaded = shell))),
      Effect.uninterruptible
    )
  )
  const toolOf = (spec: Tool["spec"], run: (shell: ShellThread) => Tool["run"]): Tool => ({
    spec,
    publishesItems: true,
    asksFirst: true,
    run: (call, turn) => Effect.flatMap(shell, (shell) => run(shell)(call, turn))
  })
  const threadShell: ThreadShell = {
    tools: [
      toolOf(Specs.execCommand, (shell) => (call, turn) => shell.execCommand(call, turn)),
      toolOf(Specs.writeStdin, (shell) => (call, turn) => shell.writeStdin(call, turn)),
      patches.tool
    ],
    startUserCommand: (command, turn) => Effect.flatMap(shell, (shell) => shell.startUserCommand(command, turn)),
    sessions: Effect.sync(() => loaded?.sessions ?? []),
    terminate: (processId) => Effect.suspend(() => loaded?.terminate(processId) ?? Effect.succeed(false))
  }
  return threadShell
})

/** A launcher of processes for one client. It is loaded with the first one. */
const openLauncher = Effect.fnUntraced(function* ({ options, sandbox, watchdog }: Shared) {
  const scope = yield* Effect.scope
  const marked = yield* Effect.cached(
    Effect.uninterruptible(Effect.flatMap(watchdog, (watchdog) => Scope.provide(watchdog.thread, scope)))
  )
  const environment = options.environment ?? process.env
  const launch: HostLauncher = (command) =>
    Effect.flatMap(
      Effect.promise(() => import("./shell/ClientProcesses.ts")),
      ({ launcher }) => launcher(sandbox, environment, marked)(command)
    )
  return launch
})

/**
 * Each thread has its own sessions. Commands continue in the background after their call or turn, and end, with all
 * processes of their groups, when the thread's scope closes or this process dies. On Linux this includes processes that left
 * their groups: at once or, when only the thread closes, shortly after. The same holds for the processes of a client and the
 * scope of its launcher.
 */
export const sessionsWith = (
  options: Options
): Layer.Layer<ShellSessions | HostProcesses, never, Sandbox | ExecRules> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const serverScope = yield* Effect.scope
      const watchdog = yield* Effect.cached(
        Effect.promise(() => import("./shell/Watchdog.ts")).pipe(
          Effect.flatMap(({ make }) => Scope.provide(make, serverScope)),
          Effect.uninterruptible
        )
      )
      const showRefusals = yield* ShowRefusals
      const shared: Shared = {
        options,
        sandbox: yield* Sandbox,
        rules: yield* ExecRules,
        watchdog,
        showRefusals,
        history: Option.getOrUndefined(yield* Effect.serviceOption(FileHistory))
      }
      return Context.make(ShellSessions, ShellSessions.of({ open: (thread) => open(shared, thread) })).pipe(
        Context.add(HostProcesses, HostProcesses.of({ open: openLauncher(shared) }))
      )
    })
  )

/** The tools that run commands in the sessions of the thread. */
export const layer: Layer.Layer<Toolset> = Layer.succeed(
  Toolset,
  Toolset.of({ open: ({ registry, shell }) => registry.add(shell.tools) })
)
