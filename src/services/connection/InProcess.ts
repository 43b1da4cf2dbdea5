/**
 * The server inside the caller's process: the same processor, the same order and the same answers as over a wire, with
 * values instead of bytes.
 *
 * Owns the connection of an embedding program: submission that never waits, one waiter per request, the event stream, and
 * the bounded end. Does not own convenience (AppServerClient) nor what the server is made of (layers/AppServer).
 *
 * ```
 *  start ─► initialize ─► initialized ─► ready ──shutdown, or its scope closes──► stopping ─► closed
 *             └─ fails: nothing is left running
 * ```
 *
 * Statements 12 to 25 of `docs/contract.md` are held here.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import { isDeeperThan, MaxDepth } from "../../protocol/jsonrpc/Depth.ts"
import { encodeId } from "../../protocol/jsonrpc/Encode.ts"
import { type ErrorObject, type Incoming, type RequestId, type TraceContext } from "../../protocol/jsonrpc/Envelope.ts"
import type { ClientRequestMethod, ParamsInputOf, ResultOf } from "../../protocol/Methods.ts"
import { type ClientEvent, toEvent } from "../client/ClientEvent.ts"
import { notSerializable } from "./Connection.ts"
import * as LegacyEvents from "../client/LegacyEvents.ts"
import { copyOf, NotJson, ownCopy } from "./JsonCopy.ts"
import { MessageProcessor } from "./MessageProcessor.ts"
import type { OutboundMessage } from "../routing/OutboundMessage.ts"
import * as TieredQueue from "../routing/TieredQueue.ts"
import { ServerRequests } from "../routing/ServerRequests.ts"
import { invalidRequest, RequestError } from "../routing/RequestError.ts"
import { DefaultDeadline, leave, ShuttingDown, stop } from "./Shutdown.ts"
import type { Threads } from "../thread/Threads.ts"
import * as Tracing from "../observability/Tracing.ts"

/** Messages that queue for a consumer, and requests that queue for the server, unless the caller says otherwise. */
export const DefaultChannelCapacity = 128

/** The request did not reach the server, or its answer did not come back. Nothing is known of the server's own doing. */
export class InProcessError extends Schema.TaggedError<InProcessError>()("InProcessError", {
  /**
   * `WouldBlock`: try again. `BrokenPipe`: the runtime is gone. `InvalidData`: the handshake failed, or the message is nested too
   * deep.
   */
  kind: Schema.Literals(["WouldBlock", "BrokenPipe", "InvalidData"]),
  message: Schema.String
}) {}

const full = () => new InProcessError({ kind: "WouldBlock", message: "in-process app-server client queue is full" })

const closed = () => new InProcessError({ kind: "BrokenPipe", message: "in-process app-server runtime is closed" })

const nested = `nested deeper than ${MaxDepth} levels`

const tooDeep = () => new InProcessError({ kind: "InvalidData", message: `the message is ${nested}` })

/** A request of the caller's own numbering; ids have to be unique among those in flight. */
export interface InProcessRequest<M extends ClientRequestMethod> {
  readonly id: RequestId
  readonly method: M
  readonly params: ParamsInputOf<M>
  readonly trace?: TraceContext
}

/** The part of a runtime that submits; cheap to hand around, without the event stream. */
export interface Sender {
  /**
   * Submits at once, and waits for the answer only. Fails with `InProcessError` when it could not be submitted, with
   * `RequestError` when the server refused. Interrupting it cancels the request in the server.
   */
  readonly request: <M extends ClientRequestMethod>(
    request: InProcessRequest<M>
  ) => Effect.Effect<ResultOf<M>, InProcessError | RequestError>
  /** For methods that are not in the table, and for tests of bad input. */
  readonly requestUnknown: (request: {
    readonly id: RequestId
    readonly method: string
    readonly params?: unknown
    readonly trace?: TraceContext
  }) => Effect.Effect<unknown, InProcessError | RequestError>
  readonly notify: (notification: {
    readonly method: string
    readonly params?: unknown
  }) => Effect.Effect<void, InProcessError>
  /** Answers a `ServerRequest` event. Answers to unknown ids are ignored. */
  readonly respondToServerRequest: (id: RequestId, result: unknown) => Effect.Effect<void, InProcessError>
  /** Refuses one; leaving it unanswered stalls its turn. */
  readonly failServerRequest: (id: RequestId, error: ErrorObject) => Effect.Effect<void, InProcessError>
}

export interface InProcessHandle extends Sender {
  readonly sender: Sender
  /** The next event; none when the runtime has ended and all was read. */
  readonly nextEvent: Effect.Effect<Option.Option<ClientEvent>>
  /** All events from now on, each seen once. Ends with the runtime. */
  readonly events: Stream.Stream<ClientEvent>
  /** Stops the runtime under its deadline. Events that were told before can still be read. Again: nothing. */
  readonly shutdown: Effect.Effect<void>
  /** The consumer reads no more events: they are dropped, and nothing in the server waits for it. */
  readonly dropEvents: Effect.Effect<void>
}

