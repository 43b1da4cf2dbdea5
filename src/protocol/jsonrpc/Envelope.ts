/**
 * The envelope: requests, responses, errors and notifications on a connection. JSON-RPC 2.0 without the `jsonrpc` member,
 * which is neither sent nor required.
 *
 * @module
 */

/** Echoed with its type: `1` and `"1"` are different ids. A bigint is an integer that a number cannot represent exactly. */
export type RequestId = string | number | bigint

/** The body of an error response. `data` is absent, never `null`, when there is none. */
export interface ErrorObject {
  /** The kind of the error; see `ErrorCode`. */
  readonly code: number
  /** A sentence for people. */
  readonly message: string
  /** Details for programs, in the shape that the kind of error defines. */
  readonly data?: unknown
}

/** W3C trace context that a caller may attach to a request. */
export interface TraceContext {
  /** The trace and the calling span. */
  readonly traceparent?: string | null
  /** Entries of tracing vendors. It has no effect without `traceparent`. */
  readonly tracestate?: string | null
}

/** Members that Spindle adds to envelopes, by extension name, for clients that opted into the extension only. */
export type Extensions = Readonly<Record<string, unknown>>

/** A call that gets exactly one response with its id. */
export interface Request {
  readonly id: RequestId
  readonly method: string
  /** The method's parameters, not decoded. Default: none. */
  readonly params?: unknown
  /** The trace that the call belongs to. Default: none. */
  readonly trace?: TraceContext | null
  /** Members of extensions that the connection has enabled. */
  readonly extensions?: Extensions | null
}

/** `emittedAtMs` is Unix milliseconds; every server notification has it, client notifications do not. */
export interface Notification {
  readonly method: string
  /** The method's parameters, not decoded. Default: none. */
  readonly params?: unknown
  /** When the server published it, in Unix milliseconds. */
  readonly emittedAtMs?: number
  /** The position in the thread's sequence; only for clients that opted into sequence numbers. */
  readonly seq?: number
}

/** The response to a request that was accepted. */
export interface Success {
  readonly id: RequestId
  readonly result: unknown
  /** Members of extensions that the connection has enabled. */
  readonly extensions?: Extensions
}

/** The response to a request that was refused or has failed. */
export interface Failure {
  readonly error: ErrorObject
  readonly id: RequestId
}

/** Any message of a connection, in either direction. */
export type Message = Request | Notification | Success | Failure

const isRequestId = (id: unknown): id is RequestId =>
  typeof id === "string" || typeof id === "bigint" || (typeof id === "number" && Number.isSafeInteger(id))

/**
 * The kind of a document. `Refused` is a request that exceeds a limit and was not parsed; it is answered with an error.
 * `Ignored` has neither a method nor an answer to correlate, so no response is possible.
 */
export type Incoming =
  | { readonly _tag: "Request"; readonly request: Request }
  | { readonly _tag: "Notification"; readonly notification: Notification }
  | { readonly _tag: "Success"; readonly success: Success }
  | { readonly _tag: "Failure"; readonly failure: Failure }
  | { readonly _tag: "Refused"; readonly id: RequestId; readonly method: string; readonly reason: string }
  | { readonly _tag: "Ignored"; readonly reason: string }

/**
 * Classifies a parsed JSON document. As in the released server, a request whose id is neither a string nor an integer is a
 * notification, because it has no id to echo.
 */
export const classify = (document: unknown): Incoming => {
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    return { _tag: "Ignored", reason: "not a JSON object" }
  }
  const message = document as Record<string, unknown>
  if (typeof message["method"] === "string" && isRequestId(message["id"])) {
    return { _tag: "Request", request: document as Request }
  }
  if (typeof message["method"] === "string") return { _tag: "Notification", notification: document as Notification }
  if (!isRequestId(message["id"])) return { _tag: "Ignored", reason: "neither a method nor an id" }
  if (isErrorObject(message["error"])) return { _tag: "Failure", failure: document as Failure }
  if ("result" in message) return { _tag: "Success", success: document as Success }
  return { _tag: "Ignored", reason: "neither a method, a result nor an error" }
}

const isErrorObject = (value: unknown): value is ErrorObject =>
  typeof value === "object" &&
  value !== null &&
  typeof (value as ErrorObject).code === "number" &&
  typeof (value as ErrorObject).message === "string"
