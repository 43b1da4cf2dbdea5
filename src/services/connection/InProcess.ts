/**
 * The server inside the caller's process. Processing, order and answers are the same as over a wire, with values instead of
 * bytes.
 *
 * Owns the handle of an embedding program: its calls, its event stream, and whether its end stops the server. Does not own
 * how messages are submitted (InProcessTransport), convenience (AppServerClient), nor the composition of the server
 * (layers/AppServer).
 *
 * ```
 *  start ─► initialize ─► initialized ─► ready ──shutdown, or its scope closes──► stopping ─► closed
 *             └─ fails: everything is stopped
 * ```
 *
 * Statements 12 to 25 of `docs/contract.md` are implemented here.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ErrorObject, Incoming, RequestId, TraceContext } from "../../protocol/jsonrpc/Envelope.ts"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ClientRequestMethod, ParamsInputOf, ResultOf } from "../../protocol/Methods.ts"
import { type ClientEvent, toEvent } from "../client/ClientEvent.ts"
import * as LegacyEvents from "../client/LegacyEvents.ts"
import * as Tracing from "../observability/Tracing.ts"
import type { OutboundMessage } from "../routing/OutboundMessage.ts"
import type { RequestError } from "../routing/RequestError.ts"
import { ServerRequests } from "../routing/ServerRequests.ts"
import type { Refusal, TieredQueue } from "../routing/TieredQueue.ts"
import { DefaultDeadline } from "./Deadline.ts"
import { InProcessError, InProcessTransport } from "./InProcessTransport.ts"
import { ownCopy } from "./JsonCopy.ts"
import { MessageProcessor } from "./MessageProcessor.ts"
import { Shutdown } from "./Shutdown.ts"

export { InProcessError } from "./InProcessTransport.ts"
export { RequestError } from "../routing/RequestError.ts"
export type { Refusal } from "../routing/TieredQueue.ts"

/** Default capacity of the queues of events and of requests, in messages. */
export const DefaultChannelCapacity = 128

/** A request with an id chosen by the caller. Ids must be unique among pending requests. */
export interface InProcessRequest<M extends ClientRequestMethod> {
  readonly id: RequestId
  readonly method: M
  readonly params: ParamsInputOf<M>
  /** The trace that the request belongs to. Default: the current span of the caller. */
  readonly trace?: TraceContext
}

/** The submitting part of a runtime, without the event stream. It is cheap to share. */
export interface Sender {
  /**
   * Submits at once and waits only for the answer. Fails with `InProcessError` when it cannot be submitted, with
   * `RequestError` when the server refuses it. Interruption cancels the request in the server.
   */
  readonly request: <M extends ClientRequestMethod>(
    request: InProcessRequest<M>
  ) => Effect.Effect<ResultOf<M>, InProcessError | RequestError>
  /** A request that is not checked by the table, for other methods and for tests of bad input. */
  readonly requestUnknown: (request: {
    readonly id: RequestId
    readonly method: string
    /** The parameters, unchecked. Default: none. */
    readonly params?: unknown
    /** As in `InProcessRequest`. */
    readonly trace?: TraceContext
  }) => Effect.Effect<unknown, InProcessError | RequestError>
  /** Sends a notification to the server. Fails with `InProcessError` when it cannot be submitted. */
  readonly notify: (notification: {
    readonly method: string
    /** The parameters, unchecked. Default: none. */
    readonly params?: unknown
  }) => Effect.Effect<void, InProcessError>
  /** Answers a `ServerRequest` event. An answer with an unknown id is ignored. */
  readonly respondToServerRequest: (id: RequestId, result: unknown) => Effect.Effect<void, InProcessError>
  /** Answers a `ServerRequest` event with an error. An unanswered request stalls its turn. */
  readonly failServerRequest: (id: RequestId, error: ErrorObject) => Effect.Effect<void, InProcessError>
}

