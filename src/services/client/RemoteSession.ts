/**
 * One connection to a server, from its handshake to its end.
 *
 * Owns the processing of each received message, the events before the handshake is complete, and the end: one transition
 * that happens once, whatever its cause, and fails all pending requests. Does not own the event buffer (EventQueue) or
 * reconnection (RemoteLink).
 *
 * ```
 *  open ─► initialize sent ──answer──► initialized ──lost, or ended on purpose──► over
 *            └── refused, no answer in time, lost ─► nothing is left
 * ```
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { encodeFailure, encodeNotification, encodeRequest, type RequestMessage } from "../../protocol/jsonrpc/Encode.ts"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import { type Extensions, type Notification, type Request, type Success } from "../../protocol/jsonrpc/Envelope.ts"
import { parse } from "../../protocol/jsonrpc/Parse.ts"
import type { ParamsInputOf } from "../../protocol/Methods.ts"
import { type ServerError, TransportError } from "./ClientError.ts"
import { bounded, ConnectError, ConnectionLost, type MessageChannel, type Endpoint } from "./MessageChannel.ts"
import { notificationOf, type IncomingMessage, requestOf } from "./IncomingMessage.ts"
import { type Observe, PendingRequests } from "./PendingRequests.ts"

/** Ids of callers are numbers, so this id is unique. */
const InitializeId = "initialize"

/** Limit on events received before the response to initialize. */
const MaxEarly = 4096

/** The error text for calls after the connection was closed. */
export const Closed = "remote app-server worker channel is closed"

/** The server's identity and its extensions, from the handshake. */
export interface Handshake {
  readonly userAgent: string
  readonly codexHome: string
  readonly extensions: Extensions | undefined
}

/** Called in the order of arrival. */
export interface Receiver {
  /** The handshake is complete. Events received before it follow. */
  readonly ready: (handshake: Handshake) => void
  /** Delivers an event. The result is a signal to wait for before reading continues; `undefined` when there is room. */
  readonly event: (message: IncomingMessage) => Deferred.Deferred<void> | undefined
}

export interface SessionOptions {
  readonly initialize: ParamsInputOf<"initialize">
  /** The time from sending initialize to its response. */
  readonly initializeTimeout: Duration.Input
}

export class RemoteSession {
  readonly #label: string
  readonly #channel: MessageChannel
  readonly #receiver: Receiver
  readonly #scope: Scope.Scope
  readonly #pending = new PendingRequests()
  readonly #over = Deferred.makeUnsafe<ConnectionLost | undefined>()
  #early: Array<IncomingMessage> | undefined = []
  #handshake: Handshake | undefined
  #isOver = false
  #received = 0
  #isHeld = false

  constructor(label: string, channel: MessageChannel, receiver: Receiver, scope: Scope.Scope) {
    this.#label = label
    this.#channel = channel
    this.#receiver = receiver
    this.#scope = scope
  }

  /** Counts received chunks; the heartbeat uses it to detect activity. */
  get received(): number {
    return this.#received
  }

