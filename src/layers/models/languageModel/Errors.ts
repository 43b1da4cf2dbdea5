/**
 * Maps errors of `effect/ai` to the classes of the protocol.
 *
 * @module
 */
import type * as AiError from "effect/ai/AiError"
import * as Duration from "effect/Duration"
import type { CodexErrorInfo } from "../../../protocol/v2/turn/ErrorInfo.ts"
import { failure, type Failure } from "../attempts/Failure.ts"

const infoOf = (reason: AiError.AiErrorReason): CodexErrorInfo => {
  switch (reason._tag) {
    case "AuthenticationError":
      return "unauthorized"
    case "InternalProviderError":
      return "internalServerError"
    case "InvalidRequestError":
    case "InvalidUserInputError":
      return "badRequest"
    case "NetworkError":
      return { responseStreamConnectionFailed: { httpStatusCode: null } }
    case "QuotaExhaustedError":
      return "usageLimitExceeded"
    case "RateLimitError":
      return "rateLimitExceeded"
    default:
      return "other"
  }
}

/** Invalid output is not retried here: only transient failures are. */
const isWorthRetrying = (reason: AiError.AiErrorReason): boolean =>
  reason.isRetryable &&
  (reason._tag === "NetworkError" || reason._tag === "RateLimitError" || reason._tag === "InternalProviderError")

export const ofAiError = (error: AiError.AiError): Failure =>
  failure(error.reason.message, infoOf(error.reason), {
    retry: isWorthRetrying(error.reason) ? "stream" : "never",
    wait: error.retryAfter === undefined ? null : Duration.toMillis(error.retryAfter)
  })
