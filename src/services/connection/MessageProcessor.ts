/**
 * Processes the messages of all connections.
 *
 * Owns the open connections, and the steps from a message to its handler: decoding, the handshake gate, the experimental gate,
 * the order of requests with the same key over all connections, and exactly one response per request. Does not own how a
 * connection reads, writes and ends (ServedConnection), how handlers run (Dispatcher), what a method does (Handlers), nor bytes
 * (Transport).
 *
 * ```
 *  message ─► decode ─► gate ─► queue of its key ─► handler (own fiber) ─► one answer
 *               └─ error ─┴─ error ─┴─ overload ──────────────────────────────┘
 * ```
 *
 * Invariant: a defect while a message is handled is logged, answered with an error when the message is a request, and does not
 * prevent the next message from being handled.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Incoming, Request } from "../../protocol/jsonrpc/Envelope.ts"
import { Connection, type ConnectionOptions } from "./Connection.ts"
import { DefaultDeadline } from "./Deadline.ts"
import { Dispatcher, type Fork } from "./Dispatcher.ts"
import { Handlers } from "./Handlers.ts"
import { KeyedScheduler } from "./KeyedScheduler.ts"
import { RequestTiming } from "../observability/Metrics.ts"
import * as Diagnostics from "../observability/Diagnostics.ts"
import * as Registry from "../observability/MetricRegistry.ts"
import { Meter } from "../observability/RequestMetrics.ts"
import { OutboundRouter } from "../routing/OutboundRouter.ts"
import { ServerRequests } from "../routing/ServerRequests.ts"
import { internal, invalidRequest, RequestError } from "../routing/RequestError.ts"
import { type DecodedRequest, gate, decode } from "./RequestDecoder.ts"
import * as Tracing from "../observability/Tracing.ts"
import * as TieredQueue from "../routing/TieredQueue.ts"
import { type Served, ServedConnection } from "./ServedConnection.ts"
import * as TrafficTap from "./TrafficTap.ts"
import type { CloseReason, Transport } from "./Transport.ts"

export type { Served } from "./ServedConnection.ts"

/** Options for serving a connection. */
export interface ServeOptions extends ConnectionOptions {
  /** The queue of messages to the client. */
  readonly outgoing: TieredQueue.TieredQueueOptions
  /** How long an evictable client may read nothing while producers wait for it. Default: 10 seconds. */
  readonly stallGrace?: Duration.Input
  /** Called when the connection has ended. */
  readonly onClosed?: () => void
}

/** The server as seen by transports: it serves connections. */
export class MessageProcessor extends Context.Service<
  MessageProcessor,
  {
    /** Serves a new connection. Its caller closes it, or else the server's scope does. */
    readonly serve: (transport: Transport, options: ServeOptions) => Effect.Effect<Served>
    /** The connections that have not ended, oldest first. */
    readonly connections: () => ReadonlyArray<Served>
  }
>()("spindle/MessageProcessor") {}

/** Decodes a request and checks whether it may run. */
const admissible = (request: Request, connection: Connection): DecodedRequest | RequestError => {
  const decoded = decode(request, connection.id)
  return typeof decoded === "string"
    ? invalidRequest(`Invalid request: ${decoded}`)
    : (gate(connection, decoded) ?? decoded)
}

const closing: CloseReason = { _tag: "Stopping", message: "the server is going away" }

const DefaultStallGrace: Duration.Input = "10 seconds"

const tracedHandlers = Effect.gen(function* () {
  const handlers = yield* Handlers
  if (!(yield* Tracing.isActive)) return handlers
  const { traced } = yield* Effect.promise(() => import("./RequestSpan.ts"))
  return traced(handlers)
})

/** Starts a request. The result must be awaited before the next message is read. */
const request = (request: Request, connection: Connection, dispatcher: Dispatcher): Effect.Effect<void> | undefined => {
  let decoded: DecodedRequest | RequestError
  try {
    decoded = admissible(request, connection)
  } catch (defect) {
    const logged = Effect.logError("a request could not be read", Cause.die(defect))
    return Effect.andThen(logged, dispatcher.refuse(request, internal("internal error")) ?? Effect.void)
  }
  if (decoded instanceof RequestError) return dispatcher.refuse(request, decoded)
  // The handshake completes before the next message: a client may send requests right after it.
  return decoded.served === "initialize" ? dispatcher.inline(decoded) : dispatcher.admit(decoded)
}

