/**
 * The options of an embedded server.
 *
 * @module
 */
import type * as Duration from "effect/Duration"
import type * as Layer from "effect/Layer"
import type * as Logger from "effect/Logger"
import type { SessionSource } from "../protocol/v2/thread/Thread.ts"
import type { Auth, AuthOptions } from "../services/account/Auth.ts"
import type * as Config from "../services/config/Config.ts"
import type { Hooks } from "../services/hook/Hooks.ts"
import type { ModelProvider } from "../services/model/ModelProvider.ts"
import type * as Diagnostics from "../services/observability/Diagnostics.ts"
import type { Sandbox } from "../services/sandbox/Sandbox.ts"
import type { ThreadStore } from "../services/thread/ThreadStore.ts"
import type { Toolset } from "../services/tool/Toolset.ts"
import type * as Shell from "./tools/Shell.ts"

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
  /** An additional logger, for a program that collects feedback. */
  readonly feedback?: Logger.Logger<unknown, unknown>
  /** The shell of child commands. Default: the user's shell. */
  readonly executables?: Shell.Executables
  /**
   * Maximum time that a turn waits for an unreachable model server. Default: no limit, as in the release.
   */
  readonly networkPatience?: Duration.Input
  /**
   * Credentials that the program already has, or whether `CODEX_API_KEY` is one of those that the server finds in the
   * environment and the home folder. Default: `{ allowApiKeyEnv: true }`.
   */
  readonly auth?: Layer.Layer<Auth> | Pick<AuthOptions, "allowApiKeyEnv">
  /**
   * A model that replaces the configured one for every provider. Default: the model server of the thread's provider; only
   * the provider `offline` uses the offline model.
   */
  readonly model?: Layer.Layer<ModelProvider>
  /** The store of threads, which may use the configuration. Default: in memory. `RolloutStore.layer` keeps them in files. */
  readonly store?: Layer.Layer<ThreadStore, never, Config.Config>
  /**
   * The tools of the model. Default: run commands (`Shell.layer`). `Toolsets.besideShell([tool])` adds tools to these,
   * `Toolsets.make([tool])` replaces them.
   */
  readonly tools?: Layer.Layer<Toolset>
  /**
   * The sandbox of commands. Default: `PlatformSandbox.layer`, the best one that works on this machine. With
   * `NoSandbox.layer`, commands that a policy would confine need approval.
   */
  readonly sandbox?: Layer.Layer<Sandbox>
  /** Hooks of the program; they run in front of the configured ones. Default: none. See `Hooks.layer`. */
  readonly hooks?: Layer.Layer<Hooks>
  /** Additional recording for `Diagnostics`. Default: none. */
  readonly diagnostics?: Diagnostics.DiagnosticsOptions
}
