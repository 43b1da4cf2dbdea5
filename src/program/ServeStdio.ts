/**
 * `spindle app-server`: one client on standard input and output, until the input ends or a signal arrives.
 *
 * @module
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import process from "node:process"
import * as Duration from "effect/Duration"
import { Console } from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { AppServerOptions } from "../layers/AppServerOptions.ts"
import * as NodeSmallFiles from "../layers/files/NodeSmallFiles.ts"
import * as Server from "../layers/Server.ts"
import * as Rollouts from "../layers/stores/Rollouts.ts"
import * as Stdio from "../layers/transports/Stdio.ts"
import { DefaultDeadline } from "../services/connection/Deadline.ts"
import { Shutdown } from "../services/connection/Shutdown.ts"
import { Threads } from "../services/thread/Threads.ts"
import type { EarlyAnswer } from "./EarlyAnswer.ts"
import * as Logging from "./Logging.ts"
import * as Telemetry from "./Telemetry.ts"

const platform = Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeStdio.layer, NodeSmallFiles.layer)

/** Maximum duration of the stop after a second signal. */
export const ForcedDeadline = Duration.seconds(1)

/** Nothing that needs memory happens in the first moments, in which a client waits for its first answers. */
const limitMemory = Effect.promise(() => import("./console/V8Flags.ts")).pipe(
  Effect.delay("250 millis"),
  Effect.flatMap(({ limitGrowth }) => limitGrowth)
)

/** Waits for a SIGINT or SIGTERM. */
const signal: Effect.Effect<void> = Effect.callback((resume) => {
  const onSignal = () => resume(Effect.void)
  process.on("SIGINT", onSignal)
  process.on("SIGTERM", onSignal)
  return Effect.sync(() => {
    process.off("SIGINT", onSignal)
    process.off("SIGTERM", onSignal)
  })
})

/** The exit code after the end of stdin. `cut` is the number of turns that it interrupted; more than none is logged. */
export const exitCodeAfter = (cut: number): Effect.Effect<number> =>
  cut === 0
    ? Effect.succeed(0)
    : Effect.as(Effect.logError(`stdin ended while ${cut} turn(s) were running; they were interrupted`), 1)

/**
 * Serves until the input ends or a signal arrives. The exit code is 1 when the end of the input interrupted a turn, or when
 * stdout failed; stderr has the reason.
 */
const serve = Effect.fnUntraced(function* (early: EarlyAnswer | undefined) {
  const threads = yield* Threads
  const { stop } = yield* Shutdown
  const served = yield* Stdio.serve({ answered: early?.release() })
  yield* Effect.forkScoped(limitMemory)
  const finish = Effect.suspend(() => {
    const found = { cut: threads.running(), isGone: served.connection.isClosed }
    return Effect.as(stop(DefaultDeadline), found)
  })
  // The first signal interrupts the wait. From then on the next signal is awaited.
  const forced = Effect.andThen(signal, stop(ForcedDeadline))
  const { cut, isGone } = yield* Effect.onInterrupt(Effect.andThen(served.inputEnded, finish), () =>
    Effect.andThen(Effect.forkScoped(Effect.interruptible(forced), { startImmediately: true }), finish)
  )
  // An open stdin would keep the process alive. The failure has been logged.
  return isGone ? 1 : yield* exitCodeAfter(cut)
}, Effect.scoped)

/** Prints a failed start as an error of the command line, or as a log line with `LOG_FORMAT=json`. */
const startFailed = (message: string): Effect.Effect<void> =>
  process.env["LOG_FORMAT"] === "json"
    ? Effect.logError(message)
    : Effect.flatMap(Console, (console) => Effect.sync(() => console.error(`error: ${message}`)))

/** Provides a service with its server, the platform and logging. A server that cannot start logs why and exits with 1. */
export const provide = <E extends { readonly message: string }>(
  service: Effect.Effect<number, E, Server.Server | Layer.Success<typeof platform>>,
  options: AppServerOptions
): Effect.Effect<number> =>
  service.pipe(
    Effect.provide(Server.layer({ store: Rollouts.layer, ...options }).pipe(Layer.provideMerge(platform))),
    Effect.catch((error) => Effect.as(startFailed(error.message), 1)),
    Effect.provide(Telemetry.layer),
    Effect.provide(Logging.layer)
  )

/** The service with the given configuration overrides. */
export const run = (options: AppServerOptions, early?: EarlyAnswer): Effect.Effect<number> =>
  provide(serve(early), options)
