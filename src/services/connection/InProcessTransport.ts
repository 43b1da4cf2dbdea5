/**
 * The transport of a client in the same process: its messages are values.
 *
 * Owns the bounded queue of submitted messages and one waiter per request. Responses bypass the event queue and go directly to
 * their waiters, so that a slow consumer of events still gets them. Messages are copied: client and server share no object.
 *
 * @module
 */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import { isDeeperThan, MaxDepth } from "../../protocol/jsonrpc/Depth.ts"
import { encodeId } from "../../protocol/jsonrpc/Encode.ts"
import type { ErrorObject, Incoming, Request, RequestId } from "../../protocol/jsonrpc/Envelope.ts"
import { invalidRequest, RequestError } from "../routing/RequestError.ts"
import { notSerializable } from "./Connection.ts"
import { copyOf, NotJson, ownCopy } from "./JsonCopy.ts"
import { ShuttingDown } from "./Shutdown.ts"
import type { Answers, Transport } from "./Transport.ts"

/** The request did not reach the server, or its response did not come back. The outcome in the server is unknown. */
export class InProcessError extends Schema.TaggedError<InProcessError>()("InProcessError", {
  /**
   * `Overloaded`: the queue of requests is full, try again. `Closed`: the runtime is gone. `InvalidMessage`: the message is
   * nested too deep. `HandshakeFailed`: the server refused initialize.
   */
  reason: Schema.TaggedUnion({ Overloaded: {}, Closed: {}, InvalidMessage: {}, HandshakeFailed: {} }),
  message: Schema.String
}) {}

const full = () =>
  new InProcessError({ reason: { _tag: "Overloaded" }, message: "in-process app-server client queue is full" })

const closed = () =>
  new InProcessError({ reason: { _tag: "Closed" }, message: "in-process app-server runtime is closed" })

const nested = `nested deeper than ${MaxDepth} levels`

const tooDeep = () => new InProcessError({ reason: { _tag: "InvalidMessage" }, message: `the message is ${nested}` })

/** Receives the response to a request. */
type Waiter = (exit: Exit.Exit<unknown, InProcessError | RequestError>) => void

const toRequestError = (error: ErrorObject): RequestError =>
  new RequestError({
    code: error.code,
    message: error.message,
    ...(error.data === undefined ? {} : { data: ownCopy(error.data) as Schema.Json })
  })

/** The caller's copy of a response. A response that is not JSON is an error, as over a wire. */
const exitOf = (copy: unknown): Exit.Exit<unknown, RequestError> =>
  copy === NotJson ? Exit.fail(toRequestError(notSerializable(undefined))) : Exit.succeed(copy)

const incomingOf = (request: Request): Incoming => ({
  _tag: "Request",
  request: { ...request, params: ownCopy(request.params) }
})

export class InProcessTransport implements Transport {
  readonly origin = "inProcess"
  readonly evictable = false
  readonly write = undefined
  readonly #submitted: Queue.Queue<Incoming, Cause.Done>
  readonly #waiters = new Map<RequestId, Waiter>()
  #isOpen = true
  /** Called when a message was refused because the queue was full. */
  onRejected: () => void = () => {}
  /** Called when a caller has cancelled its request. */
  onCancelled: (id: RequestId) => void = () => {}

  constructor(submitted: Queue.Queue<Incoming, Cause.Done>) {
    this.#submitted = submitted
  }

