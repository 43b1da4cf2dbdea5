/**
 * The error that a handler may fail with: an error response of the protocol.
 *
 * Services raise their own errors (`ThreadNotFound`, `NoActiveTurn`, ...), which describe what failed; this error is what
 * the client receives. `ServiceError.ts` has the only conversion from the one to the other.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ErrorObject } from "../../protocol/jsonrpc/Envelope.ts"

/** An error response. `data` is bounded, has no payloads, and may be absent. */
export class RequestError extends Schema.TaggedError<RequestError>()("RequestError", {
  code: Schema.Int,
  message: Schema.String,
  data: Schema.optionalKey(Schema.Json)
}) {}

/** Wrong state, unknown thread, undecodable parameters: most errors of the protocol. */
export const invalidRequest = (message: string, data?: Schema.Json): RequestError =>
  new RequestError({ code: ErrorCode.InvalidRequest, message, ...(data === undefined ? {} : { data }) })

/** A failure that the client did not cause. */
export const internal = (message: string): RequestError => new RequestError({ code: ErrorCode.Internal, message })

/** A full queue; the client may retry. */
export const overloaded = (message: string): RequestError => new RequestError({ code: ErrorCode.Overloaded, message })

/** The error object as it is sent. */
export const toErrorObject = (error: RequestError): ErrorObject =>
  error.data === undefined
    ? { code: error.code, message: error.message }
    : { code: error.code, message: error.message, data: error.data }
