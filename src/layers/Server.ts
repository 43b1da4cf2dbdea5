/**
 * The composition of layers that makes a server.
 *
 * Only this module and `AppServer` see more than one adapter. The program adds transports to `layer` (`program/ServeStdio`,
 * `program/ServeSockets`); the library exports it through `AppServer`, which shows less of it.
 *
 * ```
 *  Config ─┬─► Auth ─┬─► ModelProvider ─┐
 *          │         └──────────────────┤
 *  OutboundRouter ─► ServerRequests ──┼─► Threads ─► Handlers ─► MessageProcessor ─► Connections
 *  ThreadStore, Toolset, ──────────────┘
 *  ShellSessions(Sandbox), ExecRules
 * ```
 *
 * @module
 */
import process from "node:process"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as FileSystem from "effect/FileSystem"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Path from "effect/Path"
import { LogToStderr } from "effect/References"
import * as Scope from "effect/Scope"
import * as Auth from "../services/account/Auth.ts"
import * as Config from "../services/config/Config.ts"
import * as Connections from "../services/connection/Connections.ts"
import { DefaultDeadline } from "../services/connection/Deadline.ts"
import { Handlers } from "../services/connection/Handlers.ts"
import * as MessageProcessor from "../services/connection/MessageProcessor.ts"
import * as Hooks from "../services/hook/Hooks.ts"
import * as ModelCatalog from "../services/model/ModelCatalog.ts"
import { NetworkPatience } from "../services/model/NetworkPatience.ts"
import * as Diagnostics from "../services/observability/Diagnostics.ts"
import * as OutboundRouter from "../services/routing/OutboundRouter.ts"
import * as ServerRequests from "../services/routing/ServerRequests.ts"
import { guard } from "../services/connection/ServedParameters.ts"
import * as Shutdown from "../services/connection/Shutdown.ts"
import { ServerInfo } from "../services/config/ServerInfo.ts"
import * as BoundedStore from "../services/thread/BoundedStore.ts"
import * as Threads from "../services/thread/Threads.ts"
import * as NodeFileReplacement from "./files/NodeFileReplacement.ts"
import * as NodeMachineFiles from "./files/NodeMachineFiles.ts"
import * as NodeSmallFiles from "./files/NodeSmallFiles.ts"
import type { AppServerOptions } from "./AppServerOptions.ts"
import * as MachineInfo from "./MachineInfo.ts"
import * as RandomBytes from "./RandomBytes.ts"
import * as AccountHandlers from "./handlers/Account.ts"
import * as ConfigHandlers from "./handlers/Config.ts"
import * as CloudHandlers from "./handlers/Cloud.ts"
import * as FeatureHandlers from "./handlers/Features.ts"
import * as FileHandlers from "./handlers/Files.ts"
import { late } from "./handlers/Late.ts"
import * as InitializeHandlers from "./handlers/Initialize.ts"
import * as LoginHandlers from "./handlers/Login.ts"
import * as McpHandlers from "./handlers/Mcp.ts"
import * as McpLoginHandlers from "./handlers/McpLogin.ts"
import * as SkillHandlers from "./handlers/Skills.ts"
import * as ModelHandlers from "./handlers/Model.ts"
import * as ThreadHandlers from "./handlers/ThreadStart.ts"
import * as ThreadReadHandlers from "./handlers/ThreadRead.ts"
import * as ThreadArchiveHandlers from "./handlers/ThreadArchive.ts"
import * as ThreadAttachmentHandlers from "./handlers/ThreadAttachments.ts"
import * as ThreadGoalHandlers from "./handlers/ThreadGoals.ts"
import * as ThreadHistoryHandlers from "./handlers/ThreadHistory.ts"
import * as ThreadListHandlers from "./handlers/ThreadList.ts"
import * as ThreadMetadataHandlers from "./handlers/ThreadMetadata.ts"
import * as ThreadQueueHandlers from "./handlers/ThreadQueue.ts"
import * as ThreadSectionHandlers from "./handlers/ThreadSections.ts"
import * as ThreadSettingsHandlers from "./handlers/ThreadSettings.ts"
import * as ThreadShellHandlers from "./handlers/ThreadShell.ts"
import * as ThreadTaskHandlers from "./handlers/ThreadTasks.ts"
import * as ThreadTerminalHandlers from "./handlers/ThreadTerminals.ts"
import * as ThreadSideHandlers from "./handlers/ThreadSide.ts"
import * as TurnHandlers from "./handlers/Turn.ts"
import * as DefaultModel from "./models/Default.ts"
import * as PlatformSandbox from "./sandboxes/Platform.ts"
import * as MemoryStore from "./stores/Memory.ts"
import * as FileHistory from "./tools/FileHistory.ts"
import * as Mcp from "./tools/Mcp.ts"
import * as Shell from "./tools/Shell.ts"
import * as CommandHooks from "./tools/CommandHooks.ts"
import * as Toolsets from "./tools/Toolsets.ts"
import * as FileExecRules from "./tools/shell/FileExecRules.ts"
import * as RulesCheck from "./tools/shell/RulesCheck.ts"

