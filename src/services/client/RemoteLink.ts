/**
 * The common implementation of clients that connect over a transport.
 *
 * Owns the client's ids, its events over all connections, reconnection, and the end. Does not own the transport
 * (layers/clients), a single connection (RemoteSession) or the typed facade (AppServerClient).
 *
 * ```
 *  connected ──lost──► Disconnected, end
 *     ▲  │ └──close, or the scope closes──► end
 *     │  └─lost, to be reconnected─► waiting ──fatal, given up──► Disconnected, end
 *     └───────── Reconnected ◄──────────┘ (pauses grow, half of each is random)
 * ```
 *
 * A lost connection fails all pending requests, even with reconnection: it is unknown whether the server executed them, and
 * no request is sent twice without the caller's knowledge. Requests made while disconnected wait for the next connection.
 *
 * This module and the adapters implement statements 35 to 44 of `docs/contract.md`.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { ErrorObject, RequestId } from "../../protocol/jsonrpc/Envelope.ts"
import { encodeFailure, encodeNotification, encodeSuccess, type RequestMessage } from "../../protocol/jsonrpc/Encode.ts"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ParamsInputOf } from "../../protocol/Methods.ts"
import type { Continuity } from "./ClientEvent.ts"
import * as AppServerClients from "./AppServerClient.ts"
import type { AppServerClient, Link } from "./AppServerClient.ts"
import { type ServerError, TransportError } from "./ClientError.ts"
import { PendingServerRequests } from "./PendingServerRequests.ts"
import type { ConnectError, ConnectionLost, Endpoint } from "./MessageChannel.ts"
import { ThreadSubscriptions } from "./ThreadSubscriptions.ts"
import * as Heartbeat from "./Heartbeat.ts"
import * as EventQueue from "./EventQueue.ts"
import type { IncomingMessage } from "./IncomingMessage.ts"
import * as Reconnect from "./Reconnect.ts"
import * as Session from "./RemoteSession.ts"
import { Extension } from "../../protocol/extensions/Sequence.ts"
import * as Tracing from "../observability/Tracing.ts"

export { ConnectError, ConnectionLost } from "./MessageChannel.ts"
export type { MessageChannel, Endpoint } from "./MessageChannel.ts"
export type { HeartbeatOptions } from "./Heartbeat.ts"
export type { EventQueueLimits } from "./EventQueue.ts"
export type { ReconnectPolicy } from "./Reconnect.ts"
export type { Handshake } from "./RemoteSession.ts"
export type { RequestMessage } from "../../protocol/jsonrpc/Encode.ts"

/** The client's identity and options. */
export interface RemoteOptions {
  /** The program's name, which the server records and the model server gets. */
  readonly clientName: string
  /** The program's version. */
  readonly clientVersion: string
  /** Enables experimental methods and fields. Default: false. */
  readonly experimentalApi?: boolean
  /** Notifications that the server should not send, by exact name. */
  readonly optOutNotificationMethods?: ReadonlyArray<string>
  /** Whether MCP servers may send forms of the `openai` kind. Default: false. */
  readonly formElicitation?: boolean
  /** Limits on events held for a slow consumer. Default: 65 536 events, 64 MiB of text. */
  readonly events?: Partial<EventQueue.EventQueueLimits>
  /** The time limit for the response to initialize. Default: 10 seconds. */
  readonly initializeTimeout?: Duration.Input
  /** Pings, if the transport has them. Default: after 30 idle seconds, with 10 seconds to respond. */
  readonly heartbeat?: Partial<Heartbeat.HeartbeatOptions> | false
  /**
   * Whether a lost connection is reopened, and the client's threads are resumed: see the event `Reconnected`. The first
   * connection is tried once. Default: false.
   */
  readonly reconnect?: boolean | Partial<Reconnect.ReconnectPolicy>
}

/** A link that also accepts requests with ids of the caller's choice. */
export interface RemoteLink extends Link {
  /** Fails with `InvalidRequest` when a request with the id is pending; that one is not affected. */
  readonly requestWithId: (request: RequestMessage) => Effect.Effect<unknown, TransportError | ServerError>
}

/** The time limit for the response to initialize. */
const InitializeTimeout = Duration.seconds(10)

const initializeParams = (options: RemoteOptions): ParamsInputOf<"initialize"> => ({
  clientInfo: { name: options.clientName, version: options.clientVersion },
  capabilities: {
    experimentalApi: options.experimentalApi ?? false,
    ...(options.formElicitation === true ? { mcpServerOpenaiFormElicitation: true } : {}),
    ...(options.optOutNotificationMethods?.length
      ? { optOutNotificationMethods: options.optOutNotificationMethods }
      : {}),
    // Only a client that reconnects needs sequence numbers.
    ...(Reconnect.policyOf(options.reconnect) === undefined ? {} : { extensions: { [Extension]: {} } })
  }
})

/** A connection with its scope. */
interface Connected extends Session.Opened {
  readonly scope: Scope.Closeable
  /** Unix milliseconds. */
  readonly since: number
  /** Completed when another connection replaced this one, or when there will be none. */
  readonly replaced: Deferred.Deferred<void>
}