  get read(): Transport["read"] {
    return Queue.takeAll(this.#submitted)
  }

  readonly close = (): Effect.Effect<void> => Effect.sync(() => this.onClosing())

  /** Refuses further messages and fails all waiting requests. */
  readonly onClosing = (): void => {
    this.#isOpen = false
    const error = toRequestError(ShuttingDown)
    for (const waiter of Array.from(this.#waiters.values())) waiter(Exit.fail(error))
    this.#waiters.clear()
    Effect.runSync(Queue.shutdown(this.#submitted))
  }

  readonly unread = (): number => Queue.sizeUnsafe(this.#submitted)

  readonly answers: Answers = {
    succeed: (id, result) => this.#settle(id, exitOf(copyOf(result))),
    fail: (id, error) => this.#settle(id, Exit.fail(toRequestError(error))),
    hasRoom: () => true
  }

  #settle(id: RequestId, exit: Exit.Exit<unknown, RequestError>): undefined {
    const waiter = this.#waiters.get(id)
    if (waiter === undefined) return undefined
    this.#waiters.delete(id)
    waiter(exit)
    return undefined
  }

  /** Submits a request immediately, or fails with `Overloaded`; waits for its answer. Interrupting the wait cancels the request. */
  request(request: Request): Effect.Effect<unknown, InProcessError | RequestError> {
    return Effect.callback((resume) => {
      const problem = this.#problemOf(request)
      if (problem !== undefined) return resume(Effect.fail(problem))
      if (!Queue.offerUnsafe(this.#submitted, incomingOf(request))) return resume(Effect.fail(this.#rejected()))
      this.#waiters.set(request.id, resume)
      return this.#cancel(request.id, resume)
    })
  }

  /** Like `request`, but waits for room, in the order of the calls. */
  requestWhenRoom(request: Request): Effect.Effect<unknown, InProcessError | RequestError> {
    return Effect.suspend(() => {
      if (!this.#isOpen || !Queue.isFullUnsafe(this.#submitted)) return this.request(request)
      const problem = this.#problemOf(request)
      if (problem !== undefined) return Effect.fail(problem)
      const answer = Deferred.makeUnsafe<unknown, InProcessError | RequestError>()
      const waiter: Waiter = (exit) => void Deferred.doneUnsafe(answer, exit)
      this.#waiters.set(request.id, waiter)
      let isSubmitted = false
      return Queue.offer(this.#submitted, incomingOf(request)).pipe(
        Effect.tap(Effect.sync(() => (isSubmitted = true))),
        Effect.andThen(Deferred.await(answer)),
        Effect.onInterrupt(() => this.#cancel(request.id, waiter, isSubmitted))
      )
    })
  }

  /** Submits a message that has no response immediately, or fails with `Overloaded`. */
  send(message: Incoming): Effect.Effect<void, InProcessError> {
    return Effect.suspend(() => {
      if (isDeeperThan(message, MaxDepth)) return Effect.fail(tooDeep())
      if (!this.#isOpen) return Effect.fail(closed())
      return Queue.offerUnsafe(this.#submitted, ownCopy(message) as Incoming)
        ? Effect.void
        : Effect.fail(this.#rejected())
    })
  }

  /** Like `post`, but waits for room. */
  sendWhenRoom(message: Incoming): Effect.Effect<void, InProcessError> {
    return Effect.suspend(() => {
      if (!this.#isOpen || !Queue.isFullUnsafe(this.#submitted) || isDeeperThan(message, MaxDepth)) {
        return this.send(message)
      }
      return Effect.flatMap(Queue.offer(this.#submitted, ownCopy(message) as Incoming), (taken) =>
        taken ? Effect.void : Effect.fail(closed())
      )
    })
  }

  #problemOf(request: Request): InProcessError | RequestError | undefined {
    if (this.#waiters.has(request.id)) return invalidRequest(`duplicate request id: ${encodeId(request.id)}`)
    if (isDeeperThan(request, MaxDepth)) return invalidRequest(`Invalid request: ${nested}`)
    return this.#isOpen ? undefined : closed()
  }

  #rejected(): InProcessError {
    this.onRejected()
    return full()
  }

  /**
   * The id of an answered request may belong to another request by now. The server is not notified of a request that was not
   * submitted: it would drop the next one with the id.
   */
  #cancel(id: RequestId, waiter: Waiter, isSubmitted = true): Effect.Effect<void> {
    return Effect.sync(() => {
      if (this.#waiters.get(id) !== waiter) return
      this.#waiters.delete(id)
      if (isSubmitted) this.onCancelled(id)
    })
  }
}
