/**
 * A typed client, independent of its connection.
 *
 * Owns what every client needs on top of a connection: calls typed by the method table, three kinds of error that name the
 * method, an event stream, and handles that can be shared. Does not own the connection (layers/clients).
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { ErrorObject, RequestId } from "../../protocol/jsonrpc/Envelope.ts"
import {
  type ClientRequestMethod,
  clientRequestTable,
  type ParamsInputOf,
  type ResultOf
} from "../../protocol/Methods.ts"
import type { ClientEvent } from "./ClientEvent.ts"

/** The request did not reach the server, or no response arrived. */
export class TransportError extends Schema.TaggedError<TransportError>()("TransportError", {
  method: Schema.String,
  /**
   * Named as in operating systems. `WouldBlock` can be retried and `InvalidInput` is the caller's error; the others mean
   * that the connection is gone.
   */
  kind: Schema.Literals([
    "WouldBlock",
    "InvalidInput",
    "BrokenPipe",
    "InvalidData",
    "ConnectionAborted",
    "UnexpectedEof",
    "TimedOut"
  ]),
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.method} transport error: ${this.detail}`
  }
}

/** The server returned an error. `code` and `data` are the protocol's. */
export class ServerError extends Schema.TaggedError<ServerError>()("ServerError", {
  method: Schema.String,
  code: Schema.Int,
  detail: Schema.String,
  data: Schema.optionalKey(Schema.Json)
}) {
  override get message(): string {
    const data = this.data === undefined ? "" : `, data: ${JSON.stringify(this.data)}`
    return `${this.method} failed: ${this.detail} (code ${this.code})${data}`
  }
}

/** The response does not match the protocol. */
export class DecodeError extends Schema.TaggedError<DecodeError>()("DecodeError", {
  method: Schema.String,
  detail: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `${this.method} response decode error: ${this.detail}`
  }
}

/** Errors of a request. */
export type ClientError = TransportError | ServerError | DecodeError

/** A connection as the facade uses it. Results are undecoded; the link assigns the ids. */
export interface Link {
  /** Sends a request and waits for its result. */
  readonly request: (method: string, params: unknown) => Effect.Effect<unknown, TransportError | ServerError>
  /** Sends a notification. */
  readonly notify: (method: string, params: unknown) => Effect.Effect<void, TransportError>
  /** Answers a request of the server with a result. */
  readonly respond: (id: RequestId, result: unknown) => Effect.Effect<void, TransportError>
  /** Answers a request of the server with an error. */
  readonly reject: (id: RequestId, error: ErrorObject) => Effect.Effect<void, TransportError>
  /** The next event; fails with `Done` after the last one. */
  readonly take: Effect.Effect<ClientEvent, Cause.Done>
  /** Closes the connection, with the link's own deadline; pending requests fail. A second call does nothing. */
  readonly close: Effect.Effect<void>
}

/** The part of a client that sends requests. It remains valid after the client ends; its requests fail then. */
export interface RequestHandle {
  /**
   * Sends a request. A request that waits, for example for an approval, does not block others. Interrupting it cancels it if
   * the connection can.
   */
  readonly request: <M extends ClientRequestMethod>(
    method: M,
    ...params: ParamsInputOf<M> extends undefined ? [] : [params: ParamsInputOf<M>]
  ) => Effect.Effect<ResultOf<M>, ClientError>
}

/** A connection to an app-server, in this process or in another one. */
export class AppServerClient extends Context.Service<
  AppServerClient,
  RequestHandle & {
    /** A handle for code that only sends requests. */
    readonly requestHandle: RequestHandle
    /** Sends a notification to the server. */
    readonly notify: (method: string, params?: unknown) => Effect.Effect<void, TransportError>
    /** Answers a `ServerRequest` event with a result. */
    readonly respond: (id: RequestId, result: unknown) => Effect.Effect<void, TransportError>
    /** Answers a `ServerRequest` event with an error. */
    readonly reject: (id: RequestId, error: ErrorObject) => Effect.Effect<void, TransportError>
    /** All events; each is delivered once. Ends with the connection. */
    readonly events: Stream.Stream<ClientEvent>
    /** The next event; none after the last one. */
    readonly nextEvent: Effect.Effect<Option.Option<ClientEvent>>
    /** Closes the connection. Unread events are dropped; in the same process, those that were published before can be read. */
    readonly shutdown: Effect.Effect<void>
    /** The server's version, from its user agent. */
    readonly serverVersion: string
    /** The server's home folder, or null when it did not report one. */
    readonly codexHome: string | null
  }
>()("spindle/AppServerClient") {}

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

/** The text after the first `/` of a user agent, up to white space. */
const versionIn = (userAgent: string): string => /^[^/]*\/(\S*)/.exec(userAgent)?.[1] ?? ""

/** Builds the facade over a connection after its handshake. */
export const make = (
  link: Link,
  server: { readonly userAgent: string; readonly codexHome: string }
): AppServerClient["Service"] => {
  const request = (method: ClientRequestMethod, params?: unknown): Effect.Effect<unknown, ClientError> =>
    Effect.flatMap(link.request(method, params), (result): Effect.Effect<unknown, DecodeError> => {
      const decoded = decoderOf(method)(result)
      return Exit.isSuccess(decoded)
        ? Effect.succeed(decoded.value)
        : Effect.fail(decodeError(method, Cause.squash(decoded.cause)))
    })
  // The decoder belongs to the method, so the result has its type.
  const requestHandle: RequestHandle = { request: request as RequestHandle["request"] }
  return AppServerClient.of({
    ...requestHandle,
    requestHandle,
    notify: (method, params) => link.notify(method, params),
    respond: link.respond,
    reject: link.reject,
    events: Stream.fromPull(Effect.succeed(Effect.map(link.take, (event) => [event] as const))),
    nextEvent: Effect.option(link.take),
    shutdown: link.close,
    serverVersion: versionIn(server.userAgent),
    codexHome: server.codexHome === "" ? null : server.codexHome
  })
}
