/**
 * From a request's envelope to a call that can be made: the method's declaration, its decoded parameters, what gates it and
 * which others it waits for. Everything a method needs here is looked up once and kept.
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

/** A decoded request. */
export interface DecodedRequest {
  readonly id: RequestId
  readonly method: string
  /** Null for a method of the release that this server does not answer. */
  readonly served: ClientRequestMethod | null
  readonly params: unknown
  readonly trace: TraceContext | undefined
  readonly extensions: Extensions | undefined
  /** Requests with the same key wait for each other; undefined runs at once. */
  readonly key: string | undefined
  readonly shared: boolean
  readonly stability: Stability
  readonly experimentalFields: ReadonlyArray<ExperimentalField>
}

const keyOf = (schedule: Schedule<never>, params: unknown): string | undefined => {
  switch (schedule._tag) {
    case "Concurrent":
      return undefined
    case "Global":
      return `global ${schedule.name}`
    case "Thread":
      return `thread ${schedule.threadId(params as never)}`
  }
}

/** Decodes a request; a string is the text that follows "Invalid request: ". */
export const decode = (request: Request): DecodedRequest | string => {
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
    key: keyOf(schedule, decoded.success),
    shared: schedule._tag !== "Concurrent" && schedule.shared,
    stability: ReleasedRequests[method].stability,
    experimentalFields
  }
}

/** Why this connection may not make the call, or undefined. */
export const gate = (connection: Connection, call: DecodedRequest): RequestError | undefined => {
  const session = connection.session
  if (session === undefined) return call.served === "initialize" ? undefined : invalidRequest("Not initialized")
  if (call.served === "initialize") return invalidRequest("Already initialized")
  if (!session.experimental) {
    const descriptor = experimentalUse(call, call.method, call.params)
    if (descriptor !== undefined) return invalidRequest(`${descriptor} requires experimentalApi capability`)
  }
  if (call.served !== null) return undefined
  return new RequestError({ code: ErrorCode.MethodNotFound, message: `${call.method} is not supported yet` })
}
