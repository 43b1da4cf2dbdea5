/**
 * One request on its way to its one answer, and what its handler may do with it.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Extensions, RequestId, TraceContext } from "../../protocol/jsonrpc/Envelope.ts"
import type { Connection } from "./Connection.ts"
import type { RequestContext } from "./Handlers.ts"
import type { Meter } from "../observability/RequestMetrics.ts"
import type { OutboundMessage } from "../routing/OutboundMessage.ts"
import { settled, type Wait } from "../routing/TieredQueue.ts"
import { type RequestError, toErrorObject } from "../routing/RequestError.ts"
import type { DecodedRequest } from "./RequestDecoder.ts"

export class ActiveRequest implements RequestContext {
  readonly connection: Connection
  readonly call: DecodedRequest
  /** Set while the handler runs and is not done at once. */
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  /** The caller no longer wants the answer. */
  isCancelled = false
  #answered = false
  readonly #meter: Meter
  /** When the request was accepted, as the meter counts. */
  readonly #since: bigint

  constructor(connection: Connection, call: DecodedRequest, meter: Meter) {
    this.connection = connection
    this.call = call
    this.#meter = meter
    this.#since = meter.now()
  }

  get requestId(): RequestId {
    return this.call.id
  }

  get trace(): TraceContext | undefined {
    return this.call.trace
  }

  get extensions(): Extensions | undefined {
    return this.call.extensions
  }

  /** The first answer counts. */
  respondNow(result: unknown, following?: ReadonlyArray<OutboundMessage>, extensions?: Extensions): Wait {
    if (!this.#answers()) return undefined
    this.#meter.succeeded(this.call.method, this.#since)
    let wait = this.connection.answers.succeed(this.call.id, result, extensions)
    if (following !== undefined) {
      for (const message of following) wait = this.connection.outgoing.offerUnsafe(message) ?? wait
    }
    return wait
  }

  respond(result: unknown): Effect.Effect<void> {
    return Effect.suspend(() => settled(this.respondNow(result)))
  }

  failNow(error: RequestError): Wait {
    if (!this.#answers()) return undefined
    this.#meter.failed(this.call.method, error.code, this.#since)
    return this.connection.answers.fail(this.call.id, toErrorObject(error))
  }

  #answers(): boolean {
    if (this.#answered || this.isCancelled) return false
    this.#answered = true
    return true
  }
}