class Remote {
  readonly #endpoint: Endpoint
  readonly #options: RemoteOptions
  readonly #policy: Reconnect.ReconnectPolicy | undefined
  readonly #events: EventQueue.EventQueue
  readonly #scope: Scope.Closeable
  readonly #subscriptions = new ThreadSubscriptions()
  readonly #serverRequests = new PendingServerRequests()
  #current: Connected | undefined
  /** Attempts since the last stable connection. */
  #attempts = 0
  #nextId = 1

  constructor(endpoint: Endpoint, options: RemoteOptions, events: EventQueue.EventQueue, scope: Scope.Closeable) {
    this.#endpoint = endpoint
    this.#options = options
    this.#policy = Reconnect.policyOf(options.reconnect)
    this.#events = events
    this.#scope = scope
  }

  readonly #receiver: Session.Receiver = {
    ready: () => {
      if (this.#current !== undefined) this.#events.append({ _tag: "Reconnected", thread: null })
    },
    event: (message) => {
      const event = this.#policy === undefined ? message : this.#deduplicate(message)
      return event === undefined ? undefined : this.#events.offer(event)
    }
  }

  /** The event as a reconnecting client sees it; undefined for a duplicate. */
  #deduplicate(message: IncomingMessage): IncomingMessage | undefined {
    if (message._tag === "Request") return this.#serverRequests.receive(message)
    return this.#subscriptions.receive(message) ? this.#serverRequests.resolved(message) : undefined
  }

  readonly #connect: Effect.Effect<Connected, ConnectError> = Effect.gen({ self: this }, function* () {
    const scope = yield* Scope.fork(this.#scope)
    const sessionOptions = {
      initialize: initializeParams(this.#options),
      initializeTimeout: this.#options.initializeTimeout ?? InitializeTimeout
    }
    const opened = yield* Session.open(this.#endpoint, sessionOptions, this.#receiver).pipe(
      Scope.provide(scope),
      Effect.onError(() => Scope.close(scope, Exit.void))
    )
    const { heartbeat } = this.#options
    if (heartbeat !== false) {
      yield* Effect.forkIn(Heartbeat.watch(opened, { ...Heartbeat.defaults, ...heartbeat }), scope)
    }
    return { ...opened, scope, since: yield* Clock.currentTimeMillis, replaced: Deferred.makeUnsafe<void>() }
  })

  /** Connects, and then supervises the connection. */
  readonly start: Effect.Effect<Session.Handshake, ConnectError> = Effect.gen({ self: this }, function* () {
    const first = yield* this.#connect
    this.#current = first
    yield* Effect.forkIn(this.#supervise(first), this.#scope)
    return first.handshake
  })

  /** Runs until the last connection ends. */
  readonly #supervise = Effect.fnUntraced(
    function* (this: Remote, first: Connected) {
      let connected = first
      while (true) {
        const loss = yield* connected.session.over
        if (loss === undefined) return
        this.#serverRequests.lost()
        this.#subscriptions.lost()
        if (this.#policy === undefined) return yield* this.#giveUp(connected, connected.session.describe(loss))
        // The transport's resources, such as a child process, must be released before the next connection is opened.
        yield* Scope.close(connected.scope, Exit.void)
        const next = yield* Effect.result(this.#reconnect(this.#policy, connected, loss))
        if (Result.isFailure(next)) return yield* this.#giveUp(connected, next.failure)
        this.#current = next.success
        yield* this.#resumeAll(next.success)
        Deferred.doneUnsafe(connected.replaced, Exit.void)
        connected = next.success
      }
    }.bind(this)
  )

  /** The last connection is lost; received events can still be read. */
  #giveUp(connected: Connected, message: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      Deferred.doneUnsafe(connected.replaced, Exit.void)
      return Effect.andThen(
        this.#events.end({ _tag: "Disconnected", message }),
        Scope.close(connected.scope, Exit.void)
      )
    })
  }

  /** Retries until a connection is open; fails with the reason of the last failure. */
  readonly #reconnect = Effect.fnUntraced(
    function* (
      this: Remote,
      policy: Reconnect.ReconnectPolicy,
      lost: Connected,
      loss: ConnectionLost
    ): Effect.fn.Return<Connected, string> {
      let reason = lost.session.describe(loss)
      const lasted = (yield* Clock.currentTimeMillis) - lost.since
      if (lasted >= Duration.toMillis(policy.stableAfter)) this.#attempts = 0
      while (this.#attempts < policy.maxAttempts) {
        yield* Effect.logDebug(`reconnecting: ${reason}`)
        yield* Effect.sleep(yield* Reconnect.pause(policy, ++this.#attempts))
        const connected = yield* Effect.result(this.#connect)
        if (Result.isSuccess(connected)) return connected.success
        reason = connected.failure.message
        if (!connected.failure.isRetryable) break
      }
      return yield* Effect.fail(reason)
    }.bind(this)
  )

  /** Resumes the subscribed threads. These requests are written before those of waiting callers. */
  #resumeAll(connected: Connected): Effect.Effect<void> {
    return Effect.forEach(
      this.#subscriptions.threads,
      (threadId) => Effect.forkIn(this.#resume(connected, threadId), connected.scope, { startImmediately: true }),
      { discard: true }
    )
  }

  #resume({ session }: Connected, threadId: string): Effect.Effect<void> {
    const report = (continuity: Continuity) =>
      this.#events.append({ _tag: "Reconnected", thread: { id: threadId, continuity } })
    return Effect.suspend(() =>
      session.request(
        {
          id: this.#nextId++,
          method: "thread/resume",
          params: { threadId, excludeTurns: true },
          ...this.#subscriptions.resumeAfter(threadId)
        },
        (success) => report(this.#subscriptions.resumed(threadId, success) ? "complete" : "resync")
      )
    ).pipe(
      Effect.retry({
        while: (error) => error._tag === "ServerError" && error.code === ErrorCode.Overloaded,
        schedule: Schedule.jittered(Schedule.exponential("100 millis"))
      }),
      Effect.matchEffect({
        onSuccess: () => Effect.void,
        onFailure: (error) =>
          Effect.sync(() => {
            // Without a response the thread stays subscribed, and the next connection resumes it.
            if (error._tag !== "ServerError") return
            this.#subscriptions.forget(threadId)
            report("lost")
          })
      })
    )
  }

  /** The current connection, or its replacement once it is open. */
  #connection(): Effect.Effect<Connected> {
    return Effect.suspend(() => {
      const current = this.#current
      if (current === undefined) return Effect.die("the link has no connection before start")
      const isReplaced = this.#policy !== undefined && !Deferred.isDoneUnsafe(current.replaced)
      if (!current.session.isOver || !isReplaced) return Effect.succeed(current)
      return Effect.andThen(Deferred.await(current.replaced), this.#connection())
    })
  }

  readonly requestWithId: RemoteLink["requestWithId"] = (request) =>
    Effect.flatMap(this.#connection(), ({ session }) =>
      this.#policy === undefined
        ? session.request(request)
        : session.request(request, (success) => this.#subscriptions.answered(request.method, request.params, success))
    )

  readonly request: Link["request"] = (method, params) =>
    // Sends the caller's span when tracing is enabled.
    Effect.flatMap(Tracing.current, (span) => {
      const request = { id: this.#nextId++, method, params }
      return this.requestWithId(span === undefined ? request : { ...request, trace: Tracing.toTraceContext(span) })
    })

  readonly notify: Link["notify"] = (method, params) =>
    Effect.flatMap(this.#connection(), ({ session }) => session.send(method, () => encodeNotification(method, params)))

  /** Does not wait for another connection, because the server sends the request again there. */
  #answer(method: string, id: RequestId, text: (id: RequestId) => string): Effect.Effect<void, TransportError> {
    return Effect.suspend(() => {
      const wireId = this.#policy === undefined ? id : this.#serverRequests.wireIdOf(id)
      if (wireId === null || this.#current === undefined) {
        const detail = "the connection of this request is gone"
        return Effect.fail(new TransportError({ method, reason: { _tag: "Closed" }, detail }))
      }
      return Effect.andThen(
        this.#current.session.send(method, () => text(wireId)),
        Effect.sync(() => this.#serverRequests.answered(id))
      )
    })
  }

  readonly respond: Link["respond"] = (id, result) =>
    this.#answer("resolve", id, (id) => encodeSuccess(id, JSON.stringify(result ?? null)))

  readonly reject: Link["reject"] = (id, error: ErrorObject) =>
    this.#answer("reject", id, (id) => encodeFailure(id, error))

  /** Emits no event, because the caller requested the end. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    const current = this.#current
    if (current !== undefined) {
      current.session.end(undefined)
      Deferred.doneUnsafe(current.replaced, Exit.void)
    }
    return Effect.andThen(this.#events.drop, Scope.close(this.#scope, Exit.void))
  })

  readonly poll: Link["poll"] = () => this.#events.poll()

  get ready(): Link["ready"] {
    return this.#events.ready
  }
}

/** Connects and does the handshake. The link ends with the scope, or earlier by `close`. */
export const make = Effect.fnUntraced(function* (
  endpoint: Endpoint,
  options: RemoteOptions
): Effect.fn.Return<{ readonly link: RemoteLink; readonly handshake: Session.Handshake }, ConnectError, Scope.Scope> {
  const events = yield* EventQueue.make({ ...EventQueue.defaultLimits, ...options.events })
  const scope = yield* Scope.fork(yield* Effect.scope)
  const link = new Remote(endpoint, options, events, scope)
  yield* Effect.addFinalizer(() => link.close)
  return { link, handshake: yield* Effect.onError(link.start, () => link.close) }
})

/** The typed client of the server at an endpoint. */
export const client = (
  endpoint: Endpoint,
  options: RemoteOptions
): Effect.Effect<AppServerClient["Service"], ConnectError, Scope.Scope> =>
  Effect.flatMap(make(endpoint, options), ({ link, handshake }) => AppServerClients.make(link, handshake))
