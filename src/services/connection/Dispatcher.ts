/**
 * The handlers of one connection: which run and which wait.
 *
 * Owns the step from a request to a running handler, and from the handler's end to the response. A handler is tracked only
 * once it suspends, which most never do.
 *
 * ```
 *  admit ─► waiting (its key is taken) ─► running ─► answered
 *    │          ├── cancelled, its client is lost ─► dropped without running
 *    │          └── the work mark of a stop ─► answered with an error
 *    └── no place to wait, too many running ─► refused as overload
 * ```
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { RequestId } from "../../protocol/jsonrpc/Envelope.ts"
import { type Connection, MaxRunning } from "./Connection.ts"
import type { Handler, Handlers } from "./Handlers.ts"
import { ActiveRequest } from "./ActiveRequest.ts"
import type { KeyedScheduler } from "./KeyedScheduler.ts"
import type { Meter } from "../observability/RequestMetrics.ts"
import { settled, Signal, type Wait } from "../routing/QueueOptions.ts"
import { internal, overloaded, type RequestError, toErrorObject } from "../routing/RequestError.ts"
import type { DecodedRequest } from "./RequestDecoder.ts"
import { Reply } from "./Reply.ts"
import { fromServiceError, type ServiceError } from "./ServiceError.ts"

/** Starts a fiber synchronously and runs it to its first suspension. */
export type Fork = (effect: Effect.Effect<unknown, unknown>) => Fiber.Fiber<unknown, unknown>

/** What remains to be done after the response. */
interface Rest {
  /** Waits for room for the response, or logs the cause of an internal error. */
  readonly placed: Effect.Effect<void> | undefined
  /** The commit of the reply. It begins in the step in which it is run. */
  readonly commit?: Effect.Effect<void>
}

/** Undefined when nothing remains, as for most responses. */
const afterwards = (wait: Wait): Rest | undefined => (wait === undefined ? undefined : { placed: Deferred.await(wait) })

