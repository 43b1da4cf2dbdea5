/**
 * The compositions: which layers make a server.
 *
 * This is the one place that sees more than one adapter. A program that embeds Spindle takes `layer` (a server without a
 * client), `client` (a server with an in-process client) or `start` (the low-level runtime). The program adds transports to
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
import * as Host from "./MachineInfo.ts"
import * as InProcessClient from "./clients/InProcessClient.ts"
import * as AccountHandlers from "./handlers/Account.ts"
import * as ConfigHandlers from "./handlers/Config.ts"
import * as InitializeHandlers from "./handlers/Initialize.ts"
import * as ModelHandlers from "./handlers/Model.ts"
import * as ThreadHandlers from "./handlers/ThreadStart.ts"
import * as ThreadReadHandlers from "./handlers/ThreadRead.ts"
import * as ThreadListHandlers from "./handlers/ThreadList.ts"
import * as ThreadShellHandlers from "./handlers/ThreadShell.ts"
import * as TurnHandlers from "./handlers/Turn.ts"
import * as DefaultModel from "./models/Default.ts"
import * as NoSandbox from "./sandboxes/None.ts"
import * as MemoryStore from "./stores/Memory.ts"
import * as Shell from "./tools/Shell.ts"
import * as Toolsets from "./tools/Toolsets.ts"
import * as FileExecRules from "./tools/shell/FileExecRules.ts"
import * as RulesCheck from "./tools/shell/RulesCheck.ts"

/** What an embedding program may say. Everything has a default, so that `layer({})` is a working server. */
export interface AppServerOptions {
  /** Where configuration, credentials and rules are. Default: `SPINDLE_HOME`, else `CODEX_HOME`, else `~/.spindle`, or `~/.codex` if only that exists. */
  readonly home?: string
  /** Relative folders in requests count from here. Default: the process's working directory. */
  readonly cwd?: string
  /**
   * What is read instead of the process's environment, key variables included. Commands inherit from it as well, as
   * `shell_environment_policy` says.
   */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** The kind of program that threads are started from. Default: `vscode`, as a service. */
  readonly sessionSource?: SessionSource
  /** Configuration from the command line: dotted key and value, later ones win. */
  readonly cliOverrides?: Config.ConfigOptions["cliOverrides"]
  /** A profile: `<home>/<name>.config.toml` is layered on top of `config.toml`. Default: none. */
  readonly profile?: string
  /** Other places for the configuration files. */
  readonly loader?: Config.ConfigOptions["loader"]
  /** Requirements of the organisation, fetched once when they are first needed. */
  readonly cloudRequirements?: Config.ConfigOptions["cloudRequirements"]
  /** Told to each client after its initialize, besides what the configuration itself warns of. */
  readonly configWarnings?: ReadonlyArray<Config.ConfigWarning>
  /** Whether `CODEX_API_KEY` counts as a credential. Default: true. */
  readonly allowApiKeyEnv?: boolean
  /** Also gets everything the server logs, for a program that collects feedback. */
  readonly feedback?: Logger.Logger<unknown, unknown>
  /** Programs that child commands are run with. Default: the user's shell. */
  readonly executables?: Shell.Executables
  /**
   * The longest time that a turn waits for a model server that cannot be reached at all. Default: no limit, as in the release.
   */
  readonly networkPatience?: Duration.Input
  /** Credentials the program has already. */
  readonly auth?: Layer.Layer<Auth.Auth>
  /**
   * A model in place of the configured one, whatever provider a thread names. Default: the model server that a thread's
   * provider stands for, and the offline model for the provider `offline` alone.
   */
  readonly model?: Layer.Layer<ModelProvider>
  /** Where threads are kept. Default: in memory. */
  readonly store?: Layer.Layer<ThreadStore>
  /**
   * What the model may do. Default: run commands (`Shell.layer`). `Toolsets.besideShell([tool])` has tools of your own besides,
   * `Toolsets.make([tool])` has them alone.
   */
  readonly tools?: Layer.Layer<Toolset>
  /** How commands are confined. Default: not at all, and what a policy would confine is asked about. */
  readonly sandbox?: Layer.Layer<Sandbox>
  /** What is recorded for `Diagnostics` beyond what the server knows anyway. Default: nothing. */
  readonly diagnostics?: Diagnostics.DiagnosticsOptions
}

