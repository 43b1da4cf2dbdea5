/**
 * One request until its response, and the part of it that its handler sees.
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
  /** The handler's fiber, set once the handler has suspended. */
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  /** True when the caller has cancelled the request. */
  isCancelled = false
  readonly #meter: Meter
  /** When the request was accepted, on the meter's clock. */
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

  /** Sends the result, unless the request was cancelled. */
  succeed(result: unknown, extensions?: Extensions): Wait {
    if (this.isCancelled) return undefined
    this.#meter.succeeded(this.decoded.method, this.#since)
    return this.connection.answers.succeed(this.decoded.id, result, extensions)
  }

  /** Sends the error, unless the request was cancelled. */
  fail(error: RequestError): Wait {
    if (this.isCancelled) return undefined
    this.#meter.failed(this.decoded.method, error.code, this.#since)
    return this.connection.answers.fail(this.decoded.id, toErrorObject(error))
  }
}