const died = (request: ActiveRequest, cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Effect.logError("handler died", cause).pipe(Effect.annotateLogs({ method: request.decoded.method }))

/** Logs a defect with its cause. The response does not contain the cause. */
const failed = (request: ActiveRequest, cause: Cause.Cause<ServiceError>): Rest | undefined => {
  const error = Cause.findErrorOption(cause)
  if (Option.isSome(error)) return afterwards(request.fail(fromServiceError(error.value)))
  if (Cause.hasInterruptsOnly(cause)) return afterwards(request.fail(internal("request was interrupted")))
  const wait = request.fail(internal("internal error"))
  return { placed: Effect.andThen(died(request, cause), settled(wait)) }
}

const replied = (request: ActiveRequest, reply: Reply<unknown>): Rest | undefined => {
  // The request was cancelled, so the commit is skipped.
  if (request.isCancelled) return undefined
  try {
    const { commit, extensions, result } = reply.take()
    const rest = afterwards(request.succeed(result, extensions))
    if (commit === undefined) return rest
    const committed = Effect.catchDefect(commit, (defect) => died(request, Cause.die(defect)))
    return { placed: rest?.placed, commit: committed }
  } catch (defect) {
    return failed(request, Cause.die(defect))
  }
}

/** Sends the response to the request. */
const settle = (request: ActiveRequest, exit: Exit.Exit<unknown, unknown>): Rest | undefined => {
  // Handlers fail only with service errors, which the type of the fiber does not express.
  if (Exit.isFailure(exit)) return failed(request, exit.cause as Cause.Cause<ServiceError>)
  return exit.value instanceof Reply ? replied(request, exit.value) : afterwards(request.succeed(exit.value))
}

export class Dispatcher {
  readonly #connection: Connection
  readonly #handlers: Handlers["Service"]
  readonly #scheduler: KeyedScheduler
  readonly #fork: Fork
  readonly #meter: Meter
  // These are created on demand, because there may be thousands of idle connections.
  /** Suspended handlers, and responses that wait for room. */
  #running: Set<Fiber.Fiber<unknown, unknown>> | undefined
  /** Requests that wait behind others with their key. */
  #waiting: Set<ActiveRequest> | undefined
  /** Fired when no request waits any more. */
  #noneWaits: Signal | undefined
  /** Waiting requests, and running ones that have suspended. */
  #requests: Map<RequestId, ActiveRequest> | undefined
  /** Requests cancelled before they were decoded, or while their handler was being started. */
  #withdrawn: Set<RequestId> | undefined

  constructor(
    connection: Connection,
    handlers: Handlers["Service"],
    scheduler: KeyedScheduler,
    fork: Fork,
    meter: Meter
  ) {
    this.#connection = connection
    this.#handlers = handlers
    this.#scheduler = scheduler
    this.#fork = fork
    this.#meter = meter
  }

  /** Runs the request's handler, now or when its key is free. The result waits for room for a refusal. */
  admit(decoded: DecodedRequest): Effect.Effect<void> | undefined {
    const { key, shared } = decoded
    const connection = this.#connection
    if (this.#isWithdrawn(decoded.id) || connection.isClosed) return undefined
    if (connection.running >= MaxRunning) return this.#overload(decoded)
    const request = new ActiveRequest(connection, decoded, this.#meter)
    if (key === undefined) {
      this.#start(request, undefined)
      return undefined
    }
    if (this.#scheduler.isFree(key, shared)) {
      this.#scheduler.enter({ key, shared, start: () => this.#start(request, key) })
      return undefined
    }
    if (connection.waiting >= connection.capacity) return this.#overload(decoded)
    connection.waiting++
    ;(this.#waiting ??= new Set()).add(request)
    this.#keep(request)
    this.#scheduler.enter({
      key,
      shared,
      start: () => {
        const isSkipped = !this.#stopWaiting(request)
        this.#forget(request)
        if (isSkipped) this.#scheduler.leave(key)
        else this.#start(request, key)
        this.#notifyIdle()
      }
    })
    return undefined
  }

  /** False when it did not wait. */
  #stopWaiting(request: ActiveRequest): boolean {
    if (this.#waiting?.delete(request) !== true) return false
    this.#connection.waiting--
    return true
  }

  #notifyIdle(): void {
    if (this.#waiting?.size === 0) this.#noneWaits?.fire()
  }

  /** Drops the waiting requests. With an error, it is the response to each of them. */
  skipWaiting(error?: RequestError): void {
    for (const request of Array.from(this.#waiting ?? [])) {
      this.#stopWaiting(request)
      this.#forget(request)
      const rest = error === undefined ? undefined : afterwards(request.fail(error))
      if (rest?.placed !== undefined) this.#run(rest.placed)
    }
    this.#notifyIdle()
  }

  /** Runs the handshake's handler to its response, before any other message of the connection. */
  inline(decoded: DecodedRequest): Effect.Effect<void> {
    const request = new ActiveRequest(this.#connection, decoded, this.#meter)
    return Effect.flatMap(Effect.exit(this.#serving(request)), (exit) => {
      const rest = settle(request, exit)
      return Effect.andThen(rest?.commit ?? Effect.void, rest?.placed ?? Effect.void)
    })
  }

  /** Sends the error of a request that is not served. */
  refuse(request: Pick<DecodedRequest, "id" | "method">, error: RequestError): Effect.Effect<void> | undefined {
    const { id, method } = request
    if (this.#isWithdrawn(id)) return undefined
    this.#meter.refused(method, error.code)
    return afterwards(this.#connection.answers.fail(id, toErrorObject(error)))?.placed
  }

  #overload(decoded: DecodedRequest): Effect.Effect<void> | undefined {
    this.#connection.overloads++
    return this.refuse(decoded, overloaded(this.#connection.overloadText))
  }

  /**
   * Interrupts the handler of an unanswered request, or prevents its start. Does not wait for the handler to end.
   */
  cancelNow(id: RequestId): void {
    const request = this.#requests?.get(id)
    if (request === undefined) {
      ;(this.#withdrawn ??= new Set()).add(id)
      return
    }
    request.isCancelled = true
    request.fiber?.interruptUnsafe()
  }

  /** Interrupts all running handlers and does not wait for them. */
  interruptNow(): void {
    for (const fiber of Array.from(this.#running ?? [])) fiber.interruptUnsafe()
  }

  /** The requests whose handlers have not ended: method and id. */
  get unfinished(): ReadonlyArray<string> {
    return Array.from(this.#requests?.values() ?? [], ({ decoded }) => `${decoded.method} (request ${decoded.id})`)
  }

  /** Waits until no request waits, no handler runs and every response is queued. */
  get idle(): Effect.Effect<void> {
    // A handler that ends may leave a response that waits for room, so this repeats.
    return Effect.whileLoop({
      while: () => this.#connection.waiting > 0 || (this.#running !== undefined && this.#running.size > 0),
      body: (): Effect.Effect<unknown> =>
        this.#connection.waiting > 0
          ? (this.#noneWaits ??= new Signal()).next
          : Fiber.awaitAll(Array.from(this.#running ?? [])),
      step: () => {}
    })
  }

  #isWithdrawn(id: RequestId): boolean {
    return this.#withdrawn !== undefined && this.#withdrawn.delete(id)
  }

  /** The handler's type matches the parameters, because the same table entry decoded the request. */
  #serving(request: ActiveRequest): Effect.Effect<unknown, ServiceError> {
    const { params, served } = request.decoded
    const serve = this.#handlers[served ?? "initialize"] as Handler<never>
    return Effect.suspend(() => serve(params as never, request))
  }

  #start(request: ActiveRequest, key: string | undefined): void {
    if (request.isCancelled || this.#connection.isClosed) {
      if (key !== undefined) this.#scheduler.leave(key)
      return
    }
    const fiber = this.#fork(this.#serving(request))
    const withdrawn = this.#isWithdrawn(request.decoded.id)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return this.#ended(request, key, exit)
    request.isCancelled = withdrawn
    request.fiber = fiber
    this.#keep(request)
    this.#add(fiber)
    fiber.addObserver((late) => {
      this.#forget(request)
      this.#ended(request, key, late)
    })
    if (withdrawn) fiber.interruptUnsafe()
  }

  #ended(request: ActiveRequest, key: string | undefined, exit: Exit.Exit<unknown, unknown>): void {
    const rest = settle(request, exit)
    // Neither a suspended commit nor a response that waits for room blocks other requests with the key: both may wait for a
    // client that does not read.
    if (rest?.commit !== undefined) this.#run(rest.commit)
    if (rest?.placed !== undefined) this.#run(rest.placed)
    if (key !== undefined) this.#scheduler.leave(key)
  }

  /** Runs the effect synchronously. If it suspends, its fiber counts as a running handler. */
  #run(effect: Effect.Effect<void>): void {
    const fiber = this.#fork(effect)
    if (fiber.pollUnsafe() === undefined) this.#add(fiber)
  }

  #add(fiber: Fiber.Fiber<unknown, unknown>): void {
    const running = (this.#running ??= new Set())
    running.add(fiber)
    this.#connection.running++
    fiber.addObserver(() => {
      running.delete(fiber)
      this.#connection.running--
    })
  }

  #keep(request: ActiveRequest): void {
    ;(this.#requests ??= new Map()).set(request.decoded.id, request)
  }

  /** A client may use an id twice at a time, so each request removes only itself. */
  #forget(request: ActiveRequest): void {
    if (this.#requests?.get(request.decoded.id) === request) this.#requests.delete(request.decoded.id)
  }
}