/** A client in the process of its server. */
export interface InProcessHandle extends Sender {
  readonly sender: Sender
  /** The same calls, but a submission waits for room, in order, instead of failing with `Overloaded`. */
  readonly whenRoom: Sender
  /** The next event, if there is one. */
  readonly pollEvent: () => ClientEvent | undefined
  /** Waits until there is an event. Fails with `Done` after the last one. */
  readonly eventReady: Effect.Effect<void, Cause.Done>
  /** The next event; none when the runtime has ended and every event was read. */
  readonly nextEvent: Effect.Effect<Option.Option<ClientEvent>>
  /** All events from now on. Each event is delivered once. Ends with the runtime. */
  readonly events: Stream.Stream<ClientEvent>
  /**
   * Stops the runtime and waits until it has stopped or its deadline has passed. The stop runs once, in a separate fiber: every
   * call waits for the same end, and interrupting the wait does not undo it. Events published before can still be read.
   */
  readonly shutdown: Effect.Effect<void>
  /** Stops event delivery: further events are dropped, and the server does not wait for this consumer. */
  readonly dropEvents: Effect.Effect<void>
}

/** Options of an in-process connection. */
export interface InProcessOptions {
  /** The parameters of `initialize`, which is sent when the connection opens. */
  readonly initialize: ParamsInputOf<"initialize">
  /** Capacity of each queue of this connection, in messages. At least one. Default: `DefaultChannelCapacity`, 128. */
  readonly channelCapacity?: number
  /** Whether `LegacyNotification` events are delivered. */
  readonly legacyEvents?: boolean
  /** Server requests that the caller never answers, by method, with the error that is used as its answer. */
  readonly unsupported?: Readonly<Record<string, ErrorObject>>
  /** The error texts of a server request when the queue is full or has no consumer. */
  readonly refusals?: Readonly<Record<Refusal, string>>
  /** Whether the server stops with this client. Use false when it has several clients. Default: true. */
  readonly ownsServer?: boolean
  /** Maximum duration of `shutdown`. Default: 5 seconds. */
  readonly shutdownDeadline?: Duration.Input
}

const refusals = {
  full: "in-process server request queue is full",
  closed: "in-process server request consumer is closed"
}

/** How long a server request waits for a consumer whose queue is full. */
const RequestGrace: Duration.Input = "5 seconds"

const toEvents = (message: OutboundMessage, legacyEvents: boolean): ReadonlyArray<ClientEvent> => {
  const event = toEvent(message, ownCopy)
  if (event === undefined) return []
  if (!legacyEvents || event._tag !== "ServerNotification") return [event]
  const legacy = LegacyEvents.fromNotification(event.notification)
  return legacy === undefined ? [event] : [event, { _tag: "LegacyNotification", notification: legacy }]
}

/** The calls of a sender, submitted by the given functions. */
const senderOf = (
  requestUnknown: Sender["requestUnknown"],
  send: (message: Incoming) => Effect.Effect<void, InProcessError>
): Sender => ({
  // Parameters and result have the types of one declaration, which the processor decodes by.
  request: requestUnknown as Sender["request"],
  requestUnknown,
  notify: (notification) => send({ _tag: "Notification", notification }),
  respondToServerRequest: (id, result) => send({ _tag: "Success", success: { id, result } }),
  failServerRequest: (id, error) => send({ _tag: "Failure", failure: { id, error } })
})

/** Adds the caller's span to the request, as a socket client would. */
const traced =
  (requestUnknown: Sender["requestUnknown"]): Sender["requestUnknown"] =>
  (request) =>
    Effect.flatMap(Tracing.current, (span) =>
      requestUnknown(span === undefined ? request : { trace: Tracing.toTraceContext(span), ...request })
    )

/**
 * Opens a connection and performs the handshake. The runtime ends with the scope or by `shutdown`.
 *
 * @internal
 */
