/**
 * The errors of the Promise door: ordinary classes with codes.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import type { TurnError } from "../protocol/v2/turn/ErrorInfo.ts"
import {
  ConsumerTooSlow,
  DecodeError,
  RequestNotPending,
  ServerError,
  TransportError
} from "../services/client/ClientError.ts"
import { ConnectError } from "../services/client/MessageChannel.ts"
import { TurnFailed } from "../services/client/TurnFailed.ts"

/**
 * What kind of failure it is.
 *
 * - `OVERLOADED`: the queue of requests is full. Try again later.
 * - `INVALID_REQUEST`: the message cannot be sent as it is.
 * - `CLOSED`: the connection is closed or lost.
 * - `TIMED_OUT`: the server did not respond in time.
 * - `SERVER_ERROR`: the server answered with an error, see `ServerResponseError`.
 * - `INVALID_RESPONSE`: the server violated the protocol.
 * - `TURN_FAILED`: see `TurnFailedError`.
 * - `NOT_PENDING`: the server request was answered or resolved before.
 * - `TOO_SLOW`: an iteration of events fell too far behind the others and was ended.
 * - `CONNECT_FAILED`: the server could not be reached or refused the connection. The cause has the reason.
 * - `START_FAILED`: the server could not be started, for example because of its configuration. The cause has the reason.
 */
export type ErrorCode =
  | "OVERLOADED"
  | "INVALID_REQUEST"
  | "CLOSED"
  | "TIMED_OUT"
  | "SERVER_ERROR"
  | "INVALID_RESPONSE"
  | "TURN_FAILED"
  | "NOT_PENDING"
  | "TOO_SLOW"
  | "CONNECT_FAILED"
  | "START_FAILED"

/**
 * Why a call of this module failed. An aborted call fails with the reason of its signal instead.
 *
 * @example
 * ```ts
 * import { AppServerError, type Thread } from "spindle-app-server/promise"
 *
 * const answer = async (thread: Thread): Promise<string> => {
 *   try {
 *     return (await thread.run("What does this project do?")).text
 *   } catch (error) {
 *     if (error instanceof AppServerError && error.code === "TURN_FAILED") return "no answer"
 *     throw error
 *   }
 * }
 * ```
 */
export class AppServerError extends Error {
  override readonly name: string = "AppServerError"
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The server answered a request with an error. */
export class ServerResponseError extends AppServerError {
  override readonly name = "ServerResponseError"
  readonly method: string
  /** The code of the JSON-RPC error. */
  readonly rpcCode: number
  /** The data of the JSON-RPC error; undefined when there is none. */
  readonly data: unknown

  constructor(method: string, rpcCode: number, message: string, data: unknown) {
    super("SERVER_ERROR", message)
    this.method = method
    this.rpcCode = rpcCode
    this.data = data
  }
}

/** A turn did not complete. */
export class TurnFailedError extends AppServerError {
  override readonly name = "TurnFailedError"
  readonly threadId: string
  readonly turnId: string
  /** `lost`: the connection was lost and the server does not know the turn any more. */
  readonly reason: "failed" | "interrupted" | "lost"
  /** The server's error; null unless the reason is `failed`. */
  readonly error: TurnError | null

  constructor(
    message: string,
    turn: {
      readonly threadId: string
      readonly turnId: string
      readonly reason: "failed" | "interrupted" | "lost"
      readonly error: TurnError | null
    }
  ) {
    super("TURN_FAILED", message)
    this.threadId = turn.threadId
    this.turnId = turn.turnId
    this.reason = turn.reason
    this.error = turn.error
  }
}

/**
 * Thrown by a handler to answer a server request with this error. Whatever else a handler throws is logged, and the server
 * receives a general error.
 */
export class RequestRejectedError extends Error {
  override readonly name = "RequestRejectedError"
  /** The code of the JSON-RPC error. */
  readonly code: number
  /** JSON data for the server; undefined when there is none. */
  readonly data: unknown

  constructor(code: number, message: string, data?: unknown) {
    super(message)
    this.code = code
    this.data = data
  }
}

const transportCodes: Readonly<Record<TransportError["reason"]["_tag"], ErrorCode>> = {
  Overloaded: "OVERLOADED",
  InvalidRequest: "INVALID_REQUEST",
  Closed: "CLOSED",
  PeerClosed: "CLOSED",
  EndOfStream: "CLOSED",
  ProtocolViolation: "INVALID_RESPONSE",
  WriteFailed: "CLOSED",
  TimedOut: "TIMED_OUT"
}

const turnReasons = { Failed: "failed", Interrupted: "interrupted", Lost: "lost" } as const

const messageOf = (error: unknown): string =>
  Predicate.hasProperty(error, "message") && typeof error.message === "string" ? error.message : String(error)

const fromTurn = (failure: TurnFailed): TurnFailedError => {
  const { message, reason, threadId, turnId } = failure
  const error = reason._tag === "Failed" ? reason.error : null
  return new TurnFailedError(message, { threadId, turnId, reason: turnReasons[reason._tag], error })
}

/** The error as this module reports it. */
export const toError = (error: unknown): unknown => {
  if (error instanceof TransportError) {
    return new AppServerError(transportCodes[error.reason._tag], error.message, { cause: error })
  }
  if (error instanceof ServerError) {
    return new ServerResponseError(error.method, error.code, error.message, error.data)
  }
  if (error instanceof DecodeError) return new AppServerError("INVALID_RESPONSE", error.message, { cause: error.cause })
  if (error instanceof TurnFailed) return fromTurn(error)
  if (error instanceof RequestNotPending) return new AppServerError("NOT_PENDING", error.message)
  if (error instanceof ConsumerTooSlow) return new AppServerError("TOO_SLOW", error.message)
  if (error instanceof ConnectError) return new AppServerError("CONNECT_FAILED", error.message, { cause: error })
  return error
}

/** The error of a start. */
export const toStartError = (error: unknown): unknown => {
  const known = toError(error)
  return known instanceof AppServerError
    ? known
    : new AppServerError("START_FAILED", messageOf(error), { cause: error })
}

/** The value of an exit; throws its error. An interruption throws the reason of the signal that caused it. */
export const valueOf = <A>(
  exit: Exit.Exit<A, unknown>,
  signal: AbortSignal | undefined,
  convert: (error: unknown) => unknown = toError
): A => {
  if (Exit.isSuccess(exit)) return exit.value
  if (signal?.aborted === true) throw signal.reason
  if (Cause.hasInterruptsOnly(exit.cause)) throw new AppServerError("CLOSED", "the client was closed")
  throw convert(Cause.squash(exit.cause))
}
