/**
 * Handlers that read the configuration and the requirements.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import { Config, type ConfigError } from "../../services/config/Config.ts"
import type { HandlersFor } from "../../services/connection/Handlers.ts"
import { RequestError } from "../../services/routing/RequestError.ts"

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

export const make: Effect.Effect<HandlersFor<"config/read" | "configRequirements/read">, never, Config> = Effect.map(
  Config,
  (config) => ({
    "config/read": (params) => Effect.mapError(config.read(params), toRequestError),
    "configRequirements/read": () => Effect.mapError(config.requirements, toRequestError)
  })
)