/** The services of `layer`. */
export type Server =
  | Config.Config
  | Connections.Connections
  | Diagnostics.Diagnostics
  | MessageProcessor.MessageProcessor
  | OutboundRouter.OutboundRouter
  | ServerRequests.ServerRequests
  | ServerInfo
  | Shutdown.Shutdown
  | Threads.Threads

/** The platform services of a server; `NodeServices.layer` has both. */
export type Platform = FileSystem.FileSystem | Path.Path

const configLayer = (
  options: AppServerOptions,
  home: string,
  environment: NonNullable<AppServerOptions["environment"]>
) =>
  Config.layer({
    home,
    cwd: options.cwd ?? process.cwd(),
    environment,
    cliOverrides: options.cliOverrides ?? [],
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    ...(options.loader === undefined ? {} : { loader: options.loader }),
    ...(options.cloudRequirements === undefined ? {} : { cloudRequirements: options.cloudRequirements }),
    ...(options.configWarnings === undefined ? {} : { warnings: options.configWarnings })
  })

/** What needs neither a service nor a finalizer, as one layer: closing a layer costs an exit a fiber. */
const facts = (options: AppServerOptions) =>
  Layer.syncContext(() =>
    Context.make(ServerInfo, MachineInfo.info(options)).pipe(
      // Web cryptography is loaded with the first random value, not at startup.
      Context.add(SecureRandom.SecureRandom, SecureRandom.make(RandomBytes.make())),
      // Effect's default loggers write to stderr, because stdout belongs to the embedding program.
      Context.add(LogToStderr, true),
      options.networkPatience === undefined ? identity : Context.add(NetworkPatience, options.networkPatience)
    )
  )

/** The processes of clients. Few clients start any. */
const processHandlers = Effect.map(
  late(
    Effect.flatMap(
      Effect.promise(() => import("./handlers/processes/Processes.ts")),
      ({ make }) => make
    )
  ),
  (later) => ({
    "command/exec": later("command/exec"),
    "command/exec/write": later("command/exec/write"),
    "command/exec/terminate": later("command/exec/terminate"),
    "command/exec/resize": later("command/exec/resize"),
    "process/spawn": later("process/spawn"),
    "process/writeStdin": later("process/writeStdin"),
    "process/kill": later("process/kill"),
    "process/resizePty": later("process/resizePty")
  })
)

const hookHandlers = late(Effect.promise(() => import("./handlers/Hooks.ts")).pipe(Effect.flatMap(({ make }) => make)))

const handlers = Layer.effect(
  Handlers,
  Effect.gen(function* () {
    const handlers = {
      ...(yield* InitializeHandlers.make),
      ...(yield* ThreadHandlers.make),
      ...(yield* ThreadReadHandlers.make),
      ...(yield* ThreadListHandlers.make),
      ...(yield* ThreadHistoryHandlers.make),
      ...(yield* ThreadArchiveHandlers.make),
      ...(yield* ThreadMetadataHandlers.make),
      ...(yield* ThreadSettingsHandlers.make),
      ...(yield* ThreadAttachmentHandlers.make),
      ...(yield* ThreadSectionHandlers.make),
      ...(yield* ThreadQueueHandlers.make),
      ...(yield* ThreadGoalHandlers.make),
      ...(yield* ThreadShellHandlers.make),
      ...(yield* ThreadTaskHandlers.make),
      ...(yield* ThreadTerminalHandlers.make),
      ...(yield* ThreadSideHandlers.make),
      ...(yield* TurnHandlers.make),
      ...(yield* ModelHandlers.make),
      ...(yield* ConfigHandlers.make),
      ...(yield* McpHandlers.make),
      ...(yield* McpLoginHandlers.make),
      ...(yield* AccountHandlers.make),
      ...(yield* LoginHandlers.make),
      ...(yield* FeatureHandlers.make),
      ...CloudHandlers.handlers,
      ...(yield* SkillHandlers.make),
      ...(yield* FileHandlers.make),
      ...(yield* processHandlers),
      "hooks/list": (yield* hookHandlers)("hooks/list")
    }
    return Handlers.of(guard(handlers))
  })
)

/**
 * Gives a server its own scope, which its `Shutdown` closes last. The end of the layer waits for the same stop, within the
 * deadline, even if resources remain.
 */
