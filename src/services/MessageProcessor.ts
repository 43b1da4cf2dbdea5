/**
 * From a message to its answer.
 *
 * Owns what happens between a connection's ingress and its handlers: decoding, the handshake gate, the experimental gate,
 * the order of requests with the same key, a fiber for each handler, and exactly one answer for each request. Does not own
 * what a method does (Handlers), nor bytes (transports).
 *
 * ```
 *  ingress ─► decode ─► gate ─► lane of its key ─► handler (own fiber) ─► one answer
 *               └─ error ─┴─ error ─┴─ overload ──────────────────────────────┘
 * ```
 *
 * Closing a connection: no more is admitted, waiting requests are skipped, running handlers finish within the grace that
 * the caller gives, then they are interrupted.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { Incoming, Request, RequestId } from "../protocol/JsonRpc.ts"
import * as Connections from "./Connection.ts"
import type { Connection, ConnectionOptions } from "./Connection.ts"
import { Answered, type Handler, Handlers, type RequestContext } from "./Handlers.ts"
import { Lanes } from "./Lanes.ts"
import type { Outbound } from "./Outbound.ts"
import { OutboundRouter } from "./OutboundRouter.ts"
import { OutgoingMessages } from "./OutgoingMessages.ts"
import { internal, invalidRequest, overloaded, type RequestError, toErrorObject } from "./RequestError.ts"
import { type Call, gate, read } from "./RequestReader.ts"
import { fromServiceError, type ServiceError } from "./ServiceError.ts"

/** A connection that is being served. */
export interface Served {
  readonly connection: Connection
  /** Ends when the ingress has ended and every handler has finished. */
  readonly done: Effect.Effect<void>
  /** The caller of a request no longer wants its answer: the handler is interrupted, or never started. */
  readonly cancel: (id: RequestId) => Effect.Effect<void>
}

export class MessageProcessor extends Context.Service<
  MessageProcessor,
  {
    /** Serves a new connection until the scope closes, and makes it known to the router. */
    readonly serve: (options: ConnectionOptions) => Effect.Effect<Served, never, Scope.Scope>
  }
>()("spindle/MessageProcessor") {}

/** A handler that runs or waits to run. */
class Job {
  readonly connection: Connection
  readonly call: Call
  answered = false
  cancelled = false
  fiber: Fiber.Fiber<void> | undefined

  constructor(connection: Connection, call: Call) {
    this.connection = connection
    this.call = call
  }

  succeed(result: unknown, following: ReadonlyArray<Outbound> = []): Effect.Effect<void> {
    if (this.answered || this.cancelled) return Effect.void
    this.answered = true
    let wait = this.connection.answers.succeed(this.call.id, result)
    for (const message of following) wait = this.connection.outbox.offerUnsafe(message) ?? wait
    return Connections.settled(wait)
  }

  fail(error: RequestError): Effect.Effect<void> {
    if (this.answered || this.cancelled) return Effect.void
    this.answered = true
    return Connections.settled(this.connection.answers.fail(this.call.id, toErrorObject(error)))
  }
}

/** A defect is logged with its cause and answered without it. */
const failed = (job: Job, cause: Cause.Cause<ServiceError>): Effect.Effect<void> => {
  const error = Cause.findErrorOption(cause)
  if (Option.isSome(error)) return job.fail(fromServiceError(error.value))
  if (Cause.hasInterruptsOnly(cause)) return job.fail(internal("request was interrupted"))
  return Effect.andThen(
    Effect.logError("handler died", cause).pipe(Effect.annotateLogs({ method: job.call.method })),
    job.fail(internal("internal error"))
  )
}

