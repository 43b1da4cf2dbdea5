/**
 * Encodes messages as text, for servers and clients. Every function throws when a value is not JSON.
 *
 * @module
 */
import type { ErrorObject, Extensions, RequestId, TraceContext } from "./Envelope.ts"

/** A request to encode. */
export interface RequestMessage {
  readonly id: RequestId
  readonly method: string
  readonly params: unknown
  /** Members of extensions that the connection has enabled. */
  readonly extensions?: Extensions | undefined
  /** The trace that the request belongs to. */
  readonly trace?: TraceContext | undefined
}

/** The id as JSON. */
export const encodeId = (id: RequestId): string => (typeof id === "bigint" ? id.toString() : JSON.stringify(id))

export const encodeRequest = ({ id, method, params, extensions, trace }: RequestMessage): string =>
  `{"id":${encodeId(id)},${JSON.stringify({ method, params, extensions, trace }).slice(1)}`

/** `emittedAtMs` is in Unix milliseconds. Every server notification has it; client notifications do not. */
export const encodeNotification = (method: string, params?: unknown, emittedAtMs?: number): string =>
  JSON.stringify({ method, params, emittedAtMs })

/** `result` is already JSON text. */
export const encodeSuccess = (id: RequestId, result: string, extensions?: Extensions): string =>
  extensions === undefined
    ? `{"id":${encodeId(id)},"result":${result}}`
    : `{"id":${encodeId(id)},"result":${result},"extensions":${JSON.stringify(extensions)}}`

export const encodeFailure = (id: RequestId, error: ErrorObject): string =>
  `{"error":${JSON.stringify(error)},"id":${encodeId(id)}}`
