/**
 * A server for programs that embed Spindle.
 *
 * - `client`: a server with a typed client, in one layer. Start here.
 * - `layer`: a server without a client. Add listeners (`WebSocketListener`, `UnixSocketListener`) or in-process clients
 *   (`InProcessClient`), as many as needed.
 * - `start`: the low-level runtime, with request ids and events of the caller's own.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type { AppServerClient } from "../services/client/AppServerClient.ts"
import type { Config, ConfigError } from "../services/config/Config.ts"
import { type Connections, withEngine } from "../services/connection/Connections.ts"
import * as InProcess from "../services/connection/InProcess.ts"
import type { Shutdown } from "../services/connection/Shutdown.ts"
import { Diagnostics } from "../services/observability/Diagnostics.ts"
import type { AppServerOptions } from "./AppServerOptions.ts"
import * as InProcessClient from "./clients/InProcessClient.ts"
import * as Server from "./Server.ts"

export type { AppServerOptions } from "./AppServerOptions.ts"
export type { Platform } from "./Server.ts"

/**
 * The services of a server.
 *
 * - `Connections`: what listeners and in-process clients connect to
 * - `Config`: the configuration, and the home folder
 * - `Diagnostics`: a snapshot of connections, threads and queues
 * - `Shutdown`: stops the server before its scope closes
 */
export type AppServer = Config | Connections | Diagnostics | Shutdown

/**
 * A server without clients.
 *
 * It ends with the layer's scope: turns are interrupted, clients read their last messages, and everything is released
 * within five seconds. Fails with `ConfigError` when the configuration of the machine or of `cliOverrides` is invalid; an
 * invalid `config.toml` of the user is a warning to clients.
 *
 * @example
 * ```ts
 * import * as NodeServices from "@effect/platform-node/NodeServices"
 * import * as Layer from "effect/Layer"
 * import { AppServer, WebSocketListener } from "spindle-app-server"
 *
 * export const server = WebSocketListener.layer({ port: 4500 }).pipe(
 *   Layer.provide(AppServer.layer({})),
 *   Layer.provide(NodeServices.layer)
 * )
 * ```
 */
export const layer = (options: AppServerOptions): Layer.Layer<AppServer, ConfigError, Server.Platform> =>
  Server.layer(options)

/** Options of `client`: those of the server and those of its client. */
export interface ClientOptions extends AppServerOptions, Omit<InProcessClient.InProcessClientOptions, "ownsServer"> {}

/** Services of the server that the owner of its client may use. */
const diagnostics = Layer.effect(Diagnostics, Diagnostics)

/**
 * A server with an in-process client. The client's `shutdown` ends the server, and so does the layer's scope.
 *
 * Fails with `ConfigError` as `layer` does, and with `InProcessError` when the client's `initialize` is refused.
 *
 * @example
 * ```ts
 * import * as NodeServices from "@effect/platform-node/NodeServices"
 * import * as Effect from "effect/Effect"
 * import { AppServer, AppServerClient } from "spindle-app-server"
 *
 * export const program = Effect.gen(function* () {
 *   const client = yield* AppServerClient.AppServerClient
 *   const { thread } = yield* client.request("thread/start", {})
 *   return thread.id
 * }).pipe(
 *   Effect.provide(AppServer.client({ clientName: "my-cli", clientVersion: "1.0.0" })),
 *   Effect.provide(NodeServices.layer)
 * )
 * ```
 */
export const client = (
  options: ClientOptions
): Layer.Layer<AppServerClient | Diagnostics, ConfigError | InProcess.InProcessError, Server.Platform> =>
  Layer.mergeAll(InProcessClient.layer({ ...options, ownsServer: true }), diagnostics).pipe(
    Layer.provide(layer(options))
  )

/** Options of `start`: those of the server and those of its only connection. */
export interface StartOptions extends AppServerOptions, Omit<InProcess.InProcessOptions, "ownsServer"> {}

/**
 * The low-level runtime: a new server, connected and ready. It ends with `shutdown` or with the scope; a failed start leaves
 * nothing running.
 *
 * @example
 * ```ts
 * import * as NodeServices from "@effect/platform-node/NodeServices"
 * import * as Effect from "effect/Effect"
 * import { AppServer } from "spindle-app-server"
 *
 * export const program = Effect.gen(function* () {
 *   const runtime = yield* AppServer.start({ initialize: { clientInfo: { name: "me", version: "1.0.0" } } })
 *   return yield* runtime.request({ id: 1, method: "thread/loaded/list", params: {} })
 * }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
 * ```
 */
export const start = Effect.fnUntraced(function* (
  options: StartOptions
): Effect.fn.Return<InProcess.InProcessHandle, ConfigError | InProcess.InProcessError, Scope.Scope | Server.Platform> {
  const scope = yield* Scope.fork(yield* Effect.scope)
  return yield* Layer.buildWithScope(layer(options), scope).pipe(
    Effect.flatMap((server) =>
      Effect.provideContext(withEngine(InProcess.start({ ...options, ownsServer: true })), server)
    ),
    Scope.provide(scope),
    Effect.onError(() => Scope.close(scope, Exit.void))
  )
})
