/**
 * A typed client, independent of its connection.
 *
 * Owns what every client needs on top of a connection: calls typed by the method table, events for several consumers, handlers
 * of server requests, threads, and handles that can be shared. Does not own the connection (layers/clients).
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { ErrorObject } from "../../protocol/jsonrpc/Envelope.ts"
import type { ParamsInputOf, ResultOf, ServerRequest, ServerRequestMethod } from "../../protocol/Methods.ts"
import type { AnswerError, ClientError, ConsumerTooSlow, TransportError } from "./ClientError.ts"
import type { ClientEvent } from "./ClientEvent.ts"
import { type ConsumerOptions, everything } from "./EventConsumer.ts"
import { EventHub, type EventSource } from "./EventHub.ts"
import { type Answering, type AnswerTo, type RequestHandler, ServerRequestDesk } from "./ServerRequestDesk.ts"
import { type RequestHandle, type Requesting, requestsOf } from "./RequestHandle.ts"
import * as ThreadClient from "./ThreadClient.ts"
import * as TurnStream from "./TurnStream.ts"

export {
  type AnswerError,
  type ClientError,
  ConsumerTooSlow,
  DecodeError,
  RequestNotPending,
  ServerError,
  TransportError,
  TransportReason
} from "./ClientError.ts"
export { type AnswerTo, type RequestHandler, RequestRejected, type ServerRequestOf } from "./ServerRequestDesk.ts"
export type { ConsumerOptions, WhenFull } from "./EventConsumer.ts"
export type { EventSource } from "./EventHub.ts"
export type { RequestHandle, Requesting } from "./RequestHandle.ts"
export type { Answering } from "./ServerRequestDesk.ts"
export { TurnFailed } from "./TurnFailed.ts"

/** A connection as the facade uses it. Results are undecoded; the link assigns the ids. */
export interface Link extends Answering, EventSource, Requesting {
  /** Sends a notification. */
  readonly notify: (method: string, params: unknown) => Effect.Effect<void, TransportError>
  /** Closes the connection, with the link's own deadline; pending requests fail. A second call does nothing. */
  readonly close: Effect.Effect<void>
}

/** A thread with the response that opened it. */
export interface OpenedThread<M extends "thread/start" | "thread/resume"> extends ThreadClient.ThreadClient {
  readonly opened: ResultOf<M>
}

/** What a client offers besides requests. */
export interface ClientService extends RequestHandle {
  /** A handle for code that only sends requests. */
  readonly requestHandle: RequestHandle
  /** Sends a notification of any name. */
  readonly notify: (method: string, params?: unknown) => Effect.Effect<void, TransportError>
  /**
   * Answers a server request of an event; the type of the answer is that of the request's method. Fails with
   * `RequestNotPending` when the request was answered or resolved before. After a `TransportError` it can be tried again.
   *
   * @example
   * ```ts
   * import * as Effect from "effect/Effect"
   * import * as Stream from "effect/Stream"
   * import { AppServerClient } from "spindle-app-server"
   *
   * const acceptAll = Effect.gen(function* () {
   *   const client = yield* AppServerClient.AppServerClient
   *   yield* Stream.runForEach(client.events, (event) =>
   *     event._tag === "ServerRequest" && event.request.method === "item/commandExecution/requestApproval"
   *       ? client.respond(event.request, { decision: "accept" })
   *       : Effect.void
   *   )
   * })
   * ```
   */
  readonly respond: <R extends Pick<ServerRequest, "id" | "method">>(
    request: R,
    result: AnswerTo<R>
  ) => Effect.Effect<void, AnswerError>
  /** Answers a server request of an event with an error. Otherwise like `respond`. */
  readonly reject: (
    request: Pick<ServerRequest, "id" | "method">,
    error: ErrorObject
  ) => Effect.Effect<void, AnswerError>
  /**
   * Answers the server requests of a method until the scope closes. They are not events then. A handler that fails or dies
   * answers with -32603, and with an error of its choice by `RequestRejected`; its cause is logged and not sent. A handler is
   * interrupted when the server resolves its request or the connection is lost. Of several handlers of a method the newest
   * one is used; the older one is used again when the scope of the newer one closes. What a handler still works on when its
   * scope closes is answered with -32603. At most 1 024 requests are handled at once; others are rejected with -32001.
   *
   * @example
   * ```ts
   * import * as Effect from "effect/Effect"
   * import { AppServerClient } from "spindle-app-server"
   *
   * const program = Effect.gen(function* () {
   *   const client = yield* AppServerClient.AppServerClient
   *   yield* client.handle("item/commandExecution/requestApproval", ({ command }) =>
   *     Effect.succeed({ decision: command === "ls" ? ("accept" as const) : ("decline" as const) })
   *   )
   *   const thread = yield* client.startThread({})
   *   return yield* thread.run("List the files.")
   * }).pipe(Effect.scoped)
   * ```
   */
  readonly handle: <M extends ServerRequestMethod, E, R>(
    method: M,
    handler: RequestHandler<M, E, R>
  ) => Effect.Effect<void, never, R | Scope.Scope>
  /**
   * The events from the moment on at which the stream runs; each run has a queue of its own, as with `subscribe({})`. A run
   * without another reader also gets the events that no consumer has received, so that a program that starts a turn and then reads
   * misses nothing. Ends with the connection.
   */
  readonly events: Stream.Stream<ClientEvent, ConsumerTooSlow>
  /**
   * Subscribes to the events from now on, with a bounded queue. The events must be treated as read-only: all consumers
   * share them.
   *
   * A consumer that is slower than the others delays none of them: see `ConsumerOptions.whenFull`. While all consumers are
   * slow, or none reads, the server waits.
   *
   * @example
   * ```ts
   * import * as Console from "effect/Console"
   * import * as Effect from "effect/Effect"
   * import * as Stream from "effect/Stream"
   * import { AppServerClient } from "spindle-app-server"
   *
   * const logEvents = Effect.gen(function* () {
   *   const client = yield* AppServerClient.AppServerClient
   *   const events = yield* client.subscribe({ name: "log", capacity: 1000, whenFull: "sliding" })
   *   yield* Effect.forkScoped(Stream.runForEach(events, (event) => Console.log(event._tag)))
   * })
   * ```
   */
  readonly subscribe: (
    options: ConsumerOptions
  ) => Effect.Effect<Stream.Stream<ClientEvent, ConsumerTooSlow>, never, Scope.Scope>
  /** Like `events`, with options. Each run subscribes when it begins. */
  readonly eventsOf: (options: ConsumerOptions) => Stream.Stream<ClientEvent, ConsumerTooSlow>
  /** The next event that no stream of events receives; none after the last one. */
  readonly nextEvent: Effect.Effect<Option.Option<ClientEvent>>
  /** A thread that this client is subscribed to. Sends no request. */
  readonly thread: (id: string) => ThreadClient.ThreadClient
  /** Starts a thread. */
  readonly startThread: (
    params: ParamsInputOf<"thread/start">
  ) => Effect.Effect<OpenedThread<"thread/start">, ClientError>
  /** Loads a thread and subscribes to it. */
  readonly resumeThread: (
    params: ParamsInputOf<"thread/resume">
  ) => Effect.Effect<OpenedThread<"thread/resume">, ClientError>
  /** Closes the connection. Unread events are dropped; in the same process, those that were published before can be read. */
  readonly shutdown: Effect.Effect<void>
  /** The server's version, from its user agent. */
  readonly serverVersion: string
  /** The server's home folder, or null when it did not report one. */
  readonly codexHome: string | null
}

