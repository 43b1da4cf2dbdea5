/**
 * Converts service errors to error responses of the protocol.
 *
 * @module
 */
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ConfigError } from "../config/Config.ts"
import { internal, invalidRequest, RequestError } from "../routing/RequestError.ts"
import { MaxInputChars, type ThreadError } from "../thread/ThreadError.ts"
import type { ThreadStoreError } from "../thread/ThreadStore.ts"
import type { McpServersRequired } from "../mcp/McpError.ts"
import type { RulesUnavailable } from "../tool/ExecRules.ts"

/** All errors of handlers. */
export type ServiceError =
  | RequestError
  | ThreadError
  | ConfigError
  | ThreadStoreError
  | RulesUnavailable
  | McpServersRequired

/** The protocol's code, message and data of an error. */
export const fromServiceError = (error: ServiceError): RequestError => {
  switch (error._tag) {
    case "RequestError":
      return error
    case "InputTooLarge":
      return new RequestError({
        code: ErrorCode.InvalidParams,
        message: error.message,
        data: { input_error_code: "input_too_large", max_chars: MaxInputChars, actual_chars: error.actualChars }
      })
    case "ServerDraining":
      return invalidRequest(error.message, { reason: "serverShuttingDown" })
    case "HistoryUnavailable":
      return new RequestError({ code: ErrorCode.MethodNotFound, message: error.message })
    case "ConfigError":
      // Requests that start a thread get this error. config/read has a different one, which it makes itself.
      return invalidRequest(error.message, error.data)
    case "TurnNotSteerable": {
      if (error.purpose === "submit") return internal(error.message)
      const codexErrorInfo = { activeTurnNotSteerable: { turnKind: error.turnKind } }
      const data = { message: error.message, codexErrorInfo, additionalDetails: null, misalignment: null }
      return invalidRequest(error.message, data)
    }
    case "ThreadStoreError":
      return error.reason === "locked" || error.reason === "referenced"
        ? invalidRequest(error.message)
        : internal(error.message)
    case "RulesUnavailable":
    case "McpServersRequired":
      return internal(error.message)
    default:
      return invalidRequest(error.message)
  }
}
