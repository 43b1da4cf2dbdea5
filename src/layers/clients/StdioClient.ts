/**
 * The client of a server that it starts itself: any command that speaks the protocol on its standard input and output,
 * `spindle app-server` and the released `codex app-server` among them.
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

export interface StdioClientOptions extends Omit<RemoteLink.RemoteOptions, "heartbeat"> {
  /** The program and its arguments, as they are: there is no shell. */
  readonly command: readonly [program: string, ...args: ReadonlyArray<string>]
  /** The folder it is started in. Default: that of this process. */
  readonly cwd?: string
  /** Variables on top of this process's own; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Whether the child sees this process's variables. Default: true. */
  readonly extendEnv?: boolean
  /** What a server may take to end after its input has, before it is signalled. Default: 5 seconds. */
  readonly exitGrace?: Duration.Input
  /** Takes the lines of its stderr. Default: they are logged at debug level. */
  readonly stderr?: (line: string) => Effect.Effect<void>
}

export const endpointOf = (options: StdioClientOptions): Effect.Effect<Endpoint, never, ChildProcessSpawner> =>
  Effect.map(ChildProcessSpawner, (spawner) => {
    // Arguments may be secrets, the program is not.
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
    // Loaded when a connection is made, not with the library.
    const open = Effect.flatMap(
      Effect.promise(() => import("./stdio/ChildProcessChannel.ts")),
      (children) => Effect.provideService(children.open(target), ChildProcessSpawner, spawner)
    )
    return { label, open }
  })

export const make = (
  options: StdioClientOptions
): Effect.Effect<AppServerClient["Service"], ConnectError, ChildProcessSpawner | Scope.Scope> =>
  Effect.flatMap(endpointOf(options), (endpoint) => RemoteLink.client(endpoint, options))

/** A connected client; the child ends with the layer's scope. `NodeServices.layer` has what starts it. */
export const layer = (options: StdioClientOptions): Layer.Layer<AppServerClient, ConnectError, ChildProcessSpawner> =>
  Layer.effect(AppServerClient, make(options))
