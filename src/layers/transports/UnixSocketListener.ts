/**
 * Clients on a socket file, for programs that embed the server.
 *
 * Owns the options of such a listener. Does not own the socket file (`UnixSocket`): only the user of the process can open
 * it, and it is removed at the end.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import type * as Scope from "effect/Scope"
import { Config } from "../../services/config/Config.ts"
import { type Connections, withEngine } from "../../services/connection/Connections.ts"
import type { ConnectionLimits } from "./ConnectionLimits.ts"
import type { ListenFailed } from "./HttpUpgrade.ts"
import { invalid, limitsOf, type ListenerOptionError } from "./ListenerOptions.ts"
import * as UnixSocket from "./UnixSocket.ts"

export { ListenFailed } from "./HttpUpgrade.ts"
export { ListenerOptionError } from "./ListenerOptions.ts"
export { UnixSocketError } from "./UnixSocket.ts"

/** Options of a listener on a socket file. */
export interface UnixSocketListenerOptions {
  /**
   * The socket file; a relative path is relative to the working directory. At most 107 bytes, 103 on macOS. Missing folders
   * are created for the user alone. A stale socket is replaced; any other file is an error.
   * Default: `app-server-control/app-server-control.sock` in the server's home folder.
   */
  readonly path?: string
  /** Limits of its clients. Default: `ConnectionLimits.defaultLimits`, for each limit that is not given. */
  readonly limits?: Partial<ConnectionLimits>
}

/** An open listener. */
export class UnixSocketListener extends Context.Service<
  UnixSocketListener,
  {
    /** Absolute path of the socket file. */
    readonly path: string
    /** `unix://<path>`. */
    readonly url: string
    /** Number of connected clients. */
    readonly clients: () => number
    /** Stops accepting clients and removes the file. Connected clients stay until the scope closes. */
    readonly refuse: Effect.Effect<void>
  }
>()("spindle/UnixSocketListener") {}

const open = Effect.fnUntraced(function* (options: UnixSocketListenerOptions) {
  if (options.path === "" || options.path?.includes("\0") === true) {
    return yield* invalid("path", "it must be the path of a file; omit it to use the home folder")
  }
  const { home } = yield* Config
  const limits = yield* limitsOf(options.limits)
  const { path, refuse, served } = yield* UnixSocket.serve({ path: options.path, home, limits })
  return UnixSocketListener.of({ path, url: `unix://${path}`, clients: () => served().length, refuse })
})

/** The errors of opening a listener. */
export type UnixSocketListenerError = ListenerOptionError | ListenFailed | UnixSocket.UnixSocketError

/**
 * Listens until the scope closes. Use it instead of `layer` for several files.
 *
 * Fails with `UnixSocketError` when the file cannot be used or another server answers there, otherwise as `layer`.
 */
export const make = (
  options: UnixSocketListenerOptions = {}
): Effect.Effect<
  UnixSocketListener["Service"],
  UnixSocketListenerError,
  Connections | FileSystem.FileSystem | Path.Path | Scope.Scope
> => withEngine(open(options))

/**
 * Accepts clients of a server on a socket file until the layer's scope closes. Access to the file is the authentication:
 * only the user of this process can open it.
 *
 * The layer fails with `UnixSocketError` when the file cannot be used or another server answers there, with
 * `ListenerOptionError` for an invalid option, with `ListenFailed` when the system refuses to listen.
 *
 * @example
 * ```ts
 * import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
 * import * as NodeServices from "@effect/platform-node/NodeServices"
 * import * as Layer from "effect/Layer"
 * import { AppServer, UnixSocketListener } from "spindle-app-server"
 *
 * UnixSocketListener.layer({ path: "./agent.sock" }).pipe(
 *   Layer.provide(AppServer.layer({})),
 *   Layer.provide(NodeServices.layer),
 *   Layer.launch,
 *   NodeRuntime.runMain
 * )
 * ```
 */
export const layer = (
  options: UnixSocketListenerOptions = {}
): Layer.Layer<UnixSocketListener, UnixSocketListenerError, Connections | FileSystem.FileSystem | Path.Path> =>
  Layer.effect(UnixSocketListener, make(options))
