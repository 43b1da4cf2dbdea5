/**
 * The server's requests to this client, from their arrival to their one answer.
 *
 * Owns which requests are pending, the handlers of the program, and the answers. Does not own who receives a request without
 * a handler (EventHub).
 *
 * ```
 *  request ─► a handler of its method? ─yes─► runs ──result──► answer
 *                │ no                          ├─ fails, dies, is removed ─► answer with an error
 *                ▼                             └─ resolved by the server, connection lost ─► interrupted, no answer
 *             an event; `respond` and `reject` answer it
 * ```
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ErrorObject, RequestId } from "../../protocol/jsonrpc/Envelope.ts"
import type {
  ServerRequest,
  ServerRequestMethod,
  ServerRequestParams,
  ServerRequestResult
} from "../../protocol/Methods.ts"
import { type AnswerError, RequestNotPending, type TransportError } from "./ClientError.ts"
import type { ClientEvent } from "./ClientEvent.ts"
import type { EventObserver } from "./EventHub.ts"

/** Sends answers. */
export interface Answering {
  /** Answers a server request with a result. */
  readonly respond: (id: RequestId, result: unknown) => Effect.Effect<void, TransportError>
  /** Answers a server request with an error. */
  readonly reject: (id: RequestId, error: ErrorObject) => Effect.Effect<void, TransportError>
}

/** The server request of a method. */
export type ServerRequestOf<M extends ServerRequestMethod> = Extract<ServerRequest, { readonly method: M }>

/**
 * The answer to a request. For a request whose method is not known it has to fit every method that is possible, so narrow the
 * request by `method` first.
 */
export type AnswerTo<R extends { readonly method: ServerRequestMethod }> = (
  R extends { readonly method: infer M extends ServerRequestMethod } ? (result: ServerRequestResult<M>) => void : never
) extends (result: infer Result) => void
  ? Result
  : never

/**
 * Answers the server requests of one method. `request` has the id. Interrupted when the answer is no longer wanted.
 */
export type RequestHandler<M extends ServerRequestMethod, E, R> = (
  params: ServerRequestParams<M>,
  request: ServerRequestOf<M>
) => Effect.Effect<ServerRequestResult<M>, E, R>

/** The error of a handler that answers with a JSON-RPC error of its choice. The server receives all members. */
export class RequestRejected extends Schema.TaggedError<RequestRejected>()("RequestRejected", {
  /** A code of JSON-RPC. */
  code: Schema.Int,
  detail: Schema.String,
  data: Schema.optionalKey(Schema.Json)
}) {
  override get message(): string {
    return this.detail
  }
}

/** Requests that handlers work on at the same time. Further ones are rejected with -32001. */
export const MaxHandled = 1024

/** Pending requests that a client remembers. The oldest ones are forgotten and cannot be answered. */
const MaxPending = 16_384

/** Starts a fiber that ends with the client. */
export type Fork = (effect: Effect.Effect<void>) => void

/** Starts the handler. */
type Start = (request: ServerRequest, pending: Pending) => void

interface Pending {
  readonly method: ServerRequestMethod
  /** A handler works on it. */
  isHandled: boolean
  /** The answer is no longer wanted. */
  isOver: boolean
  /** Unknown while the handler runs its first step. */
  handler: Fiber.Fiber<unknown, unknown> | undefined
}

/** The answer to a request that has no other answer; undefined to leave it to others. */
export type Fallback = (request: ServerRequest) => ErrorObject | undefined

export class ServerRequestDesk implements EventObserver {
  readonly #link: Answering
  readonly #fork: Fork
  readonly #pending = new Map<RequestId, Pending>()
  /** The newest is the last. */
  readonly #handlers = new Map<ServerRequestMethod, Array<Start>>()
  readonly #fallbacks = new Set<Fallback>()
  #handled = 0

  /** Answers are sent in fibers of the client, so that no caller waits for a server that does not read. */
  constructor(link: Answering, fork: Fork) {
    this.#link = link
    this.#fork = fork
  }

  /** Adds a handler until the scope closes. */
  handle<M extends ServerRequestMethod, E, R>(
    method: M,
    handler: RequestHandler<M, E, R>
  ): Effect.Effect<void, never, R | Scope.Scope> {
    return Effect.gen({ self: this }, function* () {
      const run = yield* FiberSet.makeRuntime<R, void, never>()
      const start: Start = (request, pending) => {
        // The request has the method, so its parameters have the type.
        const given = request as ServerRequestOf<M>
        const result = Effect.suspend(() => {
          const answer = handler(given.params as ServerRequestParams<M>, given)
          // Without type checks a handler may return anything. Effect would end the fiber without its finalizers.
          return Effect.isEffect(answer) ? answer : Effect.die(new TypeError("the handler returned no Effect"))
        })
        const fiber = run(this.#answering(request, pending, result))
        // The first step of the handler may have ended the connection, for example.
        if (pending.isOver) fiber.interruptUnsafe()
        else if (pending.isHandled) pending.handler = fiber
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => this.#add(method, start)),
        () => Effect.sync(() => this.#remove(method, start))
      )
    })
  }

  #add(method: ServerRequestMethod, start: Start): void {
    this.#handlers.set(method, [...(this.#handlers.get(method) ?? []), start])
  }

  #remove(method: ServerRequestMethod, start: Start): void {
    const left = this.#handlers.get(method)?.filter((other) => other !== start) ?? []
    if (left.length === 0) this.#handlers.delete(method)
    else this.#handlers.set(method, left)
  }