export const start = Effect.fnUntraced(function* (
  options: InProcessOptions
): Effect.fn.Return<InProcessHandle, InProcessError, MessageProcessor | Scope.Scope | ServerRequests | Shutdown> {
  const processor = yield* MessageProcessor
  const serverRequests = yield* ServerRequests
  const { stop } = yield* Shutdown
  const capacity = Math.max(1, options.channelCapacity ?? DefaultChannelCapacity)
  const transport = new InProcessTransport(yield* Queue.bounded<Incoming, Cause.Done>(capacity))
  const within = options.shutdownDeadline ?? DefaultDeadline
  const serve = processor.serve(transport, {
    capacity,
    outgoing: { capacity, requestGrace: RequestGrace, emitLagMarkers: true },
    overloadText: "in-process app-server request queue is full",
    refusals: options.refusals ?? refusals,
    unsupported: options.unsupported ?? {}
  })
  const { served, shutdown } = yield* Effect.acquireRelease(
    Effect.map(serve, (served) => ({
      served,
      shutdown: options.ownsServer === false ? served.close({ _tag: "Left" }, { within }) : stop(within)
    })),
    ({ shutdown }) => shutdown
  )
  const { connection } = served
  transport.onRejected = () => void connection.ingressRejected++
  transport.onCancelled = served.cancelNow

  /** Fails the unread server requests, because they will not be answered. */
  const dropEvents = Effect.gen(function* () {
    const error = { code: ErrorCode.Internal, message: connection.refusals.closed }
    for (const message of yield* connection.outgoing.discard) {
      if (message._tag === "Request") yield* serverRequests.abandon(message.id, connection, error)
    }
  })

  const withTrace = (yield* Tracing.isActive) ? traced : (untraced: Sender["requestUnknown"]) => untraced
  const sender = senderOf(
    withTrace((request) => transport.request(request)),
    (message) => transport.send(message)
  )
  const whenRoom = senderOf(
    withTrace((request) => transport.requestWhenRoom(request)),
    (message) => transport.sendWhenRoom(message)
  )
  const events = eventsOf(connection.outgoing, options.legacyEvents === true)
  yield* shakeHands(sender, options.initialize).pipe(Effect.onError(() => shutdown))
  return {
    ...sender,
    sender,
    whenRoom,
    pollEvent: events.poll,
    eventReady: events.ready,
    nextEvent: events.next,
    events: events.all,
    shutdown,
    dropEvents
  }
})

const shakeHands = (sender: Sender, params: ParamsInputOf<"initialize">): Effect.Effect<void, InProcessError> =>
  sender.request({ id: 0, method: "initialize", params }).pipe(
    Effect.mapError((error) =>
      error._tag === "InProcessError"
        ? error
        : new InProcessError({
            reason: { _tag: "HandshakeFailed" },
            message: `in-process initialize failed: ${error.message}`
          })
    ),
    Effect.andThen(sender.notify({ method: "initialized" })),
    // The queue may have room for one message only, so the server reads this one first.
    Effect.andThen(Effect.yieldNow)
  )

/** A message can yield two events. The second is kept for the next call. */
const eventsOf = (outgoing: TieredQueue, legacyEvents: boolean) => {
  const kept: Array<ClientEvent> = []
  let ended = !legacyEvents
  const poll = (): ClientEvent | undefined => {
    while (kept.length === 0) {
      const message = outgoing.takeUnsafe()
      if (message === undefined) return undefined
      kept.push(...toEvents(message, legacyEvents))
    }
    return kept.shift()
  }
  const ready = Effect.suspend(() =>
    kept.length > 0
      ? Effect.void
      : Effect.catch(outgoing.ready, () => {
          if (ended) return Cause.done()
          ended = true
          kept.push({ _tag: "LegacyNotification", notification: LegacyEvents.shutdownComplete })
          return Effect.void
        })
  )
  const next: Effect.Effect<Option.Option<ClientEvent>> = Effect.suspend(() => {
    const event = poll()
    if (event !== undefined) return Effect.succeedSome(event)
    return Effect.matchEffect(ready, { onFailure: () => Effect.succeedNone, onSuccess: () => next })
  })
  const all = Stream.fromPull(
    Effect.succeed(
      Effect.flatMap(next, (event) => (Option.isSome(event) ? Effect.succeed([event.value] as const) : Cause.done()))
    )
  )
  return { poll, ready, next, all }
}
