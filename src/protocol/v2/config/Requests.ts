/**
 * Requests about the configuration.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, nullable, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { Config, ConfigLayer, ConfigLayerMetadata } from "./Config.ts"
import * as Features from "./Features.ts"
import * as Write from "./ConfigWrite.ts"
import { ConfigRequirements } from "./Requirements.ts"

/** With `cwd`, the layers of a trusted project in that folder are included. */
export const ConfigReadParams = lazy(() =>
  Schema.Struct({ includeLayers: absent(Schema.Boolean), cwd: optional(Schema.String) }).annotate({
    identifier: "ConfigReadParams"
  })
)
export type ConfigReadParams = Of<typeof ConfigReadParams>

/** `origins` is keyed by dotted path. `layers`, highest first, are present only when requested. */
export const ConfigReadResponse = lazy(() =>
  Schema.Struct({
    config: Config(),
    origins: Schema.Record(Schema.String, ConfigLayerMetadata()),
    layers: absent(Schema.Array(ConfigLayer()))
  })
)
export type ConfigReadResponse = Of<typeof ConfigReadResponse>

/** `requirements` is null when no organisation manages this machine. */
export const ConfigRequirementsReadResponse = lazy(() =>
  Schema.Struct({
    supportsIndependentSpeedModes: nullable(Schema.Boolean),
    requirements: nullable(ConfigRequirements())
  })
)
export type ConfigRequirementsReadResponse = Of<typeof ConfigRequirementsReadResponse>

/** By method name. */
export const configRequests = {
  /** The effective configuration and the origin of each value. */
  "config/read": Method.clientRequest({
    params: ConfigReadParams,
    result: ConfigReadResponse,
    schedule: Method.global("config", { shared: true })
  }),

  /** Changes one setting of the user's file. */
  "config/value/write": Method.clientRequest({
    params: Write.ConfigValueWriteParams,
    result: Write.ConfigWriteResponse,
    schedule: Method.global("config", { shared: false })
  }),

  /** Changes several settings of the user's file together. */
  "config/batchWrite": Method.clientRequest({
    params: Write.ConfigBatchWriteParams,
    result: Write.ConfigWriteResponse,
    schedule: Method.global("config", { shared: false })
  }),

  /** The features that this server knows, paginated. */
  "experimentalFeature/list": Method.clientRequest({
    params: Features.ExperimentalFeatureListParams,
    result: Features.ExperimentalFeatureListResponse,
    schedule: Method.global("config", { shared: true })
  }),

  /** Turns features on or off while the server runs. */
  "experimentalFeature/enablement/set": Method.clientRequest({
    params: Features.ExperimentalFeatureEnablementSetParams,
    result: Features.ExperimentalFeatureEnablementSetResponse,
    schedule: Method.global("config", { shared: false })
  }),

  /** The permission profiles of a folder, paginated. */
  "permissionProfile/list": Method.clientRequest({
    params: Features.PermissionProfileListParams,
    result: Features.PermissionProfileListResponse,
    schedule: Method.global("config", { shared: true })
  }),

  /** The organisation's requirements. */
  "configRequirements/read": Method.clientRequest({
    params: undefined,
    result: ConfigRequirementsReadResponse,
    schedule: Method.global("config", { shared: true })
  })
} as const
