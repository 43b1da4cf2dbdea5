/**
 * The engine of every client that is connected through a wire, whatever carries its messages.
 *
 * Owns the client's ids, its events over all connections, what becomes of a lost connection, and the end. Does not own the
 * bytes (layers/clients), a single connection (remote/Session) nor the typed facade (AppServerClient).
 *
 * ```
 *  connected ──lost──► Disconnected, end
 *     ▲  │ └──close, or the scope closes──► end
 *     │  └─lost, to be reconnected─► waiting ──fatal, given up──► Disconnected, end
 *     └───────── Reconnected ◄──────────┘ (pauses grow, half of each by chance)
 * ```
 *
 * A lost connection settles everybody who waits for an answer, reconnected or not: whether the server has done what it was
 * asked is not known, and nothing is asked twice behind the caller's back. What is asked while the connection is away waits
 * for the next one.
 *
 * Statements 35 to 44 of `docs/contract.md` are held here and in the adapters.
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
import { type AppServerClient, type Link, type ServerError, TransportError } from "./AppServerClient.ts"
import { PendingServerRequests } from "./PendingServerRequests.ts"
import type { ConnectError, ConnectionLost, Endpoint } from "./MessageChannel.ts"
import { ThreadSubscriptions } from "./ThreadSubscriptions.ts"
import * as Heartbeat from "./Heartbeat.ts"
import * as Inbox from "./EventQueue.ts"
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

/** Who connects, and what the client does by itself. */
export interface RemoteOptions {
  readonly clientName: string
  readonly clientVersion: string
  /** Methods and fields marked experimental. Default: false. */
  readonly experimentalApi?: boolean
  /** Notifications not wanted, by exact name. */
  readonly optOutNotificationMethods?: ReadonlyArray<string>
  /** Whether questions of MCP servers may be forms of the `openai` kind. Default: false. */
  readonly formElicitation?: boolean
  /** Events held while the consumer is behind. Default: 65 536 events, 64 MiB of text. */
  readonly events?: Partial<Inbox.EventQueueLimits>
  /** From initialize to its answer. Default: 10 seconds. */
  readonly initializeTimeout?: Duration.Input
  /** Where the transport can ask for a sign of life. Default: after 30 quiet seconds, and 10 to answer. */
  readonly heartbeat?: Partial<Heartbeat.HeartbeatOptions> | false
  /**
   * Whether a lost connection is made anew, and the threads the client follows with it: see `Reconnected` among the events.
   * The first connection is tried once. Default: false.
   */
  readonly reconnect?: boolean | Partial<Reconnect.ReconnectPolicy>
}

/** A link that takes requests of the caller's own numbering besides. */
export interface RemoteLink extends Link {
  /** Fails with `InvalidInput` when a request with the id is in flight, which is not disturbed. */
  readonly requestWithId: (request: RequestMessage) => Effect.Effect<unknown, TransportError | ServerError>
}

/** How long the server may take to answer initialize. */
const InitializeTimeout = Duration.seconds(10)

const initializeParams = (options: RemoteOptions): ParamsInputOf<"initialize"> => ({
  clientInfo: { name: options.clientName, version: options.clientVersion },
  capabilities: {
    experimentalApi: options.experimentalApi ?? false,
    ...(options.formElicitation === true ? { mcpServerOpenaiFormElicitation: true } : {}),
    ...(options.optOutNotificationMethods?.length
      ? { optOutNotificationMethods: options.optOutNotificationMethods }
      : {}),
    // Numbers are of use only to who comes back.
    ...(Reconnect.policyOf(options.reconnect) === undefined ? {} : { extensions: { [Extension]: {} } })
  }
})

/** A connection and the scope that ends it. */
interface Connected extends Session.Opened {
  readonly scope: Scope.Closeable
  /** Unix milliseconds. */
  readonly since: number
  /** Completed when another connection is in its place, or never will be. */
  readonly replaced: Deferred.Deferred<void>
}