/** Processes one message. Undefined when nothing must be awaited. */
const accepting =
  (serverRequests: ServerRequests["Service"], traffic: Diagnostics.Contributors["traffic"]) =>
  (incoming: Incoming, connection: Connection, dispatcher: Dispatcher): Effect.Effect<void> | undefined => {
    if (traffic !== undefined) TrafficTap.received(traffic, connection, incoming)
    switch (incoming._tag) {
      case "Request":
        return request(incoming.request, connection, dispatcher)
      case "Success":
        return serverRequests.succeed(incoming.success.id, connection, incoming.success.result)
      case "Failure":
        return serverRequests.fail(incoming.failure.id, connection, incoming.failure.error)
      case "Notification":
        // `initialized` has no effect: a connection is ready after initialize. Other notifications are unknown.
        return undefined
      case "Refused":
        return dispatcher.refuse(incoming, invalidRequest(`Invalid request: ${incoming.reason}`))
      case "Ignored":
        return Effect.logError(`ignoring a message: ${incoming.reason}`)
    }
  }

/** The processor of one server. Its connections end with the scope. */
export const make: Effect.Effect<
  MessageProcessor["Service"],
  never,
  Handlers | OutboundRouter | Scope.Scope | ServerRequests
> = Effect.gen(function* () {
  const handlers = yield* tracedHandlers
  const router = yield* OutboundRouter
  const requests = yield* Registry.requests
  const clients = yield* Diagnostics.clients
  const { traffic } = yield* Diagnostics.Contributing
  const accept = accepting(yield* ServerRequests, traffic)
  const scheduler = new KeyedScheduler()
  yield* Diagnostics.contribute("scheduler", () => scheduler.keys)
  const open = new Set<Served>()
  let nextId = 0

  const start = Effect.fnUntraced(function* (connection: Connection, transport: Transport, options: ServeOptions) {
    // Forked fibers are interrupted when the connection ends. Without a separate scope an idle connection needs less memory.
    const fork: Fork = Effect.runForkWith(yield* Effect.context<never>())
    const meter = new Meter(requests, (yield* RequestTiming) ? yield* Clock.Clock : undefined)
    const dispatcher = new Dispatcher(connection, handlers, scheduler, fork, meter)
    const served: ServedConnection = new ServedConnection(connection, transport, {
      fork,
      dispatcher,
      accept: (incoming) => accept(incoming, connection, dispatcher),
      disconnect: router.disconnect(connection),
      stallGrace: options.stallGrace ?? DefaultStallGrace,
      onClosed: () => {
        open.delete(served)
        clients.remove(connection)
        options.onClosed?.()
      }
    })
    open.add(served)
    clients.add(connection)
    if (traffic !== undefined) TrafficTap.attach(traffic, connection)
    yield* router.connect(connection)
    yield* Effect.logDebug("connection opened")
    served.startNow()
    return served
  })

  const serve = Effect.fnUntraced(function* (transport: Transport, options: ServeOptions) {
    const outgoing = yield* TieredQueue.make(options.outgoing)
    const connection = new Connection(nextId++, transport, outgoing, options)
    const { id, origin } = connection
    // The log lines of its handlers, and of the turns that they start, name the client.
    const started = Effect.annotateLogs(start(connection, transport, options), { connection: id, origin })
    return yield* Effect.uninterruptible(started)
  })

  const connections = () => Array.from(open)
  yield* Effect.addFinalizer(() => closeAll(connections(), closing))
  return MessageProcessor.of({ serve, connections })
})

/** Closes the connections concurrently, within one deadline. */
export const closeAll = (connections: Iterable<Served>, reason: CloseReason): Effect.Effect<void> =>
  Effect.forEach(connections, (served) => served.close(reason, { within: DefaultDeadline }), {
    concurrency: "unbounded",
    discard: true
  })

/** The processor over the handlers of the methods. */
export const layer: Layer.Layer<MessageProcessor, never, Handlers | OutboundRouter | ServerRequests> = Layer.effect(
  MessageProcessor,
  make
)
