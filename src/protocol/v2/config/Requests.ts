/**
 * The requests about the configuration.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, nullable, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { Config, ConfigLayer, ConfigLayerMetadata } from "./Config.ts"
import { ConfigRequirements } from "./Requirements.ts"

/** With `cwd`, the layers of the project there count too, if it is trusted. */
export const ConfigReadParams = lazy(() =>
  Schema.Struct({ includeLayers: absent(Schema.Boolean), cwd: optional(Schema.String) }).annotate({
    identifier: "ConfigReadParams"
  })
)
export type ConfigReadParams = Of<typeof ConfigReadParams>

/** `origins` is keyed by dotted path. `layers`, highest first, only when asked for. */
export const ConfigReadResponse = lazy(() =>
  Schema.Struct({
    config: Config(),
    origins: Schema.Record(Schema.String, ConfigLayerMetadata()),
    layers: absent(Schema.Array(ConfigLayer()))
  })
)
export type ConfigReadResponse = Of<typeof ConfigReadResponse>

/** `requirements` is null where nobody manages this machine. */
export const ConfigRequirementsReadResponse = lazy(() =>
  Schema.Struct({
    supportsIndependentSpeedModes: nullable(Schema.Boolean),
    requirements: nullable(ConfigRequirements())
  })
)
export type ConfigRequirementsReadResponse = Of<typeof ConfigRequirementsReadResponse>

/** By method name. */
export const configRequests = {
  /** The effective configuration and where its values come from. */
  "config/read": Method.clientRequest({
    params: ConfigReadParams,
    result: ConfigReadResponse,
    scope: Method.global("config", { shared: true })
  }),

  /** What an organisation demands of the configuration. */
  "configRequirements/read": Method.clientRequest({
    params: undefined,
    result: ConfigRequirementsReadResponse,
    scope: Method.global("config", { shared: true })
  })
} as const
