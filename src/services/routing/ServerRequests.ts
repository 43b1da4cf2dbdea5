/**
 * Requests of the server to its clients: approvals, questions, tool calls.
 *
 * Owns their ids, which connections they were sent to and which answer counts. A thread's request is sent to every
 * subscriber with the same id. The first answer of a connection that received it and is still subscribed wins; every other
 * answer is ignored. Without subscribers the request waits for the next client that resumes the thread. Does not own what
 * an answer means (the caller decodes it) nor the status of a waiting thread (Thread).
 *
 * ```
 *  asked ──first answer──► answered
 *    ├───turn transition──► cancelled (reason turnTransition)
 *    ├───withdrawn────────► cancelled
 *    ├───no room anywhere──► failed back (-32001)
 *    └───shutdown─────────► failed (-32603)
 * ```
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ErrorObject, RequestId } from "../../protocol/jsonrpc/Envelope.ts"
import { type ServerRequestMethod, type ServerRequestParams, serverRequestTable } from "../../protocol/Methods.ts"
import type { Subscriber } from "./Subscriber.ts"
import { contribute, type ServerRequestSnapshot } from "../observability/Diagnostics.ts"
import type { OutboundRequest } from "./OutboundMessage.ts"
import { OutboundRouter } from "./OutboundRouter.ts"
import { RequestError } from "./RequestError.ts"

/** Ids that a server may use per millisecond of its life before they reach those of its successor. */
const IdsPerMillisecond = 1000

/** Ids start over after this many milliseconds, in the year 2223, so that they stay integers that a double can hold. */
const ClockRange = 8e12

/**
 * The first id of a server that starts at this time, in Unix milliseconds. A server that starts later, also after a restart,
 * uses other ids, so that a late answer cannot match another request. This requires that the machine's clock is not set back.
 * Ids are integers because some clients expect numbers; 10^15 of them remain below 2^53.
 */
export const firstIdAt = (now: number): number => (Math.max(0, Math.floor(now)) % ClockRange) * IdsPerMillisecond

/** Whether a server can have used this id. */
const isId = (id: number): boolean => Number.isInteger(id) && id >= 0 && id < ClockRange * IdsPerMillisecond

/**
 * The error of pending requests when their turn starts, ends or is interrupted. Callers must not treat it as a
 * denial.
 */
export const TurnTransition: ErrorObject = {
  code: ErrorCode.Internal,
  message: "client request resolved because the turn state was changed",
  data: { reason: "turnTransition" }
}

/** Nobody waits for it: the asker has gone on. */
const Withdrawn: ErrorObject = { code: ErrorCode.Internal, message: "the request was withdrawn" }

interface Pending {
  readonly id: number
  readonly threadId: string
  readonly message: OutboundRequest
  /** The connections that were sent the request. */
  readonly asked: Set<Subscriber>
  readonly answer: Deferred.Deferred<unknown, RequestError>
  /** Unix milliseconds. */
  readonly openedAt: number
}

/** A sent request. `answer` waits for the client's undecoded result. */
export interface PendingServerRequest {
  readonly id: number
  readonly answer: Effect.Effect<unknown, RequestError>
}

export class ServerRequests extends Context.Service<
  ServerRequests,
  {
    /**
     * Sends a request to the thread's subscribers. `record` runs before that; without it, the place of the request in their
     * order is fixed when this is run. It does not wait for the answer.
     */
    readonly ask: <M extends ServerRequestMethod>(
      threadId: string,
      method: M,
      params: ServerRequestParams<M>,
      record?: (id: number) => Effect.Effect<void>
    ) => Effect.Effect<PendingServerRequest>
    /** The ids from now on are higher than this one of an earlier server, also if the machine's clock was set back. */
    readonly reserve: (id: number) => void
    /**
     * Makes a request of an earlier server pending again, with its id. It is sent to clients that subscribe from now on.
     * Undefined when the id is in use or cannot be one.
     */
    readonly restore: (
      threadId: string,
      id: number,
      method: ServerRequestMethod,
      params: unknown
    ) => PendingServerRequest | undefined
    /**
     * A client's result. It is ignored when the id is unknown or already answered, and when the connection was not sent
     * the request or is no longer subscribed.
     */
    readonly succeed: (id: RequestId, connection: Subscriber, result: unknown) => Effect.Effect<void>
    /** A client's error response, under the same conditions as `succeed`. */
    readonly fail: (id: RequestId, connection: Subscriber, error: ErrorObject) => Effect.Effect<void>
    /**
     * Records that a connection will not answer. Fails the request unless another subscriber has received it.
     */
    readonly abandon: (id: RequestId, connection: Subscriber, error: ErrorObject) => Effect.Effect<void>
    /** Ends a request whose caller no longer waits. False when it has already ended. */
    readonly withdraw: (id: number) => boolean
    /** Cancels the thread's pending requests and returns their ids, ascending. */
    readonly cancelThread: (threadId: string, error: ErrorObject) => ReadonlyArray<number>
    /** Fails every pending request. */
    readonly cancelAll: (error: ErrorObject) => Effect.Effect<void>
    /**
     * The thread's pending requests as first sent, ascending by id, for a client that subscribes or resumes once more. The
     * connection may answer them from now on. Requests that it does not support are left out, and wait for another client.
     */
    readonly askAgain: (threadId: string, connection: Subscriber) => ReadonlyArray<OutboundRequest>
  }
