/**
 * Decodes a request's envelope: finds the method's declaration, decodes its parameters, and determines its gates and its
 * key.
 *
 * @module
 */
import * as Result from "effect/Result"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import { decodeParams, readReserved } from "../decoding/DecodeParams.ts"
import { type Extensions, type Request, type RequestId, type TraceContext } from "../../protocol/jsonrpc/Envelope.ts"
import { experimentalUse } from "../decoding/ExperimentalUse.ts"
import type { ExperimentalField, Schedule, Stability } from "../../protocol/Method.ts"
import { type ClientRequestMethod, clientRequestTable, isClientRequestMethod } from "../../protocol/Methods.ts"
import { ReleasedRequests } from "../../protocol/ReleasedRequests.ts"
import type { Connection } from "./Connection.ts"
import { invalidRequest, RequestError } from "../routing/RequestError.ts"

/** A request with decoded parameters and its scheduling key. */
export interface DecodedRequest {
  readonly id: RequestId
  readonly method: string
  /** Null for a method of the release that this server does not implement. */
  readonly served: ClientRequestMethod | null
  readonly params: unknown
  readonly trace: TraceContext | undefined
  readonly extensions: Extensions | undefined
  /** Requests with the same key run in order; a request without a key runs at once. */
  readonly key: string | undefined
  readonly shared: boolean
  readonly stability: Stability
  readonly experimentalFields: ReadonlyArray<ExperimentalField>
}

const keyOf = (schedule: Schedule<never>, params: unknown, connection: number): string | undefined => {
  switch (schedule._tag) {
    case "Concurrent":
      return undefined
    case "Global":
      return `global ${schedule.name}`
    case "Thread":
      return `thread ${schedule.threadId(params as never)}`
    case "Owned":
      return `${schedule.name} ${connection} ${schedule.id(params as never)}`
  }
}

/** Decodes a request of a connection. A string is the error text after "Invalid request: ". */
export const decode = (request: Request, connection: number): DecodedRequest | string => {
  const { id, method, params } = request
  const trace = request.trace ?? undefined
  const extensions = request.extensions ?? undefined
  if (!isClientRequestMethod(method)) {
    const reserved = readReserved(method, params)
    if (Result.isFailure(reserved)) return reserved.failure
    const { stability } = reserved.success
    const unscoped = { key: undefined, shared: false, experimentalFields: [] }
    return { id, method, served: null, params, trace, extensions, stability, ...unscoped }
  }
  const decoded = decodeParams(method, params)
  if (Result.isFailure(decoded)) return decoded.failure
  const { schedule, experimentalFields } = clientRequestTable[method]
  return {
    id,
    method,
    served: method,
    params: decoded.success,
    trace,
    extensions,
    key: keyOf(schedule, decoded.success, connection),
    shared: schedule._tag !== "Concurrent" && schedule.shared,
    stability: ReleasedRequests[method].stability,
    experimentalFields
  }
}

/** The error when this connection may not send the request, or undefined. */
export const gate = (connection: Connection, request: DecodedRequest): RequestError | undefined => {
  const session = connection.session
  if (session === undefined) return request.served === "initialize" ? undefined : invalidRequest("Not initialized")
  if (request.served === "initialize") return invalidRequest("Already initialized")
  if (!session.experimental) {
    const descriptor = experimentalUse(request, request.method, request.params)
    if (descriptor !== undefined) return invalidRequest(`${descriptor} requires experimentalApi capability`)
  }
  if (request.served !== null) return undefined
  return new RequestError({ code: ErrorCode.MethodNotFound, message: `${request.method} is not supported yet` })
}
