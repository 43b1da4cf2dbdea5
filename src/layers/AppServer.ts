/**
 * The compositions of layers that make a server.
 *
 * Only this module sees more than one adapter. A program that embeds Spindle uses `layer` (a server without a client),
 * `client` (a server with an in-process client) or `start` (the low-level runtime). The program adds transports to
 * `layer` (`program/ServeStdio`, `program/ServeSockets`).
 *
 * ```
 *  Config ─┬─► Auth ─┬─► ModelProvider ─┐
 *          │         └──────────────────┤
 *  OutboundRouter ─► ServerRequests ──┼─► Threads ─► Handlers ─► MessageProcessor
 *  ThreadStore, Toolset, ──────────────┘
 *  ShellSessions(Sandbox), ExecRules
 * ```
 *
 * @module
 */
import process from "node:process"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Path from "effect/Path"
import { LogToStderr } from "effect/References"
import * as Scope from "effect/Scope"
import * as Auth from "../services/account/Auth.ts"
import * as Config from "../services/config/Config.ts"
import type { AppServerClient } from "../services/client/AppServerClient.ts"
import { DefaultDeadline } from "../services/connection/Deadline.ts"
import { Handlers } from "../services/connection/Handlers.ts"
import * as InProcess from "../services/connection/InProcess.ts"
import * as MessageProcessor from "../services/connection/MessageProcessor.ts"
import * as ModelCatalog from "../services/model/ModelCatalog.ts"
import { NetworkPatience } from "../services/model/NetworkPatience.ts"
import type { ModelProvider } from "../services/model/ModelProvider.ts"
import * as Diagnostics from "../services/observability/Diagnostics.ts"
import * as OutboundRouter from "../services/routing/OutboundRouter.ts"
import * as ServerRequests from "../services/routing/ServerRequests.ts"
import { guard } from "../services/connection/ServedParameters.ts"
import * as Shutdown from "../services/connection/Shutdown.ts"
import { ServerInfo } from "../services/config/ServerInfo.ts"
import * as BoundedStore from "../services/thread/BoundedStore.ts"
import * as Threads from "../services/thread/Threads.ts"
import type { ThreadStore } from "../services/thread/ThreadStore.ts"
import type { Sandbox } from "../services/sandbox/Sandbox.ts"
import type { Toolset } from "../services/tool/Toolset.ts"
import type { SessionSource } from "../protocol/v2/thread/Thread.ts"
import * as NodeSmallFiles from "./files/NodeSmallFiles.ts"
import * as MachineInfo from "./MachineInfo.ts"
import * as InProcessClient from "./clients/InProcessClient.ts"
import * as AccountHandlers from "./handlers/Account.ts"
import * as ConfigHandlers from "./handlers/Config.ts"
import * as InitializeHandlers from "./handlers/Initialize.ts"
import * as ModelHandlers from "./handlers/Model.ts"
import * as ThreadHandlers from "./handlers/ThreadStart.ts"
import * as ThreadArchiveHandlers from "./handlers/ThreadArchive.ts"
import * as ThreadAttachmentHandlers from "./handlers/ThreadAttachments.ts"
import * as ThreadGoalHandlers from "./handlers/ThreadGoals.ts"
import * as ThreadHistoryHandlers from "./handlers/ThreadHistory.ts"
import * as ThreadListHandlers from "./handlers/ThreadList.ts"
import * as ThreadMetadataHandlers from "./handlers/ThreadMetadata.ts"
import * as ThreadQueueHandlers from "./handlers/ThreadQueue.ts"
import * as ThreadReadHandlers from "./handlers/ThreadRead.ts"
import * as ThreadSectionHandlers from "./handlers/ThreadSections.ts"
import * as ThreadSettingsHandlers from "./handlers/ThreadSettings.ts"
import * as ThreadShellHandlers from "./handlers/ThreadShell.ts"
import * as TurnHandlers from "./handlers/Turn.ts"
import * as DefaultModel from "./models/Default.ts"
import * as NoSandbox from "./sandboxes/None.ts"
import * as MemoryStore from "./stores/Memory.ts"
import * as Shell from "./tools/Shell.ts"
import * as Toolsets from "./tools/Toolsets.ts"
import * as FileExecRules from "./tools/shell/FileExecRules.ts"
import * as RulesCheck from "./tools/shell/RulesCheck.ts"

