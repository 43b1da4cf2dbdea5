/**
 * Listing, reading and installing plugins.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, AbsolutePath, named, nullable, optional, page, pageOf } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { PluginAuthPolicy, PluginSummary } from "./Plugin.ts"
import { AppSummary, PluginDetail } from "./PluginDetail.ts"

/** Without `cwds`, the marketplaces of projects are not searched. Default for `marketplaceKinds`: local ones. */
export const PluginListParams = lazy(() =>
  named("PluginListParams", {
    cwds: optional(Schema.Array(AbsolutePath)),
    marketplaceKinds: optional(
      Schema.Array(
        Schema.Literals(["local", "vertical", "workspace-directory", "shared-with-me", "created-by-me-remote"])
      )
    ),
    forceRefetch: absent(Schema.Boolean)
  })
)
export type PluginListParams = Of<typeof PluginListParams>

/** A marketplace with its plugins; `path` is null for one that is remote. */
export const PluginMarketplaceEntry = lazy(() =>
  Schema.Struct({
    name: Schema.String,
    path: nullable(Schema.String),
    interface: nullable(Schema.Struct({ displayName: nullable(Schema.String) })),
    plugins: Schema.Array(PluginSummary())
  })
)
export type PluginMarketplaceEntry = Of<typeof PluginMarketplaceEntry>

/** A marketplace that could not be loaded. */
export const MarketplaceLoadErrorInfo = lazy(() =>
  Schema.Struct({ marketplacePath: Schema.String, message: Schema.String })
)
export type MarketplaceLoadErrorInfo = Of<typeof MarketplaceLoadErrorInfo>

export const PluginListResponse = lazy(() =>
  Schema.Struct({
    marketplaces: Schema.Array(PluginMarketplaceEntry()),
    marketplaceLoadErrors: Schema.Array(MarketplaceLoadErrorInfo()),
    featuredPluginIds: Schema.Array(Schema.String)
  })
)
export type PluginListResponse = Of<typeof PluginListResponse>

export const PluginSearchParams = lazy(() =>
  named("PluginSearchParams", {
    ...page,
    searchTerm: Schema.String,
    scope: optional(Schema.Literals(["global", "workspace", "personal"])),
    cwds: optional(Schema.Array(AbsolutePath))
  })
)
export type PluginSearchParams = Of<typeof PluginSearchParams>

/** A plugin that was found, and its marketplace. */
export const PluginSearchResult = lazy(() =>
  Schema.Struct({
    plugin: PluginSummary(),
    marketplaceName: Schema.String,
    marketplacePath: nullable(Schema.String)
  })
)
export type PluginSearchResult = Of<typeof PluginSearchResult>

export const PluginSearchResponse = lazy(() => pageOf(PluginSearchResult()))
export type PluginSearchResponse = Of<typeof PluginSearchResponse>

/** Plugins in `installSuggestionPluginNames` are listed too although they are not installed. */
export const PluginInstalledParams = lazy(() =>
  named("PluginInstalledParams", {
    cwds: optional(Schema.Array(AbsolutePath)),
    installSuggestionPluginNames: optional(Schema.Array(Schema.String))
  })
)
export type PluginInstalledParams = Of<typeof PluginInstalledParams>

export const PluginInstalledResponse = lazy(() =>
  Schema.Struct({
    marketplaces: Schema.Array(PluginMarketplaceEntry()),
    marketplaceLoadErrors: Schema.Array(MarketplaceLoadErrorInfo())
  })
)
export type PluginInstalledResponse = Of<typeof PluginInstalledResponse>

const plugin = {
  marketplacePath: optional(AbsolutePath),
  remoteMarketplaceName: optional(Schema.String),
  pluginName: Schema.String
}

/** The plugin of a local marketplace or of a remote one. */
export const PluginReadParams = lazy(() => named("PluginReadParams", plugin))
export type PluginReadParams = Of<typeof PluginReadParams>

export const PluginReadResponse = lazy(() => Schema.Struct({ plugin: PluginDetail() }))
export type PluginReadResponse = Of<typeof PluginReadResponse>

export const PluginSkillReadParams = lazy(() =>
  named("PluginSkillReadParams", {
    remoteMarketplaceName: Schema.String,
    remotePluginId: Schema.String,
    skillName: Schema.String
  })
)
export type PluginSkillReadParams = Of<typeof PluginSkillReadParams>

/** The text of the skill; null when it has none. */
export const PluginSkillReadResponse = lazy(() => Schema.Struct({ contents: nullable(Schema.String) }))
export type PluginSkillReadResponse = Of<typeof PluginSkillReadResponse>

/** The client chooses `installAttemptId`, to recognize the attempt in its own records. */
export const PluginInstallParams = lazy(() =>
  named("PluginInstallParams", { ...plugin, installAttemptId: optional(Schema.String) })
)
export type PluginInstallParams = Of<typeof PluginInstallParams>

export const PluginInstallResponse = lazy(() =>
  Schema.Struct({
    authPolicy: PluginAuthPolicy(),
    appsNeedingAuth: Schema.Array(AppSummary())
  })
)
export type PluginInstallResponse = Of<typeof PluginInstallResponse>

export const PluginUninstallParams = lazy(() => named("PluginUninstallParams", { pluginId: Schema.String }))
export type PluginUninstallParams = Of<typeof PluginUninstallParams>

/** `reason` is recorded with the attempt. */
export const PluginReconcileParams = lazy(() => named("PluginReconcileParams", { reason: optional(Schema.String) }))
export type PluginReconcileParams = Of<typeof PluginReconcileParams>

/** A plugin that changed, and which parts of a running server the change concerns. */
export const PluginReconcileChangedPlugin = lazy(() =>
  Schema.Struct({
    id: Schema.String,
    hasMcps: Schema.Boolean,
    hasApps: Schema.Boolean,
    hasHooks: Schema.Boolean,
    hasSkills: Schema.Boolean
  })
)
export type PluginReconcileChangedPlugin = Of<typeof PluginReconcileChangedPlugin>

/** What this run changed, and the plugins that it could not bring up to date. */
export const PluginReconcileResponse = lazy(() =>
  Schema.Struct({
    changedPlugins: Schema.Array(PluginReconcileChangedPlugin()),
    failedRemotePluginIds: Schema.Array(Schema.String),
    failedMaterializationRemotePluginIds: Schema.Array(Schema.String)
  })
)
export type PluginReconcileResponse = Of<typeof PluginReconcileResponse>
