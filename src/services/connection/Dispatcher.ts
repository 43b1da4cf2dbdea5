/**
 * The handlers of one connection: which run, which wait, and what becomes of them.
 *
 * Owns the step from a call to a running handler and from its end to the answer. Handlers are kept
 * from the moment they suspend, which most never do.
 *
 * ```
 *  admit ─► waiting (its key is taken) ─► running ─► answered
 *    │          └── cancelled, closed ─► gone without having run
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
import { Answered, type Handler, type Handlers, type RequestContext } from "./Handlers.ts"
import { ActiveRequest } from "./ActiveRequest.ts"
import type { KeyedScheduler } from "./KeyedScheduler.ts"
import type { Meter } from "../observability/RequestMetrics.ts"
import { settled, type Wait } from "../routing/TieredQueue.ts"
import { internal, overloaded, type RequestError, toErrorObject } from "../routing/RequestError.ts"
import type { DecodedRequest } from "./RequestDecoder.ts"
import { fromServiceError, type ServiceError } from "./ServiceError.ts"

/** Starts a fiber in the caller's turn, up to its first suspension. */
export type Fork = (effect: Effect.Effect<unknown, unknown>) => Fiber.Fiber<unknown, unknown>

/** A defect is logged with its cause and answered without it. */
const failed = (job: ActiveRequest, cause: Cause.Cause<ServiceError>): Effect.Effect<void> | undefined => {
  const error = Cause.findErrorOption(cause)
  if (Option.isSome(error)) return afterwards(job.failNow(fromServiceError(error.value)))
  if (Cause.hasInterruptsOnly(cause)) return afterwards(job.failNow(internal("request was interrupted")))
  const wait = job.failNow(internal("internal error"))
  return Effect.andThen(
    Effect.logError("handler died", cause).pipe(Effect.annotateLogs({ method: job.call.method })),
    settled(wait)
  )
}

/** What is left to do once an answer has its place; undefined for nothing, which most answers need. */
const afterwards = (wait: Wait): Effect.Effect<void> | undefined =>
  wait === undefined ? undefined : Deferred.await(wait)

