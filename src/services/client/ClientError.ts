/**
 * The errors of a client's calls.
 *
 * Owns why a request, an answer or a reader of events fails. Errors of opening a connection are in MessageChannel.
 *
 * @module
 */
import * as Schema from "effect/Schema"

/**
 * Why a message was not delivered, or why its response did not arrive.
 *
 * - `Overloaded`: the queue of requests is full. Send it again later.
 * - `InvalidRequest`: the message is not JSON, is nested too deep, or its id is in use. Change it.
 * - `Closed`: the client was closed, or the connection is gone.
 * - `PeerClosed`: the server closed the connection.
 * - `EndOfStream`: the connection ended without a close.
 * - `ProtocolViolation`: the server violated the protocol, or the transport failed.
 * - `WriteFailed`: the message could not be written.
 * - `TimedOut`: the server did not respond to a ping.
 *
 * For the last five the connection is lost, and it is unknown whether the server executed the request.
 */
export const TransportReason = Schema.TaggedUnion({
  Overloaded: {},
  InvalidRequest: {},
  Closed: {},
  PeerClosed: {},
  EndOfStream: {},
  ProtocolViolation: {},
  WriteFailed: {},
  TimedOut: {}
})
export type TransportReason = typeof TransportReason.Type

/**
 * The request did not reach the server, or no response arrived. `Effect.catchReason` selects by the reason.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import type { AppServerClient } from "spindle-app-server"
 *
 * const models = (client: AppServerClient.AppServerClient["Service"]) =>
 *   client.request("model/list", {}).pipe(
 *     Effect.catchReason("TransportError", "Overloaded", () => Effect.succeed({ data: [], nextCursor: null }))
 *   )
 * ```
 */
export class TransportError extends Schema.TaggedError<TransportError>()("TransportError", {
  /** The method of the request, or `resolve` and `reject` for the answer to a server request. */
  method: Schema.String,
  reason: TransportReason,
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

/** Why a request failed. */
export type ClientError = TransportError | ServerError | DecodeError

/**
 * The server request cannot be answered: this client has answered it, or the server has resolved it, for example because
 * another client answered first or the turn ended.
 */
export class RequestNotPending extends Schema.TaggedError<RequestNotPending>()("RequestNotPending", {
  method: Schema.String,
  requestId: Schema.Union([Schema.String, Schema.Finite, Schema.BigInt])
}) {
  override get message(): string {
    return `${this.method} is not pending: it was answered, or the server has resolved it`
  }
}

/** Why an answer to a server request failed. */
export type AnswerError = TransportError | RequestNotPending

/**
 * A reader of events was ended, because it fell too far behind while another one read. The other readers continue. Read
 * faster, increase the capacity, or choose a strategy that drops events; read the thread again for what was missed.
 */
export class ConsumerTooSlow extends Schema.TaggedError<ConsumerTooSlow>()("ConsumerTooSlow", {
  /** The name of the reader. */
  consumer: Schema.String,
  /** The number of events that its queue holds. */
  capacity: Schema.Int
}) {
  override get message(): string {
    return `the consumer of events "${this.consumer}" was ended: its queue of ${this.capacity} events is full`
  }
}