/** How an embedding program connects. */
export interface InProcessOptions {
  readonly initialize: ParamsInputOf<"initialize">
  /** Capacity of every queue of this connection; at least one. */
  readonly channelCapacity?: number
  /** Whether `LegacyNotification` events are wanted. */
  readonly legacyEvents?: boolean
  /** Server requests the caller never answers, by method, with the error that is answered for it. */
  readonly unsupported?: Readonly<Record<string, ErrorObject>>
  /** What the server is told when an event that wants an answer finds no room, or no consumer. */
  readonly refusals?: Readonly<Record<TieredQueue.Refusal, string>>
  /** Whether the server is this client's own and stops with it; false for one of several clients. Default: true. */
  readonly ownsServer?: boolean
  /** The most that `shutdown` may take. */
  readonly shutdownDeadline?: Duration.Input
}

const refusals = {
  full: "in-process server request queue is full",
  closed: "in-process server request consumer is closed"
}

/** How each caller in flight is told its answer. */
type Waiter = (exit: Exit.Exit<unknown, RequestError>) => void

type Waiters = Map<RequestId, Waiter>

const toRequestError = (error: ErrorObject): RequestError =>
  new RequestError({
    code: error.code,
    message: error.message,
    ...(error.data === undefined ? {} : { data: ownCopy(error.data) as Schema.Json })
  })

const exitOf = (copy: unknown): Exit.Exit<unknown, RequestError> =>
  copy === NotJson ? Exit.fail(toRequestError(notSerializable(undefined))) : Exit.succeed(copy)

/** An answer that could not cross a wire does not cross here either: embedding must not behave otherwise. */
const answers = (waiters: Waiters) => {
  const settle = (id: RequestId, exit: Exit.Exit<unknown, RequestError>): undefined => {
    const waiter = waiters.get(id)
    if (waiter === undefined) return undefined
    waiters.delete(id)
    waiter(exit)
    return undefined
  }
  return {
    succeed: (id: RequestId, result: unknown) => settle(id, exitOf(copyOf(result))),
    fail: (id: RequestId, error: ErrorObject) => settle(id, Exit.fail(toRequestError(error))),
    // Answers do not go through the outgoing: who is slow with events is still read from.
    hasRoom: () => true
  }
}

const toEvents = (message: OutboundMessage, legacyEvents: boolean): ReadonlyArray<ClientEvent> => {
  const event = toEvent(message, ownCopy)
  if (event === undefined) return []
  if (!legacyEvents || event._tag !== "ServerNotification") return [event]
  const legacy = LegacyEvents.fromNotification(event.notification)
  return legacy === undefined ? [event] : [event, { _tag: "LegacyNotification", notification: legacy }]
}

