/**
 * One client connection, over any transport.
 *
 * Owns a client's identity, its session (set by initialize), its counters and its outgoing queue. Does not read or write
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
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { encodeFailure, encodeSuccess } from "../../protocol/jsonrpc/Encode.ts"
import { type ErrorObject, type Extensions, type RequestId } from "../../protocol/jsonrpc/Envelope.ts"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { Session, Subscriber } from "../routing/Subscriber.ts"
import type { TieredQueue, Refusal } from "../routing/TieredQueue.ts"
import type { Answers, Origin, Transport } from "./Transport.ts"

/** Options of a connection that do not depend on its transport. */
export interface ConnectionOptions {
  /** Maximum number of requests that wait behind others with the same key. At least one. */
  readonly capacity: number
  /** The error text of a request that is refused because too many wait. */
  readonly overloadText: string
  /** The error texts of a server request that cannot be sent: the queue is full or closed. */
  readonly refusals: Readonly<Record<Refusal, string>>
  /** Server requests this client never answers, with the error that is used as its answer. */
  readonly unsupported?: Readonly<Record<string, ErrorObject>>
}

/** Maximum number of running handlers per client. Further requests are refused as overload. */
export const MaxRunning = 4096

/** Default: the client may answer every server request. */
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
  #resources: Scope.Closeable | undefined
  /** Requests that wait behind others with the same key. */
  waiting = 0
  /** Running handlers. */
  running = 0
  /** Requests that were refused as overload. */
  overloads = 0
  /** How often reading paused because responses were backing up. */
  readPauses = 0
  /** Messages that the transport refused because it had no room. */
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

  /** Messages that were received and not yet read by the engine. */
  get unread(): number {
    return this.#transport.unread?.() ?? 0
  }

  /** Sets the session. False when it is already set, so that only one of two racing handshakes succeeds. */
  initialize(session: Session): boolean {
    if (this.#session !== undefined) return false
    this.#session = session
    this.#transport.onInitialized?.()
    return true
  }

  /**
   * The scope of what requests open for this client: watches, commands, searches. It closes when the connection ends, before
   * running requests are waited for. What is added later ends at once.
   */
  get resources(): Scope.Scope {
    return (this.#resources ??= Scope.makeUnsafe("parallel"))
  }

  /** Closes `resources`. Undefined when there are none. */
  releaseNow(): Effect.Effect<void> | undefined {
    const made = this.#resources
    if (made !== undefined) return Scope.close(made, Exit.void)
    this.#resources = Scope.makeUnsafe("parallel")
    return Scope.closeUnsafe(this.#resources, Exit.void)
  }

  /** Stops admitting requests: waiting requests are skipped, running ones finish. */
  close(): void {
    this.#closed = true
  }
}

/** Sends responses as text through the outgoing queue. The caller of a result that is not JSON gets an internal error. */
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

/** The response to a request whose result cannot be encoded. */
export const notSerializable = (error: unknown): ErrorObject => ({
  code: ErrorCode.Internal,
  message: `failed to serialize response: ${error instanceof Error ? error.message.split("\n", 1)[0] : "not JSON"}`
})