export const make: Effect.Effect<MessageProcessor["Service"], never, Handlers | OutboundRouter | OutgoingMessages> =
  Effect.gen(function* () {
    const handlers = yield* Handlers
    const router = yield* OutboundRouter
    const outgoing = yield* OutgoingMessages
    const lanes = new Lanes()

    /** The table has a handler for every method, with the types of that method; a call was decoded by the same entry. */
    const serving = (call: Call, context: RequestContext): Effect.Effect<unknown, ServiceError> => {
      const serve = handlers[call.served ?? "initialize"] as Handler<never>
      return serve(call.params as never, context)
    }

    const perform = (job: Job): Effect.Effect<void> => {
      const context: RequestContext = {
        connection: job.connection,
        requestId: job.call.id,
        trace: job.call.trace,
        respond: (result) => Effect.suspend(() => job.succeed(result)),
        respondUnsafe: (result, following) => job.succeed(result, following)
      }
      return Effect.matchCauseEffect(serving(job.call, context), {
        onFailure: (cause) => failed(job, cause),
        onSuccess: (result) => (result === Answered ? Effect.void : job.succeed(result))
      })
    }

    const serve = Effect.fnUntraced(function* (options: ConnectionOptions) {
      const connection = yield* Connections.make(nextConnectionId(), options)
      const jobs = new Map<RequestId, Job>()
      const fibers = yield* FiberSet.make<void>()
      const fork = yield* FiberSet.runtime(fibers)()

      const start = (job: Job, leave: string | undefined): void => {
        if (job.cancelled || connection.isClosed) {
          jobs.delete(job.call.id)
          if (leave !== undefined) lanes.leave(leave)
          return
        }
        connection.running++
        const fiber = fork(perform(job))
        job.fiber = fiber
        fiber.addObserver(() => {
          connection.running--
          if (jobs.get(job.call.id) === job) jobs.delete(job.call.id)
          if (leave !== undefined) lanes.leave(leave)
        })
      }

      const refuse = (id: RequestId, error: RequestError): Effect.Effect<void> =>
        Connections.settled(connection.answers.fail(id, toErrorObject(error)))

      const admit = (call: Call): Effect.Effect<void> => {
        const job = new Job(connection, call)
        if (connection.running >= Connections.MaxRunning) return refuse(call.id, overloaded(connection.overloadText))
        const { key, shared } = call
        if (key === undefined) {
          jobs.set(call.id, job)
          start(job, undefined)
          return Effect.void
        }
        const waits = !lanes.isFree(key, shared)
        if (waits && connection.waiting >= connection.capacity)
          return refuse(call.id, overloaded(connection.overloadText))
        jobs.set(call.id, job)
        if (waits) connection.waiting++
        lanes.enter({
          key,
          shared,
          start: () => {
            if (waits) connection.waiting--
            start(job, key)
          }
        })
        return Effect.void
      }

      const request = (request: Request): Effect.Effect<void> => {
        const call = read(request)
        if (Result.isFailure(call)) return refuse(request.id, invalidRequest(`Invalid request: ${call.failure}`))
        const refusal = gate(connection, call.success)
        if (refusal !== undefined) return refuse(request.id, refusal)
        // The handshake is settled before the next message is looked at: requests may be sent right behind it.
        if (request.method === "initialize") return perform(new Job(connection, call.success))
        return admit(call.success)
      }

      const accept = (incoming: Incoming): Effect.Effect<void> => {
        switch (incoming._tag) {
          case "Request":
            return request(incoming.request)
          case "Success":
            return outgoing.succeed(incoming.success.id, incoming.success.result)
          case "Failure":
            return outgoing.fail(incoming.failure.id, incoming.failure.error)
          case "Notification":
            // `initialized` has no effect: readiness comes from initialize itself. Others are of no known use.
            return Effect.void
          case "Ignored":
            return Effect.logError(`ignoring a message: ${incoming.reason}`)
        }
      }

      const loop = Effect.gen(function* () {
        while (true) {
          for (const incoming of yield* Queue.takeAll(connection.ingress)) {
            const effect = accept(incoming)
            if (effect !== Effect.void) yield* effect
            // Who does not read answers is not read from.
            if (!connection.outbox.hasRoom) yield* connection.outbox.room
          }
        }
      }).pipe(Effect.catchCause(() => FiberSet.awaitEmpty(fibers)))

      yield* router.connect(connection)
      yield* Effect.addFinalizer(() =>
        Effect.suspend(() => {
          connection.close()
          return Effect.andThen(Queue.shutdown(connection.ingress), router.disconnect(connection))
        })
      )
      const served = yield* Effect.forkScoped(loop)
      return {
        connection,
        done: Effect.asVoid(Fiber.await(served)),
        cancel: (id: RequestId) =>
          Effect.suspend(() => {
            const job = jobs.get(id)
            if (job === undefined) return Effect.void
            job.cancelled = true
            return job.fiber === undefined ? Effect.void : Fiber.interrupt(job.fiber)
          })
      } satisfies Served
    })

    let connections = 0
    const nextConnectionId = () => connections++

    return MessageProcessor.of({ serve })
  })

export const layer: Layer.Layer<MessageProcessor, never, Handlers | OutboundRouter | OutgoingMessages> = Layer.effect(
  MessageProcessor,
  make
)
