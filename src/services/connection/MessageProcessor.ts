/**
 * From a message to its answer.
 *
 * Owns what happens between a connection's ingress and its handlers: decoding, the handshake gate, the experimental gate,
 * the order of requests with the same key over all connections, and exactly one answer for each request. Does not own how
 * handlers run (Dispatcher), what a method does (Handlers), nor bytes (transports).
 *
 * ```
 *  ingress ─► decode ─► gate ─► lane of its key ─► handler (own fiber) ─► one answer
 *               └─ error ─┴─ error ─┴─ overload ──────────────────────────────┘
 * ```
 *
 * Invariant: the connection is read from until it closes. A fault that one message leads to is logged, answered where there
 * is somebody to answer, and the next message is looked at.
 *
 * Closing a connection: no more is admitted, waiting requests are skipped, running handlers finish within the grace that
 * the caller gives, then they are interrupted.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type { Incoming, Request, RequestId } from "../../protocol/jsonrpc/Envelope.ts"
import * as Connections from "./Connection.ts"
import type { Connection, ConnectionOptions } from "./Connection.ts"
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
import * as TrafficTap from "./TrafficTap.ts"

/** A connection that is being served. */
export interface Served {
  readonly connection: Connection
  /** Ends when the ingress has ended and every handler has finished. */
  readonly done: Effect.Effect<void>
  /**
   * The caller of a request that is not answered yet no longer wants its answer: the handler is interrupted, or never
   * started. The request may still be unread.
   */
  readonly cancel: (id: RequestId) => Effect.Effect<void>
}

export class MessageProcessor extends Context.Service<
  MessageProcessor,
  {
    /** Serves a new connection until the scope closes, and makes it known to the router. */
    readonly serve: (options: ConnectionOptions) => Effect.Effect<Served, never, Scope.Scope>
  }
>()("spindle/MessageProcessor") {}

/** Messages of one connection before the others have their turn: a flood on one delays the rest by no more. */
const Slice = 64

/** The call that a request makes, or why it may not. */
const admissible = (request: Request, connection: Connection): DecodedRequest | RequestError => {
  const call = decode(request)
  return typeof call === "string" ? invalidRequest(`Invalid request: ${call}`) : (gate(connection, call) ?? call)
}

const survive = (defect: unknown): Effect.Effect<void> =>
  Effect.logError("a message could not be handled", Cause.die(defect))

const tracedHandlers = Effect.gen(function* () {
  const handlers = yield* Handlers
  if (!(yield* Tracing.isActive)) return handlers
  const { traced } = yield* Effect.promise(() => import("./RequestSpan.ts"))
  return traced(handlers)
})

export const make: Effect.Effect<
  MessageProcessor["Service"],
  never,
  Handlers | OutboundRouter | Scope.Scope | ServerRequests
