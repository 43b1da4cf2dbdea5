/**
 * What a handler may fail with: an answer of the protocol's error form.
 *
 * Services raise their own errors (`ThreadNotFound`, `NoActiveTurn`, ...), which say what happened; this one says what the
 * client reads. The step from the one to the other is in `ServiceError.ts`, and it is the only one.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ErrorObject } from "../../protocol/jsonrpc/Envelope.ts"

/** An error answer. `data` is bounded and free of payloads; absent when there is none. */
export class RequestError extends Schema.TaggedError<RequestError>()("RequestError", {
  code: Schema.Int,
  message: Schema.String,
  data: Schema.optionalKey(Schema.Json)
}) {}

/** Wrong state, unknown thread, undecodable parameters: what most errors of the protocol are. */
export const invalidRequest = (message: string, data?: Schema.Json): RequestError =>
  new RequestError({ code: ErrorCode.InvalidRequest, message, ...(data === undefined ? {} : { data }) })

/** A fault that is not the client's. */
export const internal = (message: string): RequestError => new RequestError({ code: ErrorCode.Internal, message })

/** A full queue; the client may retry. */
export const overloaded = (message: string): RequestError => new RequestError({ code: ErrorCode.Overloaded, message })

/** The body that crosses the connection. */
export const toErrorObject = (error: RequestError): ErrorObject =>
  error.data === undefined
    ? { code: error.code, message: error.message }
    : { code: error.code, message: error.message, data: error.data }
