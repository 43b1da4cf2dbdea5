/**
 * Sharing plugins with others.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { AbsolutePath, emptyParams, named, nullable, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { PluginShareDiscoverability, PluginSharePrincipal, PluginSharePrincipalType, PluginSummary } from "./Plugin.ts"

/** With whom to share, and what they may do with it. */
export const PluginShareTarget = lazy(() =>
  named("PluginShareTarget", {
    principalType: PluginSharePrincipalType(),
    principalId: Schema.String,
    role: Schema.Literals(["reader", "editor"])
  })
)
export type PluginShareTarget = Of<typeof PluginShareTarget>

/** Without `remotePluginId`, the plugin is shared for the first time. */
export const PluginShareSaveParams = lazy(() =>
  named("PluginShareSaveParams", {
    pluginPath: AbsolutePath,
    remotePluginId: optional(Schema.String),
    discoverability: optional(PluginShareDiscoverability()),
    shareTargets: optional(Schema.Array(PluginShareTarget()))
  })
)
export type PluginShareSaveParams = Of<typeof PluginShareSaveParams>

export const PluginShareSaveResponse = lazy(() =>
  Schema.Struct({
    remotePluginId: Schema.String,
    shareUrl: Schema.String,
    canPublishToWorkspace: nullable(Schema.Boolean)
  })
)
export type PluginShareSaveResponse = Of<typeof PluginShareSaveResponse>

/** The targets replace the earlier ones. */
export const PluginShareUpdateTargetsParams = lazy(() =>
  named("PluginShareUpdateTargetsParams", {
    remotePluginId: Schema.String,
    discoverability: Schema.Literals(["UNLISTED", "PRIVATE", "LISTED"]),
    shareTargets: Schema.Array(PluginShareTarget())
  })
)
export type PluginShareUpdateTargetsParams = Of<typeof PluginShareUpdateTargetsParams>

export const PluginShareUpdateTargetsResponse = lazy(() =>
  Schema.Struct({
    principals: Schema.Array(PluginSharePrincipal()),
    discoverability: PluginShareDiscoverability()
  })
)
export type PluginShareUpdateTargetsResponse = Of<typeof PluginShareUpdateTargetsResponse>

export const PluginShareListParams = emptyParams("PluginShareListParams")
export type PluginShareListParams = Of<typeof PluginShareListParams>

/** The plugins that the user shares; `localPluginPath` is null for one that is not on this machine. */
export const PluginShareListResponse = lazy(() =>
  Schema.Struct({
    data: Schema.Array(Schema.Struct({ plugin: PluginSummary(), localPluginPath: nullable(Schema.String) }))
  })
)
export type PluginShareListResponse = Of<typeof PluginShareListResponse>

export const PluginShareCheckoutParams = lazy(() =>
  named("PluginShareCheckoutParams", { remotePluginId: Schema.String })
)
export type PluginShareCheckoutParams = Of<typeof PluginShareCheckoutParams>

/** Where the files of the shared plugin are now. */
export const PluginShareCheckoutResponse = lazy(() =>
  Schema.Struct({
    remotePluginId: Schema.String,
    pluginId: Schema.String,
    pluginName: Schema.String,
    pluginPath: Schema.String,
    marketplaceName: Schema.String,
    marketplacePath: Schema.String,
    remoteVersion: nullable(Schema.String)
  })
)
export type PluginShareCheckoutResponse = Of<typeof PluginShareCheckoutResponse>

export const PluginShareDeleteParams = lazy(() => named("PluginShareDeleteParams", { remotePluginId: Schema.String }))
export type PluginShareDeleteParams = Of<typeof PluginShareDeleteParams>
