/**
 * Experimental features and permission profiles: what can be switched and chosen.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { named, nullable, optional, page, pageOf } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** `threadId`: as the loaded thread's configuration sets them. */
export const ExperimentalFeatureListParams = lazy(() =>
  named("ExperimentalFeatureListParams", { ...page, threadId: optional(Schema.String) })
)
export type ExperimentalFeatureListParams = Of<typeof ExperimentalFeatureListParams>

/** A feature by its key in the configuration. Only features in beta have texts for users. */
export const ExperimentalFeature = lazy(() =>
  Schema.Struct({
    name: Schema.String,
    stage: Schema.Literals(["beta", "underDevelopment", "stable", "deprecated", "removed"]),
    displayName: nullable(Schema.String),
    description: nullable(Schema.String),
    announcement: nullable(Schema.String),
    enabled: Schema.Boolean,
    defaultEnabled: Schema.Boolean
  })
)
export type ExperimentalFeature = Of<typeof ExperimentalFeature>

export const ExperimentalFeatureListResponse = lazy(() => pageOf(ExperimentalFeature()))
export type ExperimentalFeatureListResponse = Of<typeof ExperimentalFeatureListResponse>

/** Switches features for the life of the server. Features that are not named do not change. */
export const ExperimentalFeatureEnablementSetParams = lazy(() =>
  named("ExperimentalFeatureEnablementSetParams", {
    enablement: Schema.Record(Schema.String, Schema.Boolean)
  })
)
export type ExperimentalFeatureEnablementSetParams = Of<typeof ExperimentalFeatureEnablementSetParams>

/** The features that the request changed. */
export const ExperimentalFeatureEnablementSetResponse = lazy(() =>
  Schema.Struct({
    enablement: Schema.Record(Schema.String, Schema.Boolean)
  })
)
export type ExperimentalFeatureEnablementSetResponse = Of<typeof ExperimentalFeatureEnablementSetResponse>

/** `cwd`: with the profiles of the project in this folder. */
export const PermissionProfileListParams = lazy(() =>
  named("PermissionProfileListParams", { ...page, cwd: optional(Schema.String) })
)
export type PermissionProfileListParams = Of<typeof PermissionProfileListParams>

/** A profile, and whether the organisation's requirements allow it. */
export const PermissionProfileSummary = lazy(() =>
  Schema.Struct({
    id: Schema.String,
    description: nullable(Schema.String),
    allowed: Schema.Boolean
  })
)
export type PermissionProfileSummary = Of<typeof PermissionProfileSummary>

export const PermissionProfileListResponse = lazy(() => pageOf(PermissionProfileSummary()))
export type PermissionProfileListResponse = Of<typeof PermissionProfileListResponse>
