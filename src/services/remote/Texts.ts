/**
 * What a client writes, as text. Throws where a value is not JSON.
 *
 * @module
 */
import { encodeId, type ErrorObject, type Extensions, type RequestId } from "../../protocol/JsonRpc.ts"

/** A request of the caller's own numbering. */
export interface RemoteRequest {
  readonly id: RequestId
  readonly method: string
  readonly params: unknown
  readonly extensions?: Extensions
}

export const request = ({ id, method, params, extensions }: RemoteRequest): string =>
  `{"id":${encodeId(id)},${JSON.stringify({ method, params, extensions }).slice(1)}`

export const notification = (method: string, params?: unknown): string => JSON.stringify({ method, params })

export const success = (id: RequestId, result: unknown): string =>
  `{"id":${encodeId(id)},"result":${JSON.stringify(result ?? null)}}`

export const failure = (id: RequestId, error: ErrorObject): string =>
  `{"error":${JSON.stringify(error)},"id":${encodeId(id)}}`
