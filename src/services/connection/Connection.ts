/**
 * One client, whatever it is connected through.
 *
 * Owns a client's identity, its session (what initialize settled), its counters and its outgoing queue. Does not read or write
 * (ServedConnection), does not decide who receives what (OutboundRouter) nor what runs when (MessageProcessor).
 *
 * ```
 *  open ──initialize──► initialized ──close──► closed
 *    └───────────────────close────────────────────┘
 * ```
 *
 * @module
 */
import type * as Deferred from "effect/Deferred"
import { encodeFailure, encodeSuccess } from "../../protocol/jsonrpc/Encode.ts"
import { type ErrorObject, type Extensions, type RequestId } from "../../protocol/jsonrpc/Envelope.ts"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { Session, Subscriber } from "../routing/Subscriber.ts"
import type { TieredQueue, Refusal } from "../routing/TieredQueue.ts"
import type { Answers, Origin, Transport } from "./Transport.ts"

/** How a connection is served, besides its transport. */
export interface ConnectionOptions {
  /** Requests that may wait behind others of their key. At least one. */
  readonly capacity: number
  /** The error text of a request that finds no place to wait in. */
  readonly overloadText: string
  /** The error texts of a server request that this client cannot be sent: no room, or nobody reads any more. */
  readonly refusals: Readonly<Record<Refusal, string>>
  /** Server requests this client never answers, with the error that stands for its answer. */
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
  readonly #transport: Transport
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
  /** Messages that the transport had no room for and that were given back to the client. */
  ingressRejected = 0

  constructor(id: number, transport: Transport, outgoing: TieredQueue, options: ConnectionOptions) {
    this.id = id
    this.origin = transport.origin
    this.#transport = transport
    this.outgoing = outgoing
    this.answers = transport.answers ?? new AnswersInOrder(outgoing)
    this.capacity = Math.max(1, options.capacity)
    this.overloadText = options.overloadText
    this.refusals = options.refusals
    this.unsupported = options.unsupported ?? none
  }

  get session(): Session | undefined {
    return this.#session
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** Messages that were received and have not been read by the engine. */
  get unread(): number {
    return this.#transport.unread?.() ?? 0
  }

  /** Settles the session; false when it already is, so that of two racing handshakes one succeeds. */
  initialize(session: Session): boolean {
    if (this.#session !== undefined) return false
    this.#session = session
    this.#transport.onInitialized?.()
    return true
  }

  /** Admits no more: requests still waiting are skipped, running ones finish. */
  close(): void {
    this.#closed = true
  }
}

/** Answers that travel in the outgoing queue, as text. A result that is not JSON becomes an internal error for its caller. */
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

/** The answer to a request whose result cannot cross a connection. */
export const notSerializable = (error: unknown): ErrorObject => ({
  code: ErrorCode.Internal,
  message: `failed to serialize response: ${error instanceof Error ? error.message.split("\n", 1)[0] : "not JSON"}`
})