  /** Adds an answer for requests that no consumer receives. */
  fallBack(fallback: Fallback): Effect.Effect<void, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.sync(() => void this.#fallbacks.add(fallback)),
      () => Effect.sync(() => void this.#fallbacks.delete(fallback))
    )
  }

  /** Runs a handler and sends the one answer. */
  #answering<E, R>(
    request: ServerRequest,
    pending: Pending,
    result: Effect.Effect<unknown, E, R>
  ): Effect.Effect<void, never, R> {
    const { id, method } = request
    const removed = { code: ErrorCode.Internal, message: `the client's handler of \`${method}\` was removed` }
    const answered = Effect.matchCauseEffect(result, {
      onSuccess: (value) => Effect.sync(() => this.#settle(id, pending, this.#sendResult(request, value))),
      onFailure: (cause) => {
        this.#settle(id, pending, this.#link.reject(id, errorOf(method, cause)))
        // A rejection is an answer.
        return Cause.squash(cause) instanceof RequestRejected
          ? Effect.void
          : Effect.logWarning(`the handler of ${method} failed`, cause)
      }
    })
    return Effect.suspend(() => {
      this.#handled++
      return Effect.ensuring(
        answered,
        Effect.sync(() => {
          this.#handled--
          pending.isHandled = false
          pending.handler = undefined
          this.#settle(id, pending, this.#link.reject(id, removed))
        })
      )
    })
  }

  #sendResult({ id, method }: ServerRequest, value: unknown): Effect.Effect<void, TransportError> {
    return Effect.catchReason(this.#link.respond(id, value), "TransportError", "InvalidRequest", () =>
      this.#link.reject(id, { code: ErrorCode.Internal, message: `the client's answer to \`${method}\` is not JSON` })
    )
  }

  /** Sends an answer if the request is still pending. */
  #settle(id: RequestId, pending: Pending, send: Effect.Effect<void, TransportError>): void {
    if (this.#pending.get(id) !== pending) return
    this.#pending.delete(id)
    this.#fork(Effect.catch(send, (error) => Effect.logDebug(`a server request was not answered: ${error.message}`)))
  }

  readonly takes = (event: ClientEvent): boolean => {
    if (event._tag === "ServerRequest") return this.#receive(event.request)
    if (event._tag === "ServerNotification" && event.notification.method === "serverRequest/resolved") {
      this.#forget(event.notification.params.requestId)
    } else if (event._tag === "Disconnected") {
      this.#stop()
    }
    return false
  }

  /** Stops all handlers, because no request can be answered any more. */
  readonly stop: Effect.Effect<void> = Effect.sync(() => this.#stop())

  #stop(): void {
    for (const [id, { isHandled }] of Array.from(this.#pending)) if (isHandled) this.#forget(id)
  }

  #receive(request: ServerRequest): boolean {
    // After a reconnect the server sends its requests again.
    if (this.#pending.get(request.id)?.isHandled === true) return true
    const pending: Pending = { method: request.method, isHandled: false, isOver: false, handler: undefined }
    this.#pending.set(request.id, pending)
    if (this.#pending.size > MaxPending) this.#forgetOldest()
    const start = this.#handlers.get(request.method)?.at(-1)
    if (start === undefined) return false
    if (this.#handled >= MaxHandled) this.dropped(request)
    else {
      pending.isHandled = true
      start(request, pending)
    }
    return true
  }

  #forgetOldest(): void {
    for (const [id, { isHandled }] of this.#pending) {
      if (!isHandled) return void this.#pending.delete(id)
    }
  }

  /** The request does not need an answer any more. */
  #forget(id: RequestId): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    this.#pending.delete(id)
    pending.isOver = true
    pending.handler?.interruptUnsafe()
  }

  readonly unclaimed = (request: ServerRequest): boolean => {
    for (const fallback of this.#fallbacks) {
      const error = fallback(request)
      if (error === undefined) continue
      this.#refuse(request, error)
      return true
    }
    return false
  }

  readonly dropped = (request: ServerRequest): void =>
    this.#refuse(request, {
      code: ErrorCode.Overloaded,
      message: `the client has too many unanswered requests, \`${request.method}\` was dropped`
    })

  #refuse({ id }: ServerRequest, error: ErrorObject): void {
    const pending = this.#pending.get(id)
    if (pending !== undefined) this.#settle(id, pending, this.#link.reject(id, error))
  }

  /** Answers a request of an event. */
  answer(
    { id, method }: Pick<ServerRequest, "id" | "method">,
    send: Effect.Effect<void, TransportError>
  ): Effect.Effect<void, AnswerError> {
    return Effect.suspend((): Effect.Effect<void, AnswerError> => {
      const pending = this.#pending.get(id)
      if (pending?.method !== method) return Effect.fail(new RequestNotPending({ method, requestId: id }))
      this.#pending.delete(id)
      return Effect.onExit(send, (exit) =>
        Effect.sync(() => {
          // It can be answered again if the connection returns.
          if (Exit.isFailure(exit) && !this.#pending.has(id)) this.#pending.set(id, pending)
        })
      )
    })
  }
}

/** What the server learns of a failure. The cause may have secrets, so it is only logged. */
const errorOf = (method: string, cause: Cause.Cause<unknown>): ErrorObject => {
  const error = Cause.squash(cause)
  if (error instanceof RequestRejected) {
    const { code, data, detail } = error
    return data === undefined ? { code, message: detail } : { code, message: detail, data }
  }
  return { code: ErrorCode.Internal, message: `the client's handler of \`${method}\` failed` }
}