/** Opens a connection and shakes hands. The runtime ends with the scope, or earlier by `shutdown`. */
export const start = Effect.fnUntraced(function* (
  options: InProcessOptions
): Effect.fn.Return<InProcessHandle, InProcessError, MessageProcessor | ServerRequests | Scope.Scope | Threads> {
  const processor = yield* MessageProcessor
  const services = yield* Effect.context<ServerRequests | Threads>()
  const capacity = Math.max(1, options.channelCapacity ?? DefaultChannelCapacity)
  const scope = yield* Scope.fork(yield* Effect.scope)
  const waiters: Waiters = new Map()
  const outgoing = yield* TieredQueue.make({ capacity, requestGrace: null, emitLagMarkers: true })
  const served = yield* Scope.provide(
    processor.serve({
      origin: "inProcess",
      capacity,
      outgoing,
      answers: answers(waiters),
      overloadText: "in-process app-server request queue is full",
      refusals: options.refusals ?? refusals,
      unsupported: options.unsupported ?? {}
    }),
    scope
  )
  const { ingress } = served.connection
  let isOpen = true

  /** Why a message could not be handed over, or undefined. */
  const submit = (message: Incoming): InProcessError | undefined => {
    if (!isOpen) return closed()
    if (Queue.offerUnsafe(ingress, message)) return undefined
    served.connection.ingressRejected++
    return full()
  }

  const send = (message: Incoming): Effect.Effect<void, InProcessError> =>
    Effect.suspend(() => {
      const error = isDeeperThan(message, MaxDepth) ? tooDeep() : submit(ownCopy(message) as Incoming)
      return error === undefined ? Effect.void : Effect.fail(error)
    })

  /** An id that is answered already may have been given to another request by now. */
  const cancel = (id: RequestId, waiter: Waiter) =>
    Effect.suspend(() => {
      if (waiters.get(id) !== waiter) return Effect.void
      waiters.delete(id)
      return served.cancel(id)
    })

  const untraced: Sender["requestUnknown"] = (request) =>
    Effect.callback((resume) => {
      const { id } = request
      if (waiters.has(id)) return resume(Effect.fail(invalidRequest(`duplicate request id: ${encodeId(id)}`)))
      if (isDeeperThan(request, MaxDepth)) return resume(Effect.fail(invalidRequest(`Invalid request: ${nested}`)))
      const error = submit({ _tag: "Request", request: { ...request, params: ownCopy(request.params) } })
      if (error !== undefined) return resume(Effect.fail(error))
      waiters.set(id, resume)
      return cancel(id, resume)
    })

  /** Where somebody collects spans the caller's goes with the request, as it would over a wire. */
  const traced: Sender["requestUnknown"] = (request) =>
    Effect.flatMap(Tracing.current, (span) =>
      untraced(span === undefined ? request : { trace: Tracing.toTraceContext(span), ...request })
    )

  const requestUnknown = (yield* Tracing.isActive) ? traced : untraced

  const failWaiters = Effect.sync(() => {
    const error = toRequestError(ShuttingDown)
    for (const waiter of waiters.values()) waiter(Exit.fail(error))
    waiters.clear()
  })

  const shutdown = Effect.suspend(() => {
    if (!isOpen) return Effect.void
    isOpen = false
    // In a fiber of its own: what waits for the deadline has to be interruptible, also where a finalizer runs it.
    const end = options.ownsServer === false ? leave : stop
    const stopping = end(served, failWaiters, options.shutdownDeadline ?? DefaultDeadline)
    return Effect.forkChild(stopping).pipe(
      Effect.flatMap(Fiber.await),
      Effect.andThen(outgoing.end),
      Effect.andThen(Scope.close(scope, Exit.void)),
      Effect.provideContext(services)
    )
  })
  yield* Effect.addFinalizer(() => Effect.andThen(shutdown, outgoing.shutdown))

  /** What the server has asked and nobody will read now is given back to it. */
  const dropEvents = Effect.gen(function* () {
    const serverRequests = yield* ServerRequests
    const { connection } = served
    const error = { code: ErrorCode.Internal, message: connection.refusals.closed }
    for (const message of yield* outgoing.discard) {
      if (message._tag === "Request") yield* serverRequests.abandon(message.id, connection, error)
    }
  })

  const sender: Sender = {
    // The processor decodes the parameters and the handler's type is the result's: the pair comes from one declaration.
    request: requestUnknown as Sender["request"],
    requestUnknown,
    notify: (notification) => send({ _tag: "Notification", notification }),
    respondToServerRequest: (id, result) => send({ _tag: "Success", success: { id, result } }),
    failServerRequest: (id, error) => send({ _tag: "Failure", failure: { id, error } })
  }

  const events = eventsOf(outgoing, options.legacyEvents === true)
  const handle: InProcessHandle = {
    ...sender,
    sender,
    nextEvent: events.next,
    events: events.all,
    shutdown,
    dropEvents: Effect.provideContext(dropEvents, services)
  }
  yield* shakeHands(sender, options.initialize).pipe(Effect.onError(() => shutdown))
  return handle
})

const shakeHands = (sender: Sender, params: ParamsInputOf<"initialize">): Effect.Effect<void, InProcessError> =>
  sender.request({ id: 0, method: "initialize", params }).pipe(
    Effect.mapError((error) =>
      error._tag === "InProcessError"
        ? error
        : new InProcessError({ kind: "InvalidData", message: `in-process initialize failed: ${error.message}` })
    ),
    Effect.andThen(sender.notify({ method: "initialized" })),
    // Read before the caller goes on, who may have room for one message only.
    Effect.andThen(Effect.yieldNow)
  )

/** One message can stand for two events; the second is kept for the next to ask. */
const eventsOf = (outgoing: TieredQueue.TieredQueue, legacyEvents: boolean) => {
  const kept: Array<ClientEvent> = []
  let ended = !legacyEvents
  const next: Effect.Effect<Option.Option<ClientEvent>> = Effect.suspend(() => {
    const event = kept.shift()
    if (event !== undefined) return Effect.succeedSome(event)
    return Effect.matchEffect(outgoing.take, {
      onFailure: () => {
        if (ended) return Effect.succeedNone
        ended = true
        return Effect.succeedSome<ClientEvent>({
          _tag: "LegacyNotification",
          notification: LegacyEvents.shutdownComplete
        })
      },
      onSuccess: (message) => {
        kept.push(...toEvents(message, legacyEvents))
        return next
      }
    })
  })
  const all = Stream.fromPull(
    Effect.succeed(
      Effect.flatMap(next, (event) => (Option.isSome(event) ? Effect.succeed([event.value] as const) : Cause.done()))
    )
  )
  return { next, all }
}
