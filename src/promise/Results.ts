/**
 * Converts the results of effects to values and errors of the Promise door.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import {
  ConsumerTooSlow,
  DecodeError,
  RequestNotPending,
  ServerError,
  TransportError
} from "../services/client/ClientError.ts"
import { ConnectError } from "../services/client/MessageChannel.ts"
import { TurnFailed } from "../services/client/TurnFailed.ts"
import { AppServerError, type ErrorCode, ServerResponseError, TurnFailedError } from "./Errors.ts"

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
