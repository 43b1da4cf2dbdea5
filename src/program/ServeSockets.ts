/**
 * `spindle app-server --listen …`: clients on sockets, and optionally on stdio, until a signal arrives.
 *
 * Owns the end of such a server. The transports are in `layers/transports`. A server for stdio alone is `ServeStdio`, which
 * loads nothing of this.
 *
 * ```
 *  starting ──signal──► exit 0
 *  serving ──signal──► draining ──no turn runs──► closing ─► exit 0
 *     │                   └──second SIGINT or SIGTERM──► closing, at once
 *     └──stdin has ended and no other client is connected──► closing
 * ```
 *
 * @module
 */
import process from "node:process"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import type { AppServerOptions } from "../layers/AppServerOptions.ts"
import * as AuthFlags from "../layers/transports/auth/AuthFlags.ts"
import * as Prometheus from "../layers/observability/Prometheus.ts"
import type { Admission } from "../layers/transports/HttpScreen.ts"
import type { ListenAddress, ListenStdio } from "../layers/transports/ListenAddress.ts"
import type { SocketListener } from "../layers/transports/SocketListener.ts"
import * as Stdio from "../layers/transports/Stdio.ts"
import * as UnixSocket from "../layers/transports/UnixSocket.ts"
import * as WebSocket from "../layers/transports/WebSocket.ts"
import { Config } from "../services/config/Config.ts"
import { RequestTiming } from "../services/observability/Metrics.ts"
import { DefaultDeadline } from "../services/connection/Deadline.ts"
import type { Served } from "../services/connection/MessageProcessor.ts"
import { Shutdown } from "../services/connection/Shutdown.ts"
import { Threads } from "../services/thread/Threads.ts"
import * as Logging from "./Logging.ts"
import * as V8Flags from "./console/V8Flags.ts"
import * as ServeStdio from "./ServeStdio.ts"
import * as Signals from "./Signals.ts"
import * as Stderr from "./console/Stderr.ts"

/** The addresses and the accepted clients. */
export interface ListeningOptions {
  readonly listens: ReadonlyArray<ListenAddress>
  readonly auth: AuthFlags.AuthFlags
  /** Accepted origins of web pages. */
  readonly allowedOrigins: ReadonlyArray<string>
}

/** Prints the address for people and parent programs; as one line of JSON with LOG_FORMAT=json. */
const announce = (lines: ReadonlyArray<string>): Effect.Effect<void> =>
  process.env["LOG_FORMAT"] === "json"
    ? Effect.logInfo(lines.map((line) => line.trim()).join("; "))
    : Effect.sync(() => Stderr.line(lines.join("\n")))

const pages = new Map([["/metrics", { contentType: Prometheus.contentType, text: Prometheus.text }]])

const open = Effect.fnUntraced(function* (listen: Exclude<ListenAddress, ListenStdio>, admission: Admission) {
  if (listen._tag === "Unix") {
    const { home } = yield* Config
    const listener = yield* UnixSocket.serve({ path: listen.path, home })
    yield* announce(["spindle app-server (Unix socket)", `  listening on: unix://${listener.path}`])
    return listener
  }
  const listener = yield* WebSocket.serve({ listen, admission, pages })
  yield* announce(WebSocket.banner(listener.bound))
  return listener
})

/** Everything that accepts clients. */
interface Endpoints {
  readonly listeners: ReadonlyArray<SocketListener>
  readonly stdio: Served | undefined
}

/** Stops accepting clients and stops the server under the deadline. A further call brings the deadline forward. */
const close = Effect.fnUntraced(function* ({ listeners }: Endpoints, within: Duration.Duration) {
  const { stop } = yield* Shutdown
  yield* Effect.forEach(listeners, ({ refuse }) => refuse, { discard: true })
  yield* stop(within)
})

/** Waits until standard input has ended and no socket client is connected. */
const abandoned = Effect.fnUntraced(function* ({ listeners, stdio }: Endpoints) {
  if (stdio === undefined) return yield* Effect.never
  yield* stdio.inputEnded
  yield* stdio.close({ _tag: "InputEnded" })
  while (listeners.some((listener) => listener.served().length > 0)) {
    yield* Effect.forEach(listeners, ({ isEmpty }) => isEmpty, { discard: true })
  }
  return "abandoned" as const
})

/** Received and unhandled signals. */
type Received = Queue.Dequeue<Signals.Signal>

/** Waits for the next SIGINT or SIGTERM. */
const forced = (signals: Received) =>
  Queue.take(signals).pipe(Effect.repeat({ while: (signal) => signal === "SIGHUP" }), Effect.as(false))

/** Waits for the running turns, then for the clients; a second signal ends both. */
const drain = Effect.fnUntraced(function* (endpoints: Endpoints, signals: Received) {
  const threads = yield* Threads
  const inOrder = Effect.andThen(threads.drain, close(endpoints, DefaultDeadline))
  const isClosed = yield* Effect.raceFirst(Effect.as(inOrder, true), forced(signals))
  if (isClosed) return
  yield* Effect.logWarning(`second signal: ending at once, with ${threads.running()} turn(s) running`)
  yield* close(endpoints, ServeStdio.ForcedDeadline)
})

/** Opens all listeners. */
const openAll = Effect.fnUntraced(function* (options: ListeningOptions) {
  const admission = {
    allowedOrigins: new Set(options.allowedOrigins),
    authorize: yield* AuthFlags.authorizeBy(options.auth)
  }
  const sockets = options.listens.filter((listen) => listen._tag !== "Stdio")
  const listeners = yield* Effect.forEach(sockets, (listen) => open(listen, admission))
  yield* V8Flags.limit
  const stdio = sockets.length === options.listens.length ? undefined : yield* Stdio.serve()
  return { listeners, stdio } satisfies Endpoints
})

const serve = Effect.fnUntraced(function* (options: ListeningOptions, signals: Received) {
  const threads = yield* Threads
  // A signal during startup stops the program immediately.
  const endpoints = yield* Effect.raceFirst(openAll(options), Effect.as(Queue.take(signals), undefined))
  if (endpoints === undefined) return 0
  const ending = yield* Effect.raceFirst(Queue.take(signals), abandoned(endpoints))
  if (ending !== "abandoned") {
    yield* drain(endpoints, signals)
    return 0
  }
  const cut = threads.running()
  yield* close(endpoints, DefaultDeadline)
  return yield* ServeStdio.exitCodeAfter(cut)
}, Effect.scoped)

/** Enables the timing of requests when metrics can be read. */
const measured = <A, E, R>(
  service: Effect.Effect<A, E, R>,
  listens: ReadonlyArray<ListenAddress>
): Effect.Effect<A, E, R> =>
  listens.some(({ _tag }) => _tag === "WebSocket") ? Effect.provideService(service, RequestTiming, true) : service

/** The service with the given configuration overrides; the exit code. */
export const run = (options: ListeningOptions, server: AppServerOptions): Effect.Effect<number> => {
  if (options.listens.length === 0) {
    const nowhere = Effect.logError("no transport configured; use --listen or enable remote control")
    return Effect.provide(Effect.as(nowhere, 1), Logging.layer)
  }
  // A signal interrupts the main fiber. The service must end in order instead, so it runs in a fiber that only this function
  // interrupts, however early the signal arrives.
  const service = Effect.flatMap(Signals.received, (signals) =>
    ServeStdio.provide(measured(serve(options, signals), options.listens), server)
  ).pipe(Effect.scoped)
  return Effect.uninterruptible(Effect.flatMap(Effect.forkDetach(service, { startImmediately: true }), Fiber.join))
}
