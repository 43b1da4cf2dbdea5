/**
 * Model providers: which are configured, what they offer, and their settings.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, emptyParams, named, nullable, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

export const ModelProviderListParams = emptyParams("ModelProviderListParams")
export type ModelProviderListParams = Of<typeof ModelProviderListParams>

/** How requests to a gateway are authenticated. `externallyConfigured`: by means that clients cannot change. */
export const GatewayAuth = lazy(() =>
  Schema.Union([
    Schema.Struct({ mode: Schema.Literal("none") }),
    Schema.Struct({ mode: Schema.Literal("environmentVariable"), envKey: Schema.String }),
    Schema.Struct({ mode: Schema.Literal("externallyConfigured"), envKey: nullable(Schema.String) })
  ])
)
export type GatewayAuth = Of<typeof GatewayAuth>

/** The settings of a provider by its kind, without credentials. */
export const ProviderSettings = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("openai") }),
    Schema.Struct({ type: Schema.Literal("customGateway"), auth: GatewayAuth() }),
    Schema.Struct({
      type: Schema.Literal("bedrock"),
      profile: nullable(Schema.String),
      region: nullable(Schema.String)
    }),
    Schema.Struct({
      type: Schema.Literal("gcp"),
      projectId: nullable(Schema.String),
      location: nullable(Schema.String),
      credentialFile: nullable(Schema.String)
    })
  ])
)
export type ProviderSettings = Of<typeof ProviderSettings>

/** A provider. `baseUrl` is null when it is not set or must not be shown. */
export const ModelProviderSummary = lazy(() =>
  Schema.Struct({
    id: Schema.String,
    name: Schema.String,
    canEdit: Schema.Boolean,
    baseUrl: nullable(Schema.String),
    settings: ProviderSettings()
  })
)
export type ModelProviderSummary = Of<typeof ModelProviderSummary>

export const ModelProviderListResponse = lazy(() =>
  Schema.Struct({
    data: Schema.Array(ModelProviderSummary()),
    defaultProviderId: Schema.String,
    canChangeDefault: Schema.Boolean
  })
)
export type ModelProviderListResponse = Of<typeof ModelProviderListResponse>

/** A change of settings: an absent member keeps its value, null removes it. A custom gateway without an id is a new one. */
export const ProviderSettingsPatch = lazy(() =>
  Schema.Union([
    Schema.Struct({
      type: Schema.Literal("customGateway"),
      providerId: optional(Schema.String),
      name: absent(Schema.String),
      baseUrl: optional(Schema.String),
      envKey: optional(Schema.String)
    }),
    Schema.Struct({
      type: Schema.Literal("bedrock"),
      providerId: Schema.Literals(["amazon-bedrock", "amazon-bedrock-runtime"]),
      profile: optional(Schema.String),
      region: optional(Schema.String)
    }),
    Schema.Struct({
      type: Schema.Literal("gcp"),
      providerId: Schema.Literal("gcp"),
      projectId: optional(Schema.String),
      location: optional(Schema.String),
      credentialFile: optional(Schema.String)
    })
  ]).annotate({ identifier: "ProviderSettingsPatch" })
)
export type ProviderSettingsPatch = Of<typeof ProviderSettingsPatch>

export const ModelProviderConfigWriteParams = lazy(() =>
  named("ModelProviderConfigWriteParams", { settings: ProviderSettingsPatch() })
)
export type ModelProviderConfigWriteParams = Of<typeof ModelProviderConfigWriteParams>

/** The provider after the change. */
export const ModelProviderConfigWriteResponse = lazy(() => Schema.Struct({ provider: ModelProviderSummary() }))
export type ModelProviderConfigWriteResponse = Of<typeof ModelProviderConfigWriteResponse>

export const ModelProviderCapabilitiesReadParams = emptyParams("ModelProviderCapabilitiesReadParams")
export type ModelProviderCapabilitiesReadParams = Of<typeof ModelProviderCapabilitiesReadParams>

/** What the configured provider offers in addition to answers. */
export const ModelProviderCapabilitiesReadResponse = lazy(() =>
  Schema.Struct({ imageGeneration: Schema.Boolean, webSearch: Schema.Boolean })
)
export type ModelProviderCapabilitiesReadResponse = Of<typeof ModelProviderCapabilitiesReadResponse>