const settle = (job: ActiveRequest, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> | undefined => {
  // Handlers fail with service errors and nothing else; a fiber's own type does not say so.
  if (Exit.isFailure(exit)) return failed(job, exit.cause as Cause.Cause<ServiceError>)
  return exit.value === Answered ? undefined : afterwards(job.respondNow(exit.value))
}

export class Dispatcher {
  readonly #connection: Connection
  readonly #handlers: Handlers["Service"]
  readonly #scheduler: KeyedScheduler
  readonly #fork: Fork
  readonly #meter: Meter
  // A connection that is idle has none of these three: there may be thousands of them.
  /** Handlers that have suspended, and answers that wait for room. */
  #running: Set<Fiber.Fiber<unknown, unknown>> | undefined
  /** Requests that wait, and those that run and have suspended. */
  #jobs: Map<RequestId, ActiveRequest> | undefined
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

  /** Runs the call's handler, now or when its turn comes. The result waits until a refusal has its place. */
  admit(call: DecodedRequest): Effect.Effect<void> | undefined {
    const { key, shared } = call
    const connection = this.#connection
    if (this.#isWithdrawn(call.id)) return undefined
    if (connection.running >= MaxRunning) return this.#overload(call)
    const job = new ActiveRequest(connection, call, this.#meter)
    if (key === undefined) {
      this.#start(job, undefined)
      return undefined
    }
    if (this.#scheduler.isFree(key, shared)) {
      this.#scheduler.enter({ key, shared, start: () => this.#start(job, key) })
      return undefined
    }
    if (connection.waiting >= connection.capacity) return this.#overload(call)
    connection.waiting++
    this.#keep(job)
    this.#scheduler.enter({
      key,
      shared,
      start: () => {
        connection.waiting--
        this.#forget(job)
        this.#start(job, key)
      }
    })
    return undefined
  }

  /** Runs the call's handler to its answer before anything else of the connection: the handshake. */
  inline(call: DecodedRequest): Effect.Effect<void> {
    const job = new ActiveRequest(this.#connection, call, this.#meter)
    return Effect.flatMap(Effect.exit(this.#serving(call, job)), (exit) => settle(job, exit) ?? Effect.void)
  }

  /** Answers a request that is not served. */
  refuse(request: Pick<DecodedRequest, "id" | "method">, error: RequestError): Effect.Effect<void> | undefined {
    const { id, method } = request
    if (this.#isWithdrawn(id)) return undefined
    this.#meter.refused(method, error.code)
    return afterwards(this.#connection.answers.fail(id, toErrorObject(error)))
  }

  #overload(call: DecodedRequest): Effect.Effect<void> | undefined {
    this.#connection.overloads++
    return this.refuse(call, overloaded(this.#connection.overloadText))
  }

  /**
   * Interrupts the handler of a request that is not answered yet, or sees to it that it never starts. Does not wait for the
   * handler, which may take its time to end.
   */
  cancelNow(id: RequestId): void {
    const job = this.#jobs?.get(id)
    if (job === undefined) {
      ;(this.#withdrawn ??= new Set()).add(id)
      return
    }
    job.isCancelled = true
    job.fiber?.interruptUnsafe()
  }

  /** Ends when no handler runs and every answer has found its place. */
  get idle(): Effect.Effect<void> {
    return this.#whileRunning(Fiber.awaitAll)
  }

  /** Interrupts what runs, and does not wait for it. */
  interruptNow(): void {
    for (const fiber of Array.from(this.#running ?? [])) fiber.interruptUnsafe()
  }

  /** The requests whose handlers have not ended: method and id. */
  get unfinished(): ReadonlyArray<string> {
    return Array.from(this.#jobs?.values() ?? [], ({ call }) => `${call.method} (request ${call.id})`)
  }

  #whileRunning(end: (fibers: Iterable<Fiber.Fiber<unknown, unknown>>) => Effect.Effect<unknown>): Effect.Effect<void> {
    // What ends may leave an answer behind that has to be waited for in its turn.
    return Effect.whileLoop({
      while: () => this.#running !== undefined && this.#running.size > 0,
      body: () => end(Array.from(this.#running ?? [])),
      step: () => {}
    })
  }

  #isWithdrawn(id: RequestId): boolean {
    return this.#withdrawn !== undefined && this.#withdrawn.delete(id)
  }

  /** The table has a handler for every method, with that method's types; the call was decoded by the same entry. */
  #serving(call: DecodedRequest, context: RequestContext): Effect.Effect<unknown, ServiceError> {
    const serve = this.#handlers[call.served ?? "initialize"] as Handler<never>
    return Effect.suspend(() => serve(call.params as never, context))
  }

  #start(job: ActiveRequest, key: string | undefined): void {
    if (job.isCancelled || this.#connection.isClosed) {
      if (key !== undefined) this.#scheduler.leave(key)
      return
    }
    const fiber = this.#fork(this.#serving(job.call, job))
    const withdrawn = this.#isWithdrawn(job.call.id)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return this.#ended(job, key, exit)
    job.isCancelled = withdrawn
    job.fiber = fiber
    this.#keep(job)
    this.#add(fiber)
    fiber.addObserver((late) => {
      this.#forget(job)
      this.#ended(job, key, late)
    })
    if (withdrawn) fiber.interruptUnsafe()
  }

  #ended(job: ActiveRequest, key: string | undefined, exit: Exit.Exit<unknown, unknown>): void {
    const placed = settle(job, exit)
    // An answer that finds no room is waited for by a fiber of its own, which counts as its handler still running.
    if (placed !== undefined) this.#await(placed)
    if (key !== undefined) this.#scheduler.leave(key)
  }

  #await(placed: Effect.Effect<void>): void {
    const fiber = this.#fork(placed)
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

  #keep(job: ActiveRequest): void {
    ;(this.#jobs ??= new Map()).set(job.call.id, job)
  }

  /** Ids may be used twice at a time on a wire; each job takes only itself out. */
  #forget(job: ActiveRequest): void {
    if (this.#jobs?.get(job.call.id) === job) this.#jobs.delete(job.call.id)
  }
}
