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
import {
  type ClientRequestMethod,
  clientRequestTable,
  type ParamsInputOf,
  type ResultOf
} from "../../protocol/Methods.ts"
import { type ClientError, DecodeError, type ServerError, type TransportError } from "./ClientError.ts"

/** Sends requests. Results are undecoded. */
export interface Requesting {
  readonly request: (method: string, params: unknown) => Effect.Effect<unknown, TransportError | ServerError>
}

/** The part of a client that sends requests. It remains valid after the client ends; its requests fail then. */
export interface RequestHandle {
  /**
   * Sends a request. A request that waits, for example for an approval, does not block others. Interrupting it cancels it if
   * the connection can.
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
  readonly request: <M extends ClientRequestMethod>(
    method: M,
    ...params: ParamsInputOf<M> extends undefined ? [] : [params: ParamsInputOf<M>]
  ) => Effect.Effect<ResultOf<M>, ClientError>
  /** Sends a request of any name. Neither parameters nor result are checked. */
  readonly raw: (method: string, params?: unknown) => Effect.Effect<unknown, TransportError | ServerError>
}

type Decode = (value: unknown) => Exit.Exit<unknown, Schema.SchemaError>

/** Decoders of results, each compiled on the first call of its method. */
const decoders = new Map<string, Decode>()

const decoderOf = (method: ClientRequestMethod): Decode => {
  let decode = decoders.get(method)
  if (decode === undefined) {
    const result: Schema.Codec<unknown, unknown> = clientRequestTable[method].result()
    decode = Schema.decodeUnknownExit(result)
    decoders.set(method, decode)
  }
  return decode
}

const decodeError = (method: string, cause: unknown): DecodeError =>
  new DecodeError({ method, detail: "the result does not have the shape that the protocol defines", cause })

/** The requests over a connection. */
export const requestsOf = (link: Requesting): RequestHandle => {
  const request = (method: ClientRequestMethod, params?: unknown): Effect.Effect<unknown, ClientError> =>
    Effect.flatMap(link.request(method, params), (result): Effect.Effect<unknown, DecodeError> => {
      const decoded = decoderOf(method)(result)
      return Exit.isSuccess(decoded)
        ? Effect.succeed(decoded.value)
        : Effect.fail(decodeError(method, Cause.squash(decoded.cause)))
    })
  // The decoder belongs to the method, so the result has its type.
  return { request: request as RequestHandle["request"], raw: (method, params) => link.request(method, params) }
}