>()("spindle/ServerRequests") {}

/** Experimental members are sent only to clients that opted in. */
const visibleTo = (connection: Subscriber, message: OutboundRequest): OutboundRequest => {
  const hidden = serverRequestTable[message.method as ServerRequestMethod].experimentalFields
  if (connection.session?.experimental === true || hidden.length === 0) return message
  const params = Object.fromEntries(
    Object.entries(message.params as object).filter(([field]) => !hidden.includes(field))
  )
  return { ...message, params }
}

const toSnapshot = ({ asked, id, message, openedAt, threadId }: Pending): ServerRequestSnapshot => ({
  id,
  method: message.method,
  threadId,
  openedAt,
  asked: Array.from(asked, (connection) => connection.id)
})

const toError = (error: ErrorObject): RequestError =>
  new RequestError({ code: error.code, message: error.message, ...dataOf(error) })

const dataOf = (error: ErrorObject) =>
  error.data === undefined ? {} : { data: error.data as RequestError["data"] & {} }

/** Offers a request to a connection. Returns the error when the connection cannot answer, else undefined. */
const offer = (connection: Subscriber, { asked, message }: Pending): Effect.Effect<ErrorObject | undefined> => {
  const unsupported = connection.unsupported[message.method]
  if (unsupported !== undefined) return Effect.succeed(unsupported)
  asked.add(connection)
  return Effect.map(connection.outgoing.offerRequest(visibleTo(connection, message)), (refusal) => {
    if (refusal === undefined) return undefined
    asked.delete(connection)
    return {
      code: refusal === "full" ? ErrorCode.Overloaded : ErrorCode.Internal,
      message: connection.refusals[refusal]
    }
  })
}

/** The request for a connection that has subscribed; none when it cannot answer. */
const again = (request: Pending, connection: Subscriber): ReadonlyArray<OutboundRequest> => {
  if (connection.unsupported[request.message.method] !== undefined) return []
  request.asked.add(connection)
  return [visibleTo(connection, request.message)]
}

/** The unanswered requests. */
class PendingRequests {
  readonly #requests = new Map<number, Pending>()
  #nextId: number

  constructor(firstId: number) {
    this.#nextId = firstId
  }