class Remote {
  readonly #endpoint: Endpoint
  readonly #options: RemoteOptions
  readonly #policy: Reconnect.ReconnectPolicy | undefined
  readonly #inbox: Inbox.EventQueue
  readonly #scope: Scope.Closeable
  readonly #followed = new ThreadSubscriptions()
  readonly #asked = new PendingServerRequests()
  #current: Connected | undefined
  /** Attempts since the last connection that lasted. */
  #attempts = 0
  #nextId = 1

  constructor(endpoint: Endpoint, options: RemoteOptions, inbox: Inbox.EventQueue, scope: Scope.Closeable) {
    this.#endpoint = endpoint
    this.#options = options
    this.#policy = Reconnect.policyOf(options.reconnect)
    this.#inbox = inbox
    this.#scope = scope
  }

  readonly #receiver: Session.Receiver = {
    ready: () => {
      if (this.#current !== undefined) this.#inbox.tell({ _tag: "Reconnected", thread: null })
    },
    event: (message) => {
      const event = this.#policy === undefined ? message : this.#known(message)
      return event === undefined ? undefined : this.#inbox.offer(event)
    }
  }

  /** The event as a client that outlives its connections sees it; undefined when it has seen it before. */
  #known(message: IncomingMessage): IncomingMessage | undefined {
    if (message._tag === "Request") return this.#asked.offered(message)
    return this.#followed.heard(message) ? this.#asked.resolved(message) : undefined
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

  /** Connects, and from then on looks after the connection. */
  readonly start: Effect.Effect<Session.Handshake, ConnectError> = Effect.gen({ self: this }, function* () {
    const first = yield* this.#connect
    this.#current = first
    yield* Effect.forkIn(this.#attend(first), this.#scope)
    return first.handshake
  })

  /** Ends with the last connection. */
  readonly #attend = Effect.fnUntraced(
    function* (this: Remote, first: Connected) {
      let connected = first
      while (true) {
        const loss = yield* connected.session.over
        if (loss === undefined) return
        this.#asked.lost()
        this.#followed.lost()
        if (this.#policy === undefined) return yield* this.#giveUp(connected, connected.session.describe(loss))
        // What the transport leaves behind, a child process say, must be gone before the next one is made.
        yield* Scope.close(connected.scope, Exit.void)
        const next = yield* Effect.result(this.#reconnect(this.#policy, connected, loss))
        if (Result.isFailure(next)) return yield* this.#giveUp(connected, next.failure)
        this.#current = next.success
        yield* this.#follow(next.success)
        Deferred.doneUnsafe(connected.replaced, Exit.void)
        connected = next.success
      }
    }.bind(this)
  )

  /** The last connection is lost; what was told can still be read. */
  #giveUp(connected: Connected, message: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      Deferred.doneUnsafe(connected.replaced, Exit.void)
      return Effect.andThen(this.#inbox.end({ _tag: "Disconnected", message }), Scope.close(connected.scope, Exit.void))
    })
  }

  /** Tries until it works; fails with the reason for which it gave up. */
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

  /** Asks for the threads that were followed. The requests are written before those of callers who waited. */
  #follow(connected: Connected): Effect.Effect<void> {
    return Effect.forEach(
      this.#followed.threads,
      (threadId) => Effect.forkIn(this.#resume(connected, threadId), connected.scope, { startImmediately: true }),
      { discard: true }
    )
  }

