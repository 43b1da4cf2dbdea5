/**
 * `spindle app-server`: one client on standard input and output, until the input ends or a signal comes.
 *
 * @module
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as AppServer from "../layers/AppServer.ts"
import * as NodeSmallFiles from "../layers/files/NodeSmallFiles.ts"
import * as Stdio from "../layers/transports/Stdio.ts"
import { DefaultDeadline, stop } from "../services/connection/Shutdown.ts"
import { Threads } from "../services/thread/Threads.ts"
import type { EarlyAnswer } from "./EarlyAnswer.ts"
import * as Logging from "./Logging.ts"
import * as Telemetry from "./Telemetry.ts"

const platform = Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeStdio.layer, NodeSmallFiles.layer)

/** Serves until the client is done; the exit code. Not zero when that cut a turn short, which is said on stderr. */
const serve = Effect.fnUntraced(function* (early: EarlyAnswer | undefined) {
  const threads = yield* Threads
  const { served, reader, writer } = yield* Stdio.serve({ answered: early?.release() })
  const finish = Effect.gen(function* () {
    const cut = threads.running()
    yield* stop(served, Effect.void, DefaultDeadline)
    yield* served.connection.outgoing.end
    yield* Effect.timeoutOption(Fiber.await(writer), DefaultDeadline)
    return cut
  })
  yield* Effect.onInterrupt(Fiber.await(reader), () => finish)
  const cut = yield* finish
  if (cut === 0) return 0
  yield* Effect.logError(`stdin ended while ${cut} turn(s) were running; they were interrupted`)
  return 1
}, Effect.scoped)

/** Gives a service its server, its machine and a place for its words; what keeps it from starting is said there. */
export const provide = <E extends { readonly message: string }>(
  service: Effect.Effect<number, E, AppServer.AppServer | Layer.Success<typeof platform>>,
  options: AppServer.AppServerOptions
): Effect.Effect<number> =>
  service.pipe(
    Effect.provide(AppServer.layer(options).pipe(Layer.provideMerge(platform))),
    Effect.catch((error) => Effect.as(Effect.logError(error.message), 1)),
    Effect.provide(Telemetry.layer),
    Effect.provide(Logging.layer)
  )

/** The service with the given configuration overrides. */
export const run = (options: AppServer.AppServerOptions, early?: EarlyAnswer): Effect.Effect<number> =>
  provide(serve(early), options)
