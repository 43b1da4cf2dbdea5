/**
 * Changes of a configuration file.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, named, nullable, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { ConfigLayerMetadata } from "./Config.ts"

/** `upsert` merges tables; `replace` does not. */
export const MergeStrategy = lazy(() => Schema.Literals(["replace", "upsert"]))
export type MergeStrategy = Of<typeof MergeStrategy>

/** One change. `keyPath` is a dotted path; a value of null removes the key. */
export const ConfigEdit = lazy(() =>
  named("ConfigEdit", { keyPath: Schema.String, value: Schema.Json, mergeStrategy: MergeStrategy() })
)
export type ConfigEdit = Of<typeof ConfigEdit>

/** Default for `filePath`: the user's `config.toml`. With `expectedVersion`, a file that has another version is not changed. */
export const ConfigValueWriteParams = lazy(() =>
  named("ConfigValueWriteParams", {
    keyPath: Schema.String,
    value: Schema.Json,
    mergeStrategy: MergeStrategy(),
    filePath: optional(Schema.String),
    expectedVersion: optional(Schema.String)
  })
)
export type ConfigValueWriteParams = Of<typeof ConfigValueWriteParams>

/**
 * All changes are made together. `reloadUserConfig` also applies them to loaded threads, except settings that a thread fixes
 * at its start.
 */
export const ConfigBatchWriteParams = lazy(() =>
  named("ConfigBatchWriteParams", {
    edits: Schema.Array(ConfigEdit()),
    filePath: optional(Schema.String),
    expectedVersion: optional(Schema.String),
    reloadUserConfig: absent(Schema.Boolean)
  })
)
export type ConfigBatchWriteParams = Of<typeof ConfigBatchWriteParams>

/** Why a written value has no effect: a layer above sets another one. */
export const OverriddenMetadata = lazy(() =>
  Schema.Struct({
    message: Schema.String,
    overridingLayer: ConfigLayerMetadata(),
    effectiveValue: Schema.Json
  })
)
export type OverriddenMetadata = Of<typeof OverriddenMetadata>

/** `version` and `filePath` are those of the file that was written. */
export const ConfigWriteResponse = lazy(() =>
  Schema.Struct({
    status: Schema.Literals(["ok", "okOverridden"]),
    version: Schema.String,
    filePath: Schema.String,
    overriddenMetadata: nullable(OverriddenMetadata())
  })
)
export type ConfigWriteResponse = Of<typeof ConfigWriteResponse>