  #resume({ session }: Connected, threadId: string): Effect.Effect<void> {
    const tell = (continuity: Continuity) =>
      this.#inbox.tell({ _tag: "Reconnected", thread: { id: threadId, continuity } })
    return Effect.suspend(() =>
      session.request(
        {
          id: this.#nextId++,
          method: "thread/resume",
          params: { threadId, excludeTurns: true },
          ...this.#followed.resumeAfter(threadId)
        },
        (success) => tell(this.#followed.resumed(threadId, success) ? "complete" : "resync")
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
            // Without an answer the thread is still followed: the next connection asks again.
            if (error._tag !== "ServerError") return
            this.#followed.forget(threadId)
            tell("lost")
          })
      })
    )
  }

  /** The connection to use: the one that is there, or the one that takes its place. */
  #connection(): Effect.Effect<Connected> {
    return Effect.suspend(() => {
      const current = this.#current
      if (current === undefined) return Effect.die("a link is handed out when it is connected")
      const isReplaced = this.#policy !== undefined && !Deferred.isDoneUnsafe(current.replaced)
      if (!current.session.isOver || !isReplaced) return Effect.succeed(current)
      return Effect.andThen(Deferred.await(current.replaced), this.#connection())
    })
  }

  readonly requestWithId: RemoteLink["requestWithId"] = (request) =>
    Effect.flatMap(this.#connection(), ({ session }) =>
      this.#policy === undefined
        ? session.request(request)
        : session.request(request, (success) => this.#followed.answered(request.method, request.params, success))
    )

  readonly request: Link["request"] = (method, params) =>
    // The span the caller is in goes along, where somebody collects spans.
    Effect.flatMap(Tracing.current, (span) => {
      const request = { id: this.#nextId++, method, params }
      return this.requestWithId(span === undefined ? request : { ...request, trace: Tracing.toTraceContext(span) })
    })

  readonly notify: Link["notify"] = (method, params) =>
    Effect.flatMap(this.#connection(), ({ session }) => session.send(method, () => encodeNotification(method, params)))

  /** Never waits for another connection: there the server asks anew. */
  #answer(method: string, id: RequestId, text: (id: RequestId) => string): Effect.Effect<void, TransportError> {
    return Effect.suspend(() => {
      const wireId = this.#policy === undefined ? id : this.#asked.wireIdOf(id)
      if (wireId === null || this.#current === undefined) {
        const detail = "the connection it was asked through is gone"
        return Effect.fail(new TransportError({ method, kind: "BrokenPipe", detail }))
      }
      return Effect.andThen(
        this.#current.session.send(method, () => text(wireId)),
        Effect.sync(() => this.#asked.answered(id))
      )
    })
  }

  readonly respond: Link["respond"] = (id, result) =>
    this.#answer("resolve", id, (id) => encodeSuccess(id, JSON.stringify(result ?? null)))

  readonly reject: Link["reject"] = (id, error: ErrorObject) =>
    this.#answer("reject", id, (id) => encodeFailure(id, error))

  /** No event says that it was wanted. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    const current = this.#current
    if (current !== undefined) {
      current.session.end(undefined)
      Deferred.doneUnsafe(current.replaced, Exit.void)
    }
    return Effect.andThen(this.#inbox.drop, Scope.close(this.#scope, Exit.void))
  })

  get take(): Link["take"] {
    return this.#inbox.take
  }
}

/** Connects and shakes hands. The link ends with the scope, or earlier by `close`. */
export const make = Effect.fnUntraced(function* (
  endpoint: Endpoint,
  options: RemoteOptions
): Effect.fn.Return<{ readonly link: RemoteLink; readonly handshake: Session.Handshake }, ConnectError, Scope.Scope> {
  const inbox = yield* Inbox.make({ ...Inbox.defaultLimits, ...options.events })
  const scope = yield* Scope.fork(yield* Effect.scope)
  const link = new Remote(endpoint, options, inbox, scope)
  yield* Effect.addFinalizer(() => link.close)
  return { link, handshake: yield* Effect.onError(link.start, () => link.close) }
})

/** The typed client of a server behind an endpoint. */
export const client = (
  endpoint: Endpoint,
  options: RemoteOptions
): Effect.Effect<AppServerClient["Service"], ConnectError, Scope.Scope> =>
  Effect.map(make(endpoint, options), ({ link, handshake }) => AppServerClients.make(link, handshake))
