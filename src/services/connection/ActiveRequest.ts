/**
 * One request on its way to its one answer, and what its handler may see of it.
 *
 * @module
 */
import type * as Fiber from "effect/Fiber"
import type { Extensions, RequestId, TraceContext } from "../../protocol/jsonrpc/Envelope.ts"
import type { Connection } from "./Connection.ts"
import type { RequestContext } from "./Handlers.ts"
import type { Meter } from "../observability/RequestMetrics.ts"
import type { Wait } from "../routing/TieredQueue.ts"
import { type RequestError, toErrorObject } from "../routing/RequestError.ts"
import type { DecodedRequest } from "./RequestDecoder.ts"

export class ActiveRequest implements RequestContext {
  readonly connection: Connection
  readonly decoded: DecodedRequest
  /** Set while the handler runs and is not done at once. */
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  /** The caller no longer wants the answer. */
  isCancelled = false
  readonly #meter: Meter
  /** When the request was accepted, as the meter counts. */
  readonly #since: bigint

  constructor(connection: Connection, decoded: DecodedRequest, meter: Meter) {
    this.connection = connection
    this.decoded = decoded
    this.#meter = meter
    this.#since = meter.now()
  }

  get requestId(): RequestId {
    return this.decoded.id
  }

  get trace(): TraceContext | undefined {
    return this.decoded.trace
  }

  get extensions(): Extensions | undefined {
    return this.decoded.extensions
  }

  /** Answers, unless the request was cancelled. */
  succeed(result: unknown, extensions?: Extensions): Wait {
    if (this.isCancelled) return undefined
    this.#meter.succeeded(this.decoded.method, this.#since)
    return this.connection.answers.succeed(this.decoded.id, result, extensions)
  }

  /** Refuses, unless the request was cancelled. */
  fail(error: RequestError): Wait {
    if (this.isCancelled) return undefined
    this.#meter.failed(this.decoded.method, error.code, this.#since)
    return this.connection.answers.fail(this.decoded.id, toErrorObject(error))
  }
}