  /** Reading has stopped until the consumer takes an event. */
  get isHeld(): boolean {
    return this.#isHeld
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Waits for the end: the loss, or undefined when the connection was closed on purpose. */
  get over(): Effect.Effect<ConnectionLost | undefined> {
    return Deferred.await(this.#over)
  }

  /** The loss as a message for users. */
  describe(loss: ConnectionLost): string {
    return `remote app server at \`${this.#label}\` ${loss.detail}`
  }

  /** Ends the connection and fails all pending requests; only the first call counts. */
  end(loss: ConnectionLost | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    if (loss === undefined) this.#pending.failAll({ _tag: "Closed" }, Closed)
    else this.#pending.failAll(loss.reason, this.describe(loss))
    Deferred.doneUnsafe(this.#over, Exit.succeed(loss))
  }

  /**
   * Sends a request and waits for its response. Interrupting it discards the response; the server is not notified, because
   * the protocol has no message for that. A request that cannot be written ends the connection.
   */
  request(request: RequestMessage, observe?: Observe): Effect.Effect<unknown, TransportError | ServerError> {
    return Effect.suspend(() => {
      const { id, method } = request
      const text = this.#encode(method, () => encodeRequest(request))
      if (typeof text !== "string") return Effect.fail(text)
      const answer = this.#pending.add(id, method, observe)
      if (answer === undefined) {
        const detail = `duplicate remote app-server request id \`${String(id)}\``
        return Effect.fail(new TransportError({ method, reason: { _tag: "InvalidRequest" }, detail }))
      }
      const wait = this.#write(text)
      const answered =
        wait === undefined
          ? Deferred.await(answer)
          : Effect.andThen(
              Effect.catch(wait, (loss) => Effect.sync(() => this.end(loss))),
              Deferred.await(answer)
            )
      return Effect.onInterrupt(answered, () => Effect.sync(() => this.#pending.forget(id)))
    })
  }

  /** Sends a message without a response: a notification or a response. A failure does not end the connection. */
  send(method: string, message: () => string): Effect.Effect<void, TransportError> {
    return Effect.suspend(() => {
      const text = this.#encode(method, message)
      if (typeof text !== "string") return Effect.fail(text)
      const wait = this.#write(text)
      if (wait === undefined) return Effect.void
      return Effect.mapError(
        wait,
        (loss) =>
          new TransportError({
            method,
            reason: loss === closing ? { _tag: "Closed" } : loss.reason,
            detail: this.describe(loss)
          })
      )
    })
  }

  /** The wait ends with the connection, even if the transport never has room again. */
  #write(text: string): Effect.Effect<void, ConnectionLost> | undefined {
    const wait = this.#channel.write(text)
    return (
      wait &&
      Effect.raceFirst(
        wait,
        Effect.flatMap(this.over, (loss) => Effect.fail(loss ?? closing))
      )
    )
  }

  /** The text of a message, or the error when it cannot be encoded. */
  #encode(method: string, message: () => string): string | TransportError {
    if (this.#isOver) return new TransportError({ method, reason: { _tag: "Closed" }, detail: Closed })
    try {
      return message()
    } catch {
      return new TransportError({ method, reason: { _tag: "InvalidRequest" }, detail: "the message is not JSON" })
    }
  }

  /** Reads until the connection ends, then records the end. */
  readonly read: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    while (true) {
      const texts = yield* this.#channel.pull
      this.#received++
      for (const text of texts) {
        const step = this.#receive(text)
        if (step !== undefined) yield* step
        if (this.#isOver) return
      }
    }
  }).pipe(Effect.catch((loss) => Effect.sync(() => this.end(loss))))

  /** Undefined when there is nothing to wait for. */
  #receive(text: string): Effect.Effect<void, ConnectionLost> | undefined {
    const incoming = parse(text)
    switch (incoming._tag) {
      case "Notification":
        return this.#onNotification(incoming.notification, text.length)
      case "Success": {
        // Completing the response resumes its caller immediately, so the handshake must be processed first.
        const step = incoming.success.id === InitializeId ? this.#ready(incoming.success) : undefined
        this.#pending.succeed(incoming.success)
        return step
      }
      case "Failure":
        this.#pending.fail(incoming.failure)
        return undefined
      case "Request":
        return this.#onRequest(incoming.request, text.length)
      case "Refused":
      case "Ignored":
        return Effect.fail(invalid(incoming.reason))
    }
  }

  #onNotification(notification: Notification, size: number): Effect.Effect<void, ConnectionLost> | undefined {
    const message = notificationOf(notification, size)
    if (message !== undefined) return this.#deliver(message)
    return Effect.logDebug(`ignoring an unknown notification: ${bounded(notification.method)}`)
  }

  #onRequest(request: Request, size: number): Effect.Effect<void, ConnectionLost> | undefined {
    const message = requestOf(request, size)
    if (message !== undefined) return this.#deliver(message)
    const error = {
      code: ErrorCode.MethodNotFound,
      message: `unsupported remote app-server request \`${bounded(request.method)}\``
    }
    const refusal = this.send("reject", () => encodeFailure(request.id, error))
    // Forked: the reader must not block when the server writes without reading.
    return Effect.asVoid(Effect.forkIn(Effect.ignore(refusal), this.#scope))
  }

  #deliver(message: IncomingMessage): Effect.Effect<void, ConnectionLost> | undefined {
    if (this.#early === undefined) return this.#hold(this.#receiver.event(message))
    if (this.#early.length >= MaxEarly) return Effect.fail(invalid(`${MaxEarly} events and no initialize response`))
    this.#early.push(message)
    return undefined
  }

  /** Stops reading until there is room. */
  #hold(wait: Deferred.Deferred<void> | undefined): Effect.Effect<void> | undefined {
    if (wait === undefined) return undefined
    const release = Effect.sync(() => {
      this.#isHeld = false
      this.#received++
    })
    this.#isHeld = true
    return Effect.ensuring(Deferred.await(wait), release)
  }

  /** Delivers the events from before the handshake, then processes later messages. */
  #ready({ result, extensions }: Success): Effect.Effect<void> | undefined {
    const early = this.#early
    if (early === undefined || !Predicate.hasProperty(result, "userAgent")) return undefined
    const { userAgent } = result
    if (typeof userAgent !== "string") return undefined
    const codexHome = Predicate.hasProperty(result, "codexHome") ? result.codexHome : undefined
    this.#handshake = { userAgent, codexHome: typeof codexHome === "string" ? codexHome : "", extensions }
    this.#early = undefined
    this.#receiver.ready(this.#handshake)
    let wait: Deferred.Deferred<void> | undefined
    for (const message of early) wait = this.#receiver.event(message) ?? wait
    return this.#hold(wait)
  }

  /** Sends initialize, waits for the response, and sends initialized. */
  initialize({ initialize, initializeTimeout }: SessionOptions): Effect.Effect<Handshake, ConnectError> {
    const noResponse = `timed out waiting for initialize response from \`${this.#label}\``
    return this.request({ id: InitializeId, method: "initialize", params: initialize }).pipe(
      Effect.mapError(toConnectError),
      Effect.timeoutOrElse({
        duration: initializeTimeout,
        orElse: () => Effect.fail(new ConnectError({ reason: { _tag: "TimedOut" }, message: noResponse }))
      }),
      Effect.flatMap(() => {
        if (this.#handshake !== undefined) return Effect.succeed(this.#handshake)
        const message = this.describe(invalid("an initialize response without a user agent"))
        return Effect.fail(new ConnectError({ reason: { _tag: "ProtocolViolation" }, message }))
      }),
      Effect.tap(
        Effect.mapError(
          this.send("initialized", () => encodeNotification("initialized")),
          toConnectError
        )
      )
    )
  }
}

const closing = new ConnectionLost({
  reason: { _tag: "WriteFailed" },
  detail: "write failed: the connection is closing"
})

const invalid = (reason: string): ConnectionLost =>
  new ConnectionLost({ reason: { _tag: "ProtocolViolation" }, detail: `sent invalid JSON-RPC: ${reason}` })

/** Only an overloaded server can be retried; any other error is final. */
const toConnectError = (error: TransportError | ServerError): ConnectError => {
  if (error._tag === "ServerError") {
    const tag = error.code === ErrorCode.Overloaded ? "Unreachable" : "Rejected"
    return new ConnectError({ reason: { _tag: tag }, message: bounded(error.message) })
  }
  const { _tag } = error.reason
  const tag = _tag === "ProtocolViolation" || _tag === "InvalidRequest" ? "ProtocolViolation" : "Unreachable"
  return new ConnectError({ reason: { _tag: tag }, message: error.detail })
}

/** An open connection after its handshake. */
export interface Opened {
  readonly session: RemoteSession
  readonly handshake: Handshake
  readonly ping: MessageChannel["ping"]
}

/** Connects and does the handshake; the connection ends with the scope. */
export const open = Effect.fnUntraced(function* (
  endpoint: Endpoint,
  options: SessionOptions,
  receiver: Receiver
): Effect.fn.Return<Opened, ConnectError, Scope.Scope> {
  const channel = yield* endpoint.open
  const session = new RemoteSession(endpoint.label, channel, receiver, yield* Effect.scope)
  yield* Effect.addFinalizer(() => Effect.sync(() => session.end(undefined)))
  yield* Effect.forkScoped(session.read)
  const handshake = yield* session.initialize(options)
  return { session, handshake, ping: channel.ping }
})