/** The client of an app-server. Layers: `AppServer.client`, `StdioClient`, `WebSocketClient`, `UnixSocketClient`. */
export class AppServerClient extends Context.Service<AppServerClient, ClientService>()("spindle/AppServerClient") {}

/** The text after the first `/` of a user agent, up to white space. */
const versionIn = (userAgent: string): string => /^[^/]*\/(\S*)/.exec(userAgent)?.[1] ?? ""

/** Builds the facade over a connection after its handshake. Its handlers end with the scope. */
export const make = Effect.fnUntraced(function* (
  link: Link,
  server: { readonly userAgent: string; readonly codexHome: string }
): Effect.fn.Return<AppServerClient["Service"], never, Scope.Scope> {
  const fork = yield* FiberSet.makeRuntime<never, void, never>()
  const desk = new ServerRequestDesk(link, fork)
  const hub = new EventHub(link, desk)
  const requestHandle = requestsOf(link)
  const { request } = requestHandle
  const core = { hub, desk, request, turns: new TurnStream.FollowedTurns(), scope: yield* Effect.scope }
  const thread = (id: string) => ThreadClient.make(core, id)
  return AppServerClient.of({
    ...requestHandle,
    requestHandle,
    notify: (method, params) => link.notify(method, params),
    respond: (given, result) => desk.answer(given, link.respond(given.id, result)),
    reject: (given, error) => desk.answer(given, link.reject(given.id, error)),
    handle: (method, handler) =>
      Effect.andThen(desk.handle(method, handler), Effect.asVoid(Effect.forkScoped(hub.drive))),
    events: TurnStream.eventsOf(hub, everything),
    eventsOf: (options) => TurnStream.eventsOf(hub, everything, options),
    subscribe: (options) =>
      Effect.map(hub.subscribe(everything, options), (consumer) => TurnStream.readFrom(hub, consumer)),
    nextEvent: hub.nextUnclaimed,
    thread,
    startThread: (params) =>
      Effect.map(request("thread/start", params), (opened) => ({ ...thread(opened.thread.id), opened })),
    resumeThread: (params) =>
      Effect.map(request("thread/resume", params), (opened) => ({ ...thread(opened.thread.id), opened })),
    shutdown: Effect.ensuring(link.close, desk.stop),
    serverVersion: versionIn(server.userAgent),
    codexHome: server.codexHome === "" ? null : server.codexHome
  })
})
