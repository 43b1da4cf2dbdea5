/**
 * What a client writes, as text. Throws where a value is not JSON.
 *
 * @module
 */
import {
  encodeId,
  type ErrorObject,
  type Extensions,
  type RequestId,
  type TraceContext
} from "../../protocol/jsonrpc/Envelope.ts"

/** A request of the caller's own numbering. */
export interface RemoteRequest {
  readonly id: RequestId
  readonly method: string
  readonly params: unknown
  readonly extensions?: Extensions
  /** The trace that it is a part of. */
  readonly trace?: TraceContext
}

export const request = ({ id, method, params, extensions, trace }: RemoteRequest): string =>
  `{"id":${encodeId(id)},${JSON.stringify({ method, params, extensions, trace }).slice(1)}`

export const notification = (method: string, params?: unknown): string => JSON.stringify({ method, params })

export const success = (id: RequestId, result: unknown): string =>
  `{"id":${encodeId(id)},"result":${JSON.stringify(result ?? null)}}`

export const failure = (id: RequestId, error: ErrorObject): string =>
  `{"error":${JSON.stringify(error)},"id":${encodeId(id)}}`
