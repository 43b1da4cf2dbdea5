/**
 * The requests of a client, typed by the method table.
 *
 * Owns the decoding of results. Does not own ids and delivery (the link).
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type { WireSchema } from "../../protocol/Lazy.ts"
import {
  clientRequestTable,
  isClientRequestMethod,
  type ReleasedRequestMethod,
  type ReleasedRequestParams,
  type ReleasedRequestResult,
  type UnservedRequestMethod
} from "../../protocol/Methods.ts"
import { type ClientError, DecodeError, type ServerError, type TransportError } from "./ClientError.ts"

/** Sends requests. Results are undecoded. */
export interface Requesting {
  /** Sends a request and waits for its undecoded result. */
  readonly request: (method: string, params: unknown) => Effect.Effect<unknown, TransportError | ServerError>
}

/** The argument with a method's parameters: none, an optional or a required one. */
export type ParamsArgument<Params> = [Params] extends [undefined]
  ? []
  : null extends Params
    ? [params?: Params]
    : [params: Params]

/** The part of a client that sends requests. It remains valid after the client ends; its requests fail then. */
export interface RequestHandle {
  /**
   * Sends a request of the release. Another server may serve more of them than this one, which refuses the others. A
   * request that waits, for example for an approval, does not block others. Interrupting it cancels it if the connection
   * can.
   *
   * @example
   * ```ts
   * import * as Effect from "effect/Effect"
   * import { AppServerClient } from "spindle-app-server"
   *
   * const names = Effect.gen(function* () {
   *   const client = yield* AppServerClient.AppServerClient
   *   const { data } = yield* client.request("model/list", {})
   *   return data.map(({ displayName }) => displayName)
   * })
   * ```
   */
  readonly request: <M extends ReleasedRequestMethod>(
    method: M,
    ...params: ParamsArgument<ReleasedRequestParams<M>>
  ) => Effect.Effect<ReleasedRequestResult<M>, ClientError>
  /** Sends a request of any name. Neither parameters nor result are checked. */
  readonly raw: (method: string, params?: unknown) => Effect.Effect<unknown, TransportError | ServerError>
}

type Decode = (value: unknown) => Exit.Exit<unknown, Schema.SchemaError>

/** Decoders of results, each compiled on the first call of its method. */
const decoders = new Map<string, Decode>()

const decoderOf = (method: string, result: WireSchema): Decode => {
  let decode = decoders.get(method)
  if (decode === undefined) {
    decode = Schema.decodeUnknownExit(result())
    decoders.set(method, decode)
  }
  return decode
}

/** The requests that this server does not serve are many, so they are loaded with the first call of one. */
const unserved = Effect.promise(() => import("../../protocol/UnservedRequests.ts"))

const decodeUnserved = (method: string, result: unknown): Effect.Effect<unknown, DecodeError> =>
  Effect.flatMap(unserved, ({ unservedRequestTable }) =>
    Object.hasOwn(unservedRequestTable, method)
      ? decodedBy(method, unservedRequestTable[method as UnservedRequestMethod].result, result)
      : Effect.succeed(result)
  )

const decodedBy = (method: string, schema: WireSchema, result: unknown): Effect.Effect<unknown, DecodeError> => {
  const decoded = decoderOf(method, schema)(result)
  if (Exit.isSuccess(decoded)) return Effect.succeed(decoded.value)
  const detail = "the result does not have the shape that the protocol defines"
  return Effect.fail(new DecodeError({ method, detail, cause: Cause.squash(decoded.cause) }))
}

/** The requests over a connection. */
export const requestsOf = (link: Requesting): RequestHandle => {
  const request = (method: string, params?: unknown): Effect.Effect<unknown, ClientError> =>
    Effect.flatMap(link.request(method, params), (result) =>
      isClientRequestMethod(method)
        ? decodedBy(method, clientRequestTable[method].result, result)
        : decodeUnserved(method, result)
    )
  // The decoder belongs to the method, so the result has its type.
  return { request: request as RequestHandle["request"], raw: (method, params) => link.request(method, params) }
}