> = Effect.gen(function* () {
  const handlers = yield* tracedHandlers
  const router = yield* OutboundRouter
  const serverRequests = yield* ServerRequests
  const requests = yield* Registry.requests
  const clients = yield* Diagnostics.clients
  const { traffic } = yield* Diagnostics.Contributing
  const scheduler = new KeyedScheduler()
  yield* Diagnostics.contribute("scheduler", () => scheduler.keys)
  let connections = 0

  const request = (
    request: Request,
    connection: Connection,
    dispatcher: Dispatcher
  ): Effect.Effect<void> | undefined => {
    let call: DecodedRequest | RequestError
    try {
      call = admissible(request, connection)
    } catch (defect) {
      const logged = Effect.logError("a request could not be read", Cause.die(defect))
      return Effect.andThen(logged, dispatcher.refuse(request, internal("internal error")) ?? Effect.void)
    }
    if (call instanceof RequestError) return dispatcher.refuse(request, call)
    // The handshake is settled before the next message is looked at: requests may be sent right behind it.
    return call.served === "initialize" ? dispatcher.inline(call) : dispatcher.admit(call)
  }

  /** Undefined when nothing is left to do or to wait for. */
  const accept = (
    incoming: Incoming,
    connection: Connection,
    dispatcher: Dispatcher
  ): Effect.Effect<void> | undefined => {
    if (traffic !== undefined) TrafficTap.received(traffic, connection, incoming)
    switch (incoming._tag) {
      case "Request":
        return request(incoming.request, connection, dispatcher)
      case "Success":
        return serverRequests.succeed(incoming.success.id, connection, incoming.success.result)
      case "Failure":
        return serverRequests.fail(incoming.failure.id, connection, incoming.failure.error)
      case "Notification":
        // `initialized` has no effect: readiness comes from initialize itself. Others are of no known use.
        return undefined
      case "Refused":
        return dispatcher.refuse(incoming, invalidRequest(`Invalid request: ${incoming.reason}`))
      case "Ignored":
        return Effect.logError(`ignoring a message: ${incoming.reason}`)
    }
  }

  /** Ends with the ingress. */
  const loop = Effect.fnUntraced(function* (connection: Connection, dispatcher: Dispatcher) {
    while (true) {
      let slice = 0
      const taken = yield* Queue.takeAll(connection.ingress)
      connection.isBusy = true
      connection.onTaken?.()
      for (const incoming of taken) {
        const accepted = accept(incoming, connection, dispatcher)
        if (accepted !== undefined) yield* Effect.catchDefect(accepted, survive)
        // Stop reading requests from a client whose answers are backing up.
        if (!connection.answers.hasRoom()) {
          connection.readPauses++
          yield* connection.outgoing.room
        }
        if (++slice % Slice === 0) yield* Effect.yieldNow
      }
      connection.isBusy = false
      connection.onLookedAt?.()
    }
  })

  const serveConnection = Effect.fnUntraced(function* (connection: Connection) {
    const context = yield* Effect.context<never>()
    // What is forked is interrupted by the finalizer: there is one for all, so that an idle connection holds little.
    const fork: Fork = Effect.runForkWith(context)
    const meter = new Meter(requests, (yield* RequestTiming) ? yield* Clock.Clock : undefined)
    const dispatcher = new Dispatcher(connection, handlers, scheduler, fork, meter)
    clients.add(connection)
    if (traffic !== undefined) TrafficTap.attach(traffic, connection)
    yield* router.connect(connection)
    yield* Effect.logDebug("connection opened")
    const ended = (cause: Cause.Cause<unknown>) =>
      Effect.andThen(
        Cause.hasDies(cause) ? Effect.logError("a connection is no longer read from", cause) : Effect.void,
        dispatcher.idle
      )
    const reader = fork(Effect.catchCause(loop(connection, dispatcher), ended))
    yield* Effect.addFinalizer(() =>
      Effect.gen(function* () {
        yield* Fiber.interrupt(reader)
        connection.close()
        yield* Queue.shutdown(connection.ingress)
        yield* router.disconnect(connection)
        clients.remove(connection)
        yield* dispatcher.interruption
        yield* Effect.logDebug("connection closed")
      })
    )
    return {
      connection,
      get done() {
        return Effect.asVoid(Fiber.await(reader))
      },
      cancel: (id: RequestId) => dispatcher.cancel(id)
    } satisfies Served
  })

  const serve = Effect.fnUntraced(function* (options: ConnectionOptions) {
    const connection = yield* Connections.make(connections++, options)
    const { id, origin } = connection
    // What is logged in its handlers, and in the turns they start, says which client it was.
    return yield* Effect.annotateLogs(Effect.uninterruptible(serveConnection(connection)), { connection: id, origin })
  })

  return MessageProcessor.of({ serve })
})

export const layer: Layer.Layer<MessageProcessor, never, Handlers | OutboundRouter | ServerRequests> = Layer.effect(
  MessageProcessor,
  make
)