/** Options of an embedding program. Each has a default, so that `layer({})` is a working server. */
export interface AppServerOptions {
  /** Folder of configuration, credentials and rules. Default: `SPINDLE_HOME`, else `CODEX_HOME`, else `~/.spindle`, or `~/.codex` if only that exists. */
  readonly home?: string
  /** Base of relative folders in requests. Default: the process's working directory. */
  readonly cwd?: string
  /**
   * Replaces the process's environment, including key variables. Commands also inherit from it, subject to
   * `shell_environment_policy`.
   */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** The kind of program that starts threads. Default: `vscode`, as for a service. */
  readonly sessionSource?: SessionSource
  /** Configuration from the command line: dotted key and value, later ones take precedence. */
  readonly cliOverrides?: Config.ConfigOptions["cliOverrides"]
  /** A profile: `<home>/<name>.config.toml` is layered on top of `config.toml`. Default: none. */
  readonly profile?: string
  /** Other places for the configuration files. */
  readonly loader?: Config.ConfigOptions["loader"]
  /** Requirements of the organisation, fetched once when they are first needed. */
  readonly cloudRequirements?: Config.ConfigOptions["cloudRequirements"]
  /** Warnings sent to each client after initialize, in addition to those of the configuration. */
  readonly configWarnings?: ReadonlyArray<Config.ConfigWarning>
  /** Whether `CODEX_API_KEY` counts as a credential. Default: true. */
  readonly allowApiKeyEnv?: boolean
  /** An additional logger, for a program that collects feedback. */
  readonly feedback?: Logger.Logger<unknown, unknown>
  /** The shell of child commands. Default: the user's shell. */
  readonly executables?: Shell.Executables
  /**
   * Maximum time that a turn waits for an unreachable model server. Default: no limit, as in the release.
   */
  readonly networkPatience?: Duration.Input
  /** Credentials that the program already has. */
  readonly auth?: Layer.Layer<Auth.Auth>
  /**
   * A model that replaces the configured one for every provider. Default: the model server of the thread's provider; only
   * the provider `offline` uses the offline model.
   */
  readonly model?: Layer.Layer<ModelProvider>
  /** The store of threads. Default: in memory. */
  readonly store?: Layer.Layer<ThreadStore>
  /**
   * The tools of the model. Default: run commands (`Shell.layer`). `Toolsets.besideShell([tool])` adds tools to these,
   * `Toolsets.make([tool])` replaces them.
   */
  readonly tools?: Layer.Layer<Toolset>
  /** The sandbox of commands. Default: none, so that commands which a policy would confine need approval. */
  readonly sandbox?: Layer.Layer<Sandbox>
  /** Additional recording for `Diagnostics`. Default: none. */
  readonly diagnostics?: Diagnostics.DiagnosticsOptions
}

/** The services of `layer`: a server to which transports connect clients. */
export type AppServer =
  | Config.Config
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

/** Web cryptography is loaded with the first random value, not at startup. */
const randomness = Layer.sync(SecureRandom.SecureRandom, () => SecureRandom.make(SecureRandom.randomBytesUnsafe))

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
      ...(yield* TurnHandlers.make),
      ...(yield* ModelHandlers.make),
      ...(yield* ConfigHandlers.make),
      ...(yield* AccountHandlers.make)
    }
    return Handlers.of(guard(handlers))
  })
)

/**
 * Gives a server its own scope, which its `Shutdown` closes last. The end of the layer waits for the same stop, within the
 * deadline, even if resources remain.
 */
const owned = <E, R>(server: Layer.Layer<AppServer, E, R>): Layer.Layer<AppServer, E, R> =>
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

/** A server. Connect clients with a transport, or embed it with `InProcessClient.layer`. */
export const layer = (options: AppServerOptions): Layer.Layer<AppServer, Config.ConfigError, Platform> =>
  owned(serverOf(options))

const serverOf = (options: AppServerOptions): Layer.Layer<AppServer, Config.ConfigError, Platform> => {
  const environment = options.environment ?? process.env
  const home = options.home ?? MachineInfo.home(environment)
  const config = configLayer(options, home, environment)
  const auth = options.auth ?? Auth.layer({ home, environment, allowApiKeyEnv: options.allowApiKeyEnv ?? true })
  const model = (options.model ?? DefaultModel.layer).pipe(
    Layer.provide(
      options.networkPatience === undefined ? Layer.empty : Layer.succeed(NetworkPatience, options.networkPatience)
    )
  )
  const rules = FileExecRules.layer
  const shell = Shell.sessionsWith({ ...options.executables, environment }).pipe(
    Layer.provide([options.sandbox ?? NoSandbox.layer, rules])
  )
  const store = BoundedStore.layer.pipe(Layer.provide(options.store ?? MemoryStore.layer))
  const threads = Threads.layer.pipe(Layer.provide([model, options.tools ?? Toolsets.builtIn, shell, rules]))
  const logging =
    options.feedback === undefined ? Layer.empty : Logger.layer([safe(options.feedback)], { mergeWithExisting: true })
  // Effect's default loggers write to stderr, because stdout belongs to the embedding program.
  const stderr = Layer.succeed(LogToStderr, true)
  return Shutdown.layer.pipe(
    Layer.provideMerge(MessageProcessor.layer),
    Layer.provide(handlers.pipe(Layer.provide([model, RulesCheck.layer]))),
    Layer.provideMerge(threads),
    Layer.provide([store, ModelCatalog.layer, randomness]),
    Layer.provideMerge(ServerRequests.layer),
    Layer.provideMerge(OutboundRouter.layer),
    Layer.provide(auth),
    Layer.provideMerge(config),
    Layer.provideMerge(Layer.sync(ServerInfo, () => MachineInfo.info(options))),
    Layer.provideMerge([logging, stderr, Diagnostics.layer(options.diagnostics)]),
    Layer.provide(NodeSmallFiles.layer)
  )
}

/** Services of the server that an embedding program may use. */
const diagnostics = Layer.effect(Diagnostics.Diagnostics, Diagnostics.Diagnostics)

/** A server with an in-process client, for a program that embeds Spindle. The client's `shutdown` ends the server. */
export const client = (
  options: AppServerOptions & InProcessClient.InProcessClientOptions
): Layer.Layer<AppServerClient | Diagnostics.Diagnostics, Config.ConfigError | InProcess.InProcessError, Platform> =>
  Layer.mergeAll(InProcessClient.layer({ ...options, ownsServer: true }), diagnostics).pipe(
    Layer.provide(layer(options))
  )

/**
 * The low-level runtime: a new server, connected and ready. It ends with `shutdown` or with the scope; a failed start leaves
 * nothing running.
 */
export const start = Effect.fnUntraced(function* (options: AppServerOptions & InProcess.InProcessOptions) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  return yield* Layer.buildWithScope(layer(options), scope).pipe(
    Effect.flatMap((server) => Effect.provideContext(InProcess.start({ ...options, ownsServer: true }), server)),
    Scope.provide(scope),
    Effect.onError(() => Scope.close(scope, Exit.void))
  )
})