/** What `layer` provides: a server that transports connect clients to. */
export type AppServer =
  | Config.Config
  | Diagnostics.Diagnostics
  | MessageProcessor.MessageProcessor
  | OutboundRouter.OutboundRouter
  | ServerRequests.ServerRequests
  | ServerInfo
  | Shutdown.Shutdown
  | Threads.Threads

/** What a server needs of the machine; `NodeServices.layer` has both. */
export type Platform = FileSystem.FileSystem | Path.Path

const configLayer = (options: AppServerOptions) => {
  const environment = options.environment ?? process.env
  return Config.layer({
    home: options.home ?? Host.home(environment),
    cwd: options.cwd ?? process.cwd(),
    environment,
    cliOverrides: options.cliOverrides ?? [],
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    ...(options.loader === undefined ? {} : { loader: options.loader }),
    ...(options.cloudRequirements === undefined ? {} : { cloudRequirements: options.cloudRequirements }),
    ...(options.configWarnings === undefined ? {} : { warnings: options.configWarnings })
  })
}

/** Web cryptography is loaded with the first random value, and not while the server starts. */
const randomness = Layer.sync(SecureRandom.SecureRandom, () => SecureRandom.make(SecureRandom.randomBytesUnsafe))

const handlers = Layer.effect(
  Handlers,
  Effect.gen(function* () {
    const handlers = {
      ...(yield* InitializeHandlers.make),
      ...(yield* ThreadHandlers.make),
      ...(yield* ThreadReadHandlers.make),
      ...(yield* ThreadListHandlers.make),
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
 * Gives a server a scope of its own, which its `Shutdown` closes last. The layer's own end waits for the same stop: it is bounded
 * by the deadline, whatever the server still holds.
 */
const owned = <E, R>(server: Layer.Layer<AppServer, E, R>): Layer.Layer<AppServer, E, R> =>
  Layer.fromBuild((memoMap, outer) =>
    Effect.gen(function* () {
      const fork = Effect.runForkWith(yield* Effect.context<never>())
      const scope = yield* Scope.make()
      // For a start that fails or is given up; after a stop nothing is left to close.
      yield* Scope.addFinalizer(outer, Scope.close(scope, Exit.void))
      const built = yield* Layer.buildWithMemoMap(server, memoMap, scope)
      const { atEnd, stop } = Context.get(built, Shutdown.Shutdown)
      yield* atEnd((deadline) =>
        Effect.gen(function* () {
          const closing = fork(Scope.close(scope, Exit.void))
          yield* Effect.raceFirst(Fiber.await(closing), deadline.end)
          if (closing.pollUnsafe() !== undefined) return
          yield* Effect.logWarning("the server has stopped, and not everything that it holds was released in time")
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
  const config = configLayer(options)
  const environment = options.environment ?? process.env
  const auth =
    options.auth ??
    Auth.layer({
      home: options.home ?? Host.home(environment),
      environment,
      allowApiKeyEnv: options.allowApiKeyEnv ?? true
    })
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
  // Stdout belongs to the program that embeds the server: Effect's default loggers write to stderr instead.
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
    Layer.provideMerge(Layer.sync(ServerInfo, () => Host.info(options))),
    Layer.provideMerge([logging, stderr, Diagnostics.layer(options.diagnostics)]),
    Layer.provide(NodeSmallFiles.layer)
  )
}

/** The server's own, for the program around it. */
const diagnostics = Layer.effect(Diagnostics.Diagnostics, Diagnostics.Diagnostics)

/** A server with its client: what a program that embeds Spindle provides. The server ends with the client's `shutdown`. */
export const client = (
  options: AppServerOptions & InProcessClient.InProcessClientOptions
): Layer.Layer<AppServerClient | Diagnostics.Diagnostics, Config.ConfigError | InProcess.InProcessError, Platform> =>
  Layer.mergeAll(InProcessClient.layer({ ...options, ownsServer: true }), diagnostics).pipe(
    Layer.provide(layer(options))
  )

/**
 * The low-level runtime: a server of its own, connected and ready. All of it ends with `shutdown`, or with the scope; when
 * the start fails nothing of it is left.
 */
export const start = Effect.fnUntraced(function* (options: AppServerOptions & InProcess.InProcessOptions) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  return yield* Layer.buildWithScope(layer(options), scope).pipe(
    Effect.flatMap((server) => Effect.provideContext(InProcess.start({ ...options, ownsServer: true }), server)),
    Scope.provide(scope),
    Effect.onError(() => Scope.close(scope, Exit.void))
  )
})
