/**
 * A client that starts its server: any command that implements the protocol on standard input and output, such as `spindle
 * app-server` and the released `codex app-server`.
 *
 * @module
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import { AppServerClient } from "../../services/client/AppServerClient.ts"
import type { ConnectError, Endpoint } from "../../services/client/MessageChannel.ts"
import * as RemoteLink from "../../services/client/RemoteLink.ts"

/** The command of the server, and the options of every client of a remote server. */
export interface StdioClientOptions extends Omit<RemoteLink.RemoteOptions, "heartbeat"> {
  /** The program and its arguments, passed without a shell. */
  readonly command: readonly [program: string, ...args: ReadonlyArray<string>]
  /** The working directory of the child. Default: that of this process. */
  readonly cwd?: string
  /** Variables in addition to this process's own; undefined removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Whether the child inherits this process's variables. Default: true. */
  readonly extendEnv?: boolean
  /** How long a server may take to exit after the end of its input, before it gets a signal. Default: 5 seconds. */
  readonly exitGrace?: Duration.Input
  /** Receives the lines of its stderr. Default: they are logged at debug level. */
  readonly stderr?: (line: string) => Effect.Effect<void>
}

/** Where the client connects to. Starts nothing. */
export const endpointOf = (options: StdioClientOptions): Effect.Effect<Endpoint, never, ChildProcessSpawner> =>
  Effect.map(ChildProcessSpawner, (spawner) => {
    // Arguments may contain secrets, so only the program is shown.
    const [label] = options.command
    const target = {
      label,
      command: options.command,
      cwd: options.cwd,
      env: options.env ?? {},
      extendEnv: options.extendEnv ?? true,
      exitGrace: options.exitGrace ?? "5 seconds",
      stderr: options.stderr ?? ((line: string) => Effect.logDebug(line))
    }
    // Loaded when a connection is opened, not with the library.
    const open = Effect.flatMap(
      Effect.promise(() => import("./stdio/ChildProcessChannel.ts")),
      (children) => Effect.provideService(children.open(target), ChildProcessSpawner, spawner)
    )
    return { label, open }
  })

/** A connected client. The child ends with the scope. */
export const make = (
  options: StdioClientOptions
): Effect.Effect<AppServerClient["Service"], ConnectError, ChildProcessSpawner | Scope.Scope> =>
  Effect.flatMap(endpointOf(options), (endpoint) => RemoteLink.client(endpoint, options))

/** A connected client; the child ends with the layer's scope. `NodeServices.layer` provides the process spawner. */
export const layer = (options: StdioClientOptions): Layer.Layer<AppServerClient, ConnectError, ChildProcessSpawner> =>
  Layer.effect(AppServerClient, make(options))
