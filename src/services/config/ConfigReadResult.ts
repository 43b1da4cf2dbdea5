/**
 * The configuration and the requirements as clients read them: every setting with its value or default, and the layer of
 * each value.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Digest from "effect/crypto/Digest"
import * as Schema from "effect/Schema"
import { Config, type ConfigLayerMetadata } from "../../protocol/v2/config/Config.ts"
import type { ConfigReadResponse, ConfigRequirementsReadResponse } from "../../protocol/v2/config/Requests.ts"
import { ConfigRequirements } from "../../protocol/v2/config/Requirements.ts"
import { normalPolicy } from "./Bounds.ts"
import { keys, modelProvider } from "./SettingsSchema.ts"
import { complete, map } from "./SettingType.ts"
import type { Layer } from "./ConfigLayer.ts"
import { counts, type Stack } from "./Layers.ts"
import { canonical, empty, get, getTable, isTable, leaves, merge, type Table, type Value } from "./Table.ts"

/**
 * The merged settings in the form of the protocol's `Config`. Unknown settings are left out; they are in the layers.
 */
export const view = (merged: Table): Table => {
  const completed = complete(keys, merged)
  // The protocol has no table for this server's own settings.
  const { spindle: _, ...settings } = isTable(completed) ? completed : empty
  return { ...settings, tools: tools(get(settings, "tools")) }
}

/** The protocol reports only those tools that have detailed settings. */
const tools = (value: Value | undefined): Value => {
  if (!isTable(value)) return null
  const search = get(value, "web_search")
  return {
    web_search: isTable(search) ? { context_size: null, allowed_domains: null, location: null, ...search } : null
  }
}

const encoder = new TextEncoder()

/**
 * A digest of a layer's settings that does not depend on their order; it identifies a version of the layer. The platform
 * computes it on demand, because loading a hash implementation would delay the start by milliseconds.
 */
export const version = (layer: Layer): Effect.Effect<string> =>
  Digest.Digest.use((digest) => digest.digestHex(Digest.sha256, encoder.encode(canonical(layer.content.table)))).pipe(
    Effect.map((hex) => `sha256:${hex}`),
    Effect.provide(Digest.layerWebCrypto)
  )

/**
 * The result of `config/read`, for layers without an error. Required values replace the settings and have no origin among
 * the layers. Fails when another program's section does not have the protocol's shape.
 */
export const read = Effect.fnUntraced(function* (
  stack: Stack,
  options: { readonly demanded: Table; readonly includeLayers: boolean }
): Effect.fn.Return<ConfigReadResponse, Schema.SchemaError> {
  const layers = yield* Effect.forEach(stack.layers, (layer) =>
    Effect.map(version(layer), (version) => ({ layer, metadata: { name: layer.source, version } }))
  )
  const owners = layers
    .filter(({ layer }) => counts(layer))
    .map(({ layer, metadata }) => ({ paths: new Set(leaves(layer.content.table)), metadata }))
  const replaced = new Set(leaves(options.demanded))
  const origins = leaves(stack.merged).flatMap((path): Array<[string, ConfigLayerMetadata]> => {
    const owner = replaced.has(path) ? undefined : owners.find(({ paths }) => paths.has(path))
    return owner === undefined ? [] : [[path, owner.metadata]]
  })
  return {
    config: yield* Schema.decodeUnknownEffect(Config())(view(merge(stack.merged, options.demanded))),
    origins: Object.fromEntries(origins),
    ...(options.includeLayers
      ? {
          layers: layers.map(({ layer, metadata }) => ({
            ...metadata,
            config: layer.content.table,
            ...(layer.disabledReason === null ? {} : { disabledReason: layer.disabledReason })
          }))
        }
      : {})
  }
})

/** `snake_case` as `camelCase`. */
const camel = (key: string): string => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

const camelKeys = (table: Table): Table =>
  Object.fromEntries(Object.entries(table).map(([key, value]) => [camel(key), value]))

/** A requirement in the protocol's form, where it differs from the file's. */
const demand = (key: string, value: Value): readonly [key: string, value: Value] => {
  switch (key) {
    case "features":
      return ["featureRequirements", value]
    case "model_providers":
      return ["modelProviders", complete(map(modelProvider), value)]
    case "allowed_approval_policies":
      return [camel(key), Array.isArray(value) ? value.map(normalPolicy) : value]
    case "allowed_sandbox_modes":
      // An external sandbox may be required, but clients cannot select it.
      return [camel(key), Array.isArray(value) ? value.filter((mode: Value) => mode !== "external-sandbox") : value]
    case "allowed_web_search_modes":
      // Disabling the search is always allowed.
      return [camel(key), Array.isArray(value) ? [...new Set([...value, "disabled"])] : value]
    case "models": {
      const defaults = isTable(value) ? getTable(value, "new_thread") : undefined
      if (defaults === undefined) return ["models", { newThread: null }]
      const none = { model: null, modelReasoningEffort: null, serviceTier: null }
      return ["models", { newThread: { ...none, ...camelKeys(defaults) } }]
    }
    case "feedback":
      return ["feedback", isTable(value) ? { enabled: null, ...value } : value]
    default:
      return [camel(key), value]
  }
}

/** The result of `configRequirements/read`. */
export const readRequirements = (
  demands: Table | undefined
): Effect.Effect<ConfigRequirementsReadResponse, Schema.SchemaError> => {
  if (demands === undefined) return Effect.succeed({ supportsIndependentSpeedModes: true, requirements: null })
  const schema = ConfigRequirements()
  const requirements = {
    ...Object.fromEntries(Object.keys(schema.fields).map((key) => [key, null])),
    allowedLoginMethods: ["api", "chatgpt"],
    ...Object.fromEntries(Object.entries(demands).map(([key, value]) => demand(key, value)))
  }
  return Effect.map(Schema.decodeUnknownEffect(schema)(requirements), (requirements) => ({
    supportsIndependentSpeedModes: true,
    requirements
  }))
}
