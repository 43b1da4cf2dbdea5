/**
 * The handlers of one connection: which run, which wait, and what becomes of them.
 *
 * Owns the step from a request to a running handler and from its end to the answer. Handlers are kept
 * from the moment they suspend, which most never do.
 *
 * ```
 *  admit ─► waiting (its key is taken) ─► running ─► answered
 *    │          ├── cancelled, its client lost ─► gone without having run
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

/** Starts a fiber in the caller's turn, up to its first suspension. */
export type Fork = (effect: Effect.Effect<unknown, unknown>) => Fiber.Fiber<unknown, unknown>

/** What is left to do once a request is answered. */
interface Rest {
  /** Waits for room for the answer, or logs why it is an internal error. */
  readonly placed: Effect.Effect<void> | undefined
  /** Begins in the step in which it is run. */
  readonly commit?: Effect.Effect<void>
}

/** Undefined for nothing, which most answers leave. */
const afterwards = (wait: Wait): Rest | undefined => (wait === undefined ? undefined : { placed: Deferred.await(wait) })

const died = (request: ActiveRequest, cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Effect.logError("handler died", cause).pipe(Effect.annotateLogs({ method: request.decoded.method }))

/** A defect is logged with its cause and answered without it. */
const failed = (request: ActiveRequest, cause: Cause.Cause<ServiceError>): Rest | undefined => {
  const error = Cause.findErrorOption(cause)
  if (Option.isSome(error)) return afterwards(request.fail(fromServiceError(error.value)))
  if (Cause.hasInterruptsOnly(cause)) return afterwards(request.fail(internal("request was interrupted")))
  const wait = request.fail(internal("internal error"))
  return { placed: Effect.andThen(died(request, cause), settled(wait)) }
}

const replied = (request: ActiveRequest, reply: Reply<unknown>): Rest | undefined => {
  // Nobody waits for the answer: what belongs to it does not happen.
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

/** Gives the request its answer. */
const settle = (request: ActiveRequest, exit: Exit.Exit<unknown, unknown>): Rest | undefined => {
  // Handlers fail with service errors and nothing else; a fiber's own type does not say so.
  if (Exit.isFailure(exit)) return failed(request, exit.cause as Cause.Cause<ServiceError>)
  return exit.value instanceof Reply ? replied(request, exit.value) : afterwards(request.succeed(exit.value))
}

export class Dispatcher {
  readonly #connection: Connection
  readonly #handlers: Handlers["Service"]
  readonly #scheduler: KeyedScheduler
  readonly #fork: Fork
  readonly #meter: Meter
  // A connection that is idle has none of these: there may be thousands of them.
  /** Handlers that have suspended, and answers that wait for room. */
  #running: Set<Fiber.Fiber<unknown, unknown>> | undefined
  /** Requests that wait behind others of their key. */
  #waiting: Set<ActiveRequest> | undefined
  /** Completed when no request waits any more, for those who wait for it. */
  #noneWaits: Signal | undefined
  /** Requests that wait, and those that run and have suspended. */
  #requests: Map<RequestId, ActiveRequest> | undefined
  /** Cancelled before they were looked at, or in the very moment in which their handler began. */
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

  /** Runs the request's handler, now or when its turn comes. The result waits until a refusal has its place. */
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
        const isSkipped = !this.#waitsNoMore(request)
        this.#forget(request)
        if (isSkipped) this.#scheduler.leave(key)
        else this.#start(request, key)
        this.#informIdle()
      }
    })
    return undefined
  }

  /** False when it did not wait. */
  #waitsNoMore(request: ActiveRequest): boolean {
    if (this.#waiting?.delete(request) !== true) return false
    this.#connection.waiting--
    return true
  }

  #informIdle(): void {
    if (this.#waiting?.size === 0) this.#noneWaits?.fire()
  }

  /** Skips the requests that wait, and answers them with the error if there is one. They are not run when their turn comes. */
  skipWaiting(error?: RequestError): void {
    for (const request of Array.from(this.#waiting ?? [])) {
      this.#waitsNoMore(request)
      this.#forget(request)
      const rest = error === undefined ? undefined : afterwards(request.fail(error))
      if (rest?.placed !== undefined) this.#run(rest.placed)
    }
    this.#informIdle()
  }

  /** Runs the request's handler to its answer before anything else of the connection: the handshake. */
  inline(decoded: DecodedRequest): Effect.Effect<void> {
    const request = new ActiveRequest(this.#connection, decoded, this.#meter)
    return Effect.flatMap(Effect.exit(this.#serving(request)), (exit) => {
      const rest = settle(request, exit)
      return Effect.andThen(rest?.commit ?? Effect.void, rest?.placed ?? Effect.void)
    })
  }

  /** Answers a request that is not served. */
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
   * Interrupts the handler of a request that is not answered yet, or sees to it that it never starts. Does not wait for the
   * handler, which may take its time to end.
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

  /** Interrupts what runs, and does not wait for it. */
  interruptNow(): void {
    for (const fiber of Array.from(this.#running ?? [])) fiber.interruptUnsafe()
  }

  /** The requests whose handlers have not ended: method and id. */
  get unfinished(): ReadonlyArray<string> {
    return Array.from(this.#requests?.values() ?? [], ({ decoded }) => `${decoded.method} (request ${decoded.id})`)
  }

  /** Ends when no request waits, no handler runs and every answer has found its place. */
  get idle(): Effect.Effect<void> {
    // What ends may leave an answer behind that has to be waited for in its turn.
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

  /** The table has a handler for every method, with that method's types; the request was decoded by the same entry. */
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
    // Neither a commit that waits nor an answer that waits for room holds up other requests of the key: what they wait for may
    // be a client that does not read.
    if (rest?.commit !== undefined) this.#run(rest.commit)
    if (rest?.placed !== undefined) this.#run(rest.placed)
    if (key !== undefined) this.#scheduler.leave(key)
  }

  /** Runs the effect at once. What does not end in this step counts as a running handler. */
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

  /** Ids may be used twice at a time on a wire; each request takes only itself out. */
  #forget(request: ActiveRequest): void {
    if (this.#requests?.get(request.decoded.id) === request) this.#requests.delete(request.decoded.id)
  }
}