  get all(): ReadonlyArray<Pending> {
    return Array.from(this.#requests.values())
  }

  open(threadId: string, method: string, params: unknown, openedAt: number): Pending {
    return this.#add(this.#nextId++, threadId, method, params, openedAt)
  }

  reserve(id: number): void {
    if (isId(id)) this.#nextId = Math.max(this.#nextId, id + 1)
  }

  /** Undefined when the id is in use. */
  restore(
    threadId: string,
    id: number,
    method: string,
    params: unknown,
    openedAt: number
  ): PendingServerRequest | undefined {
    if (!isId(id) || this.#requests.has(id)) return undefined
    this.reserve(id)
    const { answer } = this.#add(id, threadId, method, params, openedAt)
    return { id, answer: Deferred.await(answer) }
  }

  #add(id: number, threadId: string, method: string, params: unknown, openedAt: number): Pending {
    const message: OutboundRequest = { _tag: "Request", tier: "failBack", id, method, params }
    const request: Pending = { id, threadId, message, asked: new Set(), answer: Deferred.makeUnsafe(), openedAt }
    this.#requests.set(id, request)
    return request
  }

  has(request: Pending): boolean {
    return this.#requests.has(request.id)
  }

  find(id: RequestId): Pending | undefined {
    return typeof id === "number" ? this.#requests.get(id) : undefined
  }

  withId(id: number): ReadonlyArray<Pending> {
    const request = this.#requests.get(id)
    return request === undefined ? [] : [request]
  }

  ofThread(threadId: string): ReadonlyArray<Pending> {
    return this.all.filter((request) => request.threadId === threadId)
  }

  settle(request: Pending, exit: Exit.Exit<unknown, RequestError>): void {
    this.#requests.delete(request.id)
    Deferred.doneUnsafe(request.answer, exit)
  }

  withdraw(id: number): boolean {
    const request = this.find(id)
    return request !== undefined && this.cancel([request], Withdrawn).length > 0
  }

  cancel(requests: ReadonlyArray<Pending>, error: ErrorObject): ReadonlyArray<number> {
    for (const request of requests) this.settle(request, Exit.fail(toError(error)))
    return requests.map(({ id }) => id)
  }
}

export const make = Effect.gen(function* () {
  const router = yield* OutboundRouter
  const clock = yield* Clock.Clock
  const pending = new PendingRequests(firstIdAt(clock.currentTimeMillisUnsafe()))
  yield* contribute("serverRequests", () => pending.all.map(toSnapshot))
  /** Whether the connection's answer counts: it received the request and is subscribed. */
  const mayAnswer = ({ asked, threadId }: Pending, connection: Subscriber): boolean =>
    asked.has(connection) && router.subscribers(threadId).includes(connection)

  const answered = (id: RequestId, connection: Subscriber, exit: Exit.Exit<unknown, RequestError>) =>
    Effect.suspend(() => {
      const request = pending.find(id)
      if (request === undefined) return Effect.logDebug("ignoring an answer: no such request is pending")
      if (mayAnswer(request, connection)) return Effect.sync(() => pending.settle(request, exit))
      return Effect.logWarning(
        `ignoring an answer to request ${request.id}: connection ${connection.id} did not receive it, or is no longer subscribed`
      )
    })

  const ask: ServerRequests["Service"]["ask"] = Effect.fnUntraced(function* (threadId, method, params, record) {
    const request = pending.open(threadId, method, params, clock.currentTimeMillisUnsafe())
    if (record !== undefined) yield* record(request.id)
    const asked = { id: request.id, answer: Deferred.await(request.answer) }
    if (!pending.has(request)) return asked
    const offering = Effect.forEach(router.subscribers(threadId), (connection) => offer(connection, request), {
      concurrency: "unbounded"
    })
    // Another fiber awaits the outcome of the offers, so that a slow connection does not delay another one's answer.
    yield* Effect.forkChild(
      Effect.map(offering, ([first]) => {
        if (first === undefined || request.asked.size > 0 || !pending.has(request)) return
        pending.settle(request, Exit.fail(toError(first)))
      }),
      { startImmediately: true }
    )
    return asked
  })

  return ServerRequests.of({
    ask,
    reserve: (id) => pending.reserve(id),
    restore: (...request) => pending.restore(...request, clock.currentTimeMillisUnsafe()),
    succeed: (id, connection, result) => answered(id, connection, Exit.succeed(result)),
    fail: (id, connection, error) => answered(id, connection, Exit.fail(toError(error))),
    abandon: (id, connection, error) =>
      Effect.sync(() => {
        const request = pending.find(id)
        if (request === undefined || !request.asked.delete(connection)) return
        const others = router.subscribers(request.threadId).some((each) => request.asked.has(each))
        if (!others) pending.settle(request, Exit.fail(toError(error)))
      }),
    withdraw: (id) => pending.withdraw(id),
    cancelThread: (threadId, error) => pending.cancel(pending.ofThread(threadId), error),
    cancelAll: (error) => Effect.sync(() => void pending.cancel(pending.all, error)),
    askAgain: (threadId, connection) => pending.ofThread(threadId).flatMap((request) => again(request, connection))
  })
})

export const layer: Layer.Layer<ServerRequests, never, OutboundRouter> = Layer.effect(ServerRequests, make)
