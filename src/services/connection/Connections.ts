/**
 * The service of a running server to which clients connect.
 *
 * It is opaque: listeners (`WebSocketListener`, `UnixSocketListener`), in-process clients and `ServeTransport` take what
 * they need of the engine from it. The engine's own services are therefore not part of the library's interface.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Config } from "../config/Config.ts"
import { ServerInfo } from "../config/ServerInfo.ts"
import { SmallFiles } from "../config/SmallFiles.ts"
import { ServerRequests } from "../routing/ServerRequests.ts"
import { MessageProcessor } from "./MessageProcessor.ts"
import { Shutdown } from "./Shutdown.ts"

/**
 * The services of the engine that connections need.
 *
 * @internal
 */
export type Engine = Config | MessageProcessor | ServerInfo | ServerRequests | Shutdown | SmallFiles

/** What connections get of a running server. It has no public members. */
export interface RunningServer {
  /** @internal */
  readonly engine: Context.Context<Engine>
}

/** A running server, as listeners and in-process clients see it. `AppServer.layer` provides it. */
export class Connections extends Context.Service<Connections, RunningServer>()("spindle/Connections") {}

/**
 * Runs an effect with the services of the engine.
 *
 * @internal
 */
export const withEngine = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, Connections | Exclude<R, Engine>> =>
  Effect.flatMap(Connections, ({ engine }) => Effect.provideContext(effect, engine))

/** The services alone: the rest of the layer's context, its scope among it, is not that of the connections. */
const pick = Context.pick(Config, MessageProcessor, ServerInfo, ServerRequests, Shutdown, SmallFiles)

/** @internal */
export const layer: Layer.Layer<Connections, never, Engine> = Layer.effect(
  Connections,
  Effect.map(Effect.context<Engine>(), (context) => Connections.of({ engine: pick(context) }))
)
