/**
 * Handlers that read the configuration and the requirements, and that change the user's settings.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import { Config, type ConfigError } from "../../services/config/Config.ts"
import type { HandlersFor } from "../../services/connection/Handlers.ts"
import { internal, invalidRequest, RequestError } from "../../services/routing/RequestError.ts"
import type { ConfigWriteError, WriteRequest } from "../../services/config/ConfigWriter.ts"
import { FileReplacement, type FileReplacementError } from "../../services/config/FileReplacement.ts"

/**
 * Formats an error as the release does: unreadable or invalid files are errors of the layers; a setting of the wrong type is
 * an error of the merged configuration, which names the setting and not the file.
 */
const text = (error: ConfigError): string =>
  error.reason === "value"
    ? `invalid configuration: ${error.detail}${error.key === undefined ? "" : `\nin \`${error.key}\`\n`}`
    : `failed to read configuration layers: ${error.summary}`

const toRequestError = (error: ConfigError): RequestError =>
  new RequestError({
    code: ErrorCode.Internal,
    message: text(error),
    ...(error.data === undefined ? {} : { data: error.data })
  })

/** A write that was refused, or that failed. */
const toWriteError = (error: ConfigError | ConfigWriteError | FileReplacementError): RequestError =>
  error._tag === "ConfigWriteError"
    ? invalidRequest(error.message, { config_write_error_code: error.code })
    : internal(error.message)

type ConfigMethod = "config/read" | "config/value/write" | "config/batchWrite" | "configRequirements/read"

export const make: Effect.Effect<HandlersFor<ConfigMethod>, never, Config | FileReplacement> = Effect.gen(function* () {
  const config = yield* Config
  const files = yield* FileReplacement
  const write = (request: WriteRequest) => Effect.mapError(config.write(request, files), toWriteError)
  return {
    "config/read": (params) => Effect.mapError(config.read(params), toRequestError),
    "configRequirements/read": () => Effect.mapError(config.requirements, toRequestError),
    "config/value/write": ({ expectedVersion, filePath, ...edit }) =>
      write({ edits: [edit], filePath: filePath ?? undefined, expectedVersion: expectedVersion ?? undefined }),
    "config/batchWrite": ({ edits, expectedVersion, filePath }) =>
      write({ edits, filePath: filePath ?? undefined, expectedVersion: expectedVersion ?? undefined })
  }
})
