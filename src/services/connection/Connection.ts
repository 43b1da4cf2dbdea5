/**
 * One client, whatever it is connected through.
 *
 * Owns a client's identity, its session (what initialize settled), its bounded ingress and its outgoing. Does not read or
 * write bytes (transports), does not decide who is told what (OutboundRouter) nor what runs when (MessageProcessor).
 *
 * ```
 *  open ──initialize──► initialized ──close──► closed
 *    └───────────────────close────────────────────┘
 * ```
 *
 * @module
 */
import type * as Cause from "effect/Cause"
import type * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { encodeFailure, encodeSuccess } from "../../protocol/jsonrpc/Encode.ts"
import { type ErrorObject, type Extensions, type Incoming, type RequestId } from "../../protocol/jsonrpc/Envelope.ts"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { Session, Subscriber } from "../routing/Subscriber.ts"
import type { TieredQueue, Refusal } from "../routing/TieredQueue.ts"

/** How the client is connected. Some methods are for local clients only. */
export type Origin = "inProcess" | "stdio" | "webSocket" | "unixSocket"

/**
 * Where answers go. Wire transports put them into the outgoing, in order with everything else; the in-process client has a
 * waiter per request, so that a consumer who is slow with events still gets answers.
 */
export interface Answers {
  /** Hands the answer over. The result is what has to be waited for, `undefined` when nothing. */
  succeed(id: RequestId, result: unknown, extensions?: Extensions): Deferred.Deferred<void> | undefined
  fail(id: RequestId, error: ErrorObject): Deferred.Deferred<void> | undefined
  /** False while the client should not be read from, because its answers pile up. */
  hasRoom(): boolean
}

/** What a transport says about the connection it brings. */
export interface ConnectionOptions {
  readonly origin: Origin
  /** Messages read and not yet looked at; and requests that wait behind others of their key. At least one. */
  readonly capacity: number
  readonly outgoing: TieredQueue
  readonly answers: Answers
  /** What a request is told that finds no place to wait in. */
  readonly overloadText: string
  /** What the server is told when it cannot ask this client: no room, or nobody reads any more. */
  readonly refusals: Readonly<Record<Refusal, string>>
  /** Server requests this client never answers, with what it would say; the asker is told at once. */
  readonly unsupported?: Readonly<Record<string, ErrorObject>>
}

/** Handlers that may run at once for one client; beyond it requests are refused as overload. */
export const MaxRunning = 4096

/** There is nothing that most clients never answer. */
const none: Readonly<Record<string, ErrorObject>> = {}

export class Connection implements Subscriber {
  readonly id: number
  readonly origin: Origin
  readonly outgoing: TieredQueue
  answers: Answers
  readonly capacity: number
  readonly overloadText: string
  readonly refusals: Readonly<Record<Refusal, string>>
  readonly unsupported: Readonly<Record<string, ErrorObject>>
  readonly ingress: Queue.Queue<Incoming, Cause.Done>
  #session: Session | undefined
  #closed = false
  /** Requests that wait behind others of their key. */
  waiting = 0
  /** Handlers that run. */
  running = 0
  /** Requests that were refused because there was no place to wait in. */
  overloads = 0
  /** How often reading stopped because answers piled up. */
  readPauses = 0
  /** Messages that the ingress had no room for and that were given back to the client. */
  ingressRejected = 0
  /** Called when everything in the ingress has been taken, for a transport that reads on only then. */
  onTaken: (() => void) | undefined
  /** Messages that were taken from the ingress and are being looked at. */
  isBusy = false
  /** Called when everything that was taken has been looked at: an `initialize` among it has settled the session. */
  onLookedAt: (() => void) | undefined

  constructor(id: number, options: ConnectionOptions, ingress: Queue.Queue<Incoming, Cause.Done>) {
    this.id = id
    this.origin = options.origin
    this.outgoing = options.outgoing
    this.answers = options.answers
    this.capacity = Math.max(1, options.capacity)
    this.overloadText = options.overloadText
    this.refusals = options.refusals
    this.unsupported = options.unsupported ?? none
    this.ingress = ingress
  }

  get session(): Session | undefined {
    return this.#session
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** Settles the session; false when it already is, so that of two racing handshakes one succeeds. */
  initialize(session: Session): boolean {
    if (this.#session !== undefined) return false
    this.#session = session
    return true
  }

  /** Admits no more: requests still waiting are skipped, running ones finish. */
  close(): void {
    this.#closed = true
  }
}

class AnswersInOrder implements Answers {
  readonly #outgoing: TieredQueue

  constructor(outgoing: TieredQueue) {
    this.#outgoing = outgoing
  }

  #send(text: string): Deferred.Deferred<void> | undefined {
    return this.#outgoing.offerUnsafe({ _tag: "Answer", tier: "answer", text })
  }

  succeed(id: RequestId, result: unknown, extensions?: Extensions): Deferred.Deferred<void> | undefined {
    let text: string
    try {
      const body: string | undefined = JSON.stringify(result)
      if (body === undefined) return this.fail(id, notSerializable(undefined))
      text = encodeSuccess(id, body, extensions)
    } catch (error) {
      return this.fail(id, notSerializable(error))
    }
    return this.#send(text)
  }

  fail(id: RequestId, error: ErrorObject): Deferred.Deferred<void> | undefined {
    return this.#send(encodeFailure(id, error))
  }

  hasRoom(): boolean {
    return this.#outgoing.hasRoom
  }
}

/** Answers that travel in the outgoing, as text. A result that is not JSON becomes an internal error for its caller. */
export const answersInOrder = (outgoing: TieredQueue): Answers => new AnswersInOrder(outgoing)

/** The answer to a request whose result cannot cross a connection. */
export const notSerializable = (error: unknown): ErrorObject => ({
  code: ErrorCode.Internal,
  message: `failed to serialize response: ${error instanceof Error ? error.message.split("\n", 1)[0] : "not JSON"}`
})

export const make = (id: number, options: ConnectionOptions): Effect.Effect<Connection> =>
  Effect.map(
    Queue.bounded<Incoming, Cause.Done>(Math.max(1, options.capacity)),
    (ingress) => new Connection(id, options, ingress)
  )
