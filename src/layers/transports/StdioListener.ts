/**
 * The one client on standard input and output, for programs that embed the server.
 *
 * Does not own the bytes (`Stdio`). Standard output then belongs to the protocol: the program must not print to it.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as StandardIo from "effect/Stdio"
import { type Connections, withEngine } from "../../services/connection/Connections.ts"
import type { ConnectionLimits } from "./ConnectionLimits.ts"
import { limitsOf, type ListenerOptionError } from "./ListenerOptions.ts"
import * as Stdio from "./Stdio.ts"

export { ListenerOptionError } from "./ListenerOptions.ts"

/** Options of the client on standard input and output. */
export interface StdioListenerOptions {
  /** Its limits. Default: `ConnectionLimits.defaultLimits`, for each limit that is not given. */
  readonly limits?: Partial<ConnectionLimits>
}

/** The served client. */
export class StdioListener extends Context.Service<
  StdioListener,
  {
    /** Waits until standard input has ended and its messages were handled. The client may still read. */
    readonly inputEnded: Effect.Effect<void>
    /** Waits until the connection has ended, for example because standard output was closed. */
    readonly closed: Effect.Effect<void>
  }
>()("spindle/StdioListener") {}

const open = Effect.fnUntraced(function* (options: StdioListenerOptions) {
  const { closed, inputEnded } = yield* Stdio.serve({ limits: yield* limitsOf(options.limits) })
  return StdioListener.of({ closed, inputEnded })
})

/** Serves the client until the scope closes. Fails with `ListenerOptionError` for an invalid limit. */
export const make = (
  options: StdioListenerOptions = {}
): Effect.Effect<StdioListener["Service"], ListenerOptionError, Connections | Scope.Scope | StandardIo.Stdio> =>
  withEngine(open(options))

/**
 * Serves the client on standard input and output until the layer's scope closes: a JSON document per line, in UTF-8.
 *
 * @example
 * ```ts
 * import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
 * import * as NodeServices from "@effect/platform-node/NodeServices"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import { AppServer, StdioListener } from "spindle-app-server"
 *
 * const server = StdioListener.layer().pipe(Layer.provide(AppServer.layer({})), Layer.provide(NodeServices.layer))
 *
 * // The program ends when its input has ended.
 * StdioListener.StdioListener.use(({ inputEnded }) => inputEnded).pipe(Effect.provide(server), NodeRuntime.runMain)
 * ```
 */
export const layer = (
  options: StdioListenerOptions = {}
): Layer.Layer<StdioListener, ListenerOptionError, Connections | StandardIo.Stdio> =>
  Layer.effect(StdioListener, make(options))