const owned = <E, R>(server: Layer.Layer<Server, E, R>): Layer.Layer<Server, E, R> =>
  Layer.fromBuild((memoMap, outer) =>
    Effect.gen(function* () {
      const fork = Effect.runForkWith(yield* Effect.context<never>())
      const scope = yield* Scope.make()
      // For a start that fails or is interrupted. After a stop there is nothing to close.
      yield* Scope.addFinalizer(outer, Scope.close(scope, Exit.void))
      const built = yield* Layer.buildWithMemoMap(server, memoMap, scope)
      const { atEnd, stop } = Context.get(built, Shutdown.Shutdown)
      yield* atEnd((deadline) =>
        Effect.gen(function* () {
          const closing = fork(Scope.close(scope, Exit.void))
          yield* Effect.raceFirst(Fiber.await(closing), deadline.end)
          if (closing.pollUnsafe() !== undefined) return
          yield* Effect.logWarning("the server has stopped, but some resources were not released in time")
        })
      )
      yield* Scope.addFinalizer(outer, stop(DefaultDeadline))
      return built
    })
  )

/** The logger of an embedder, whose errors do not reach the fiber that logs. */
const safe = (logger: Logger.Logger<unknown, unknown>): Logger.Logger<unknown, void> =>
  Logger.make((entry) => {
    try {
      logger.log(entry)
    } catch {
      // There is no other place to report it: logging it would call the same logger.
    }
  })

/** A server with all its services. */
export const layer = (options: AppServerOptions): Layer.Layer<Server, Config.ConfigError, Platform> =>
  owned(serverOf(options))

/** The hooks of the embedding program, in front of the configured ones. */
const hooksOf = (options: AppServerOptions, environment: NonNullable<AppServerOptions["environment"]>) =>
  Layer.effect(
    Hooks.Hooks,
    Effect.gen(function* () {
      const commands = yield* CommandHooks.make({ environment })
      if (options.hooks === undefined) return commands
      const own = Context.get(yield* Layer.build(options.hooks), Hooks.Hooks)
      return Hooks.Hooks.of({
        open: (thread) => Effect.zipWith(own.open(thread), commands.open(thread), Hooks.both)
      })
    })
  )

const serverOf = (options: AppServerOptions): Layer.Layer<Server, Config.ConfigError, Platform> => {
  const environment = options.environment ?? process.env
  const home = options.home ?? MachineInfo.home(environment)
  const config = configLayer(options, home, environment)
  const { auth: credentials = { allowApiKeyEnv: true } } = options
  const auth = "allowApiKeyEnv" in credentials ? Auth.layer({ home, environment, ...credentials }) : credentials
  const model = options.model ?? DefaultModel.layer
  const rules = FileExecRules.layer
  const sandbox = options.sandbox ?? PlatformSandbox.configured({ environment, protect: [home] })
  const fileHistory = FileHistory.layer.pipe(Layer.provide(sandbox))
  const shell = Shell.sessionsWith({ ...options.executables, environment }).pipe(
    Layer.provide(fileHistory),
    Layer.provide(sandbox),
    Layer.provide(rules)
  )
  const store = BoundedStore.layer.pipe(Layer.provide(options.store ?? MemoryStore.layer))
  const mcp = Mcp.layer({ environment })
  const threads = Threads.layer.pipe(
    Layer.provide(model),
    Layer.provide(options.tools ?? Toolsets.builtIn),
    Layer.provide(shell),
    Layer.provide(rules),
    Layer.provide(hooksOf(options, environment)),
    Layer.provide(mcp)
  )
  const logging =
    options.feedback === undefined ? Layer.empty : Logger.layer([safe(options.feedback)], { mergeWithExisting: true })
  return Connections.layer.pipe(
    Layer.provideMerge(Shutdown.layer),
    Layer.provideMerge(MessageProcessor.layer),
    Layer.provide(
      handlers.pipe(
        Layer.provide(model),
        Layer.provide([RulesCheck.layer, NodeMachineFiles.layer, NodeFileReplacement.layer, fileHistory]),
        Layer.provide(shell),
        Layer.provide(mcp)
      )
    ),
    Layer.provideMerge(threads),
    Layer.provide(store),
    Layer.provide(ModelCatalog.layer),
    Layer.provideMerge(ServerRequests.layer),
    Layer.provideMerge(OutboundRouter.layer),
    Layer.provide(auth),
    Layer.provideMerge(config),
    Layer.provideMerge(Diagnostics.layer(options.diagnostics)),
    Layer.provideMerge(logging),
    Layer.provideMerge(facts(options)),
    Layer.provide(NodeSmallFiles.layer)
  )
}
