/**
 * A plugin as it is listed: where it comes from, its state, and its presentation.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { I64, nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

const text = () => nullable(Schema.String)

/** Where the files of a plugin come from. */
export const PluginSource = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("local"), path: Schema.String }),
    Schema.Struct({ type: Schema.Literal("git"), url: Schema.String, path: text(), refName: text(), sha: text() }),
    Schema.Struct({ type: Schema.Literal("npm"), package: Schema.String, version: text(), registry: text() }),
    Schema.Struct({ type: Schema.Literal("remote") })
  ])
)
export type PluginSource = Of<typeof PluginSource>

/** Whether the apps of a plugin need a login when it is installed, or when they are used. */
export const PluginAuthPolicy = lazy(() => Schema.Literals(["ON_INSTALL", "ON_USE"]))
export type PluginAuthPolicy = Of<typeof PluginAuthPolicy>

/** Who can find a shared plugin. */
export const PluginShareDiscoverability = lazy(() => Schema.Literals(["LISTED", "UNLISTED", "PRIVATE"]))
export type PluginShareDiscoverability = Of<typeof PluginShareDiscoverability>

/** The kind of the one that a plugin is shared with. */
export const PluginSharePrincipalType = lazy(() => Schema.Literals(["user", "group", "workspace"]))
export type PluginSharePrincipalType = Of<typeof PluginSharePrincipalType>

/** With whom a plugin is shared, and what they may do with it. */
export const PluginSharePrincipal = lazy(() =>
  Schema.Struct({
    principalType: PluginSharePrincipalType(),
    principalId: Schema.String,
    role: Schema.Literals(["reader", "editor", "owner"]),
    name: Schema.String
  })
)
export type PluginSharePrincipal = Of<typeof PluginSharePrincipal>

/** How a plugin is shared. Null means that it is not known. */
export const PluginShareContext = lazy(() =>
  Schema.Struct({
    remotePluginId: Schema.String,
    remoteVersion: text(),
    discoverability: nullable(PluginShareDiscoverability()),
    shareUrl: text(),
    creatorAccountUserId: text(),
    creatorName: text(),
    sharePrincipals: nullable(Schema.Array(PluginSharePrincipal())),
    canPublishToWorkspace: nullable(Schema.Boolean)
  })
)
export type PluginShareContext = Of<typeof PluginShareContext>

/** Texts and images for the user. Images of an installed plugin are paths, those of a catalogue are addresses. */
export const PluginInterface = lazy(() =>
  Schema.Struct({
    displayName: text(),
    shortDescription: text(),
    longDescription: text(),
    developerName: text(),
    category: text(),
    capabilities: Schema.Array(Schema.String),
    websiteUrl: text(),
    privacyPolicyUrl: text(),
    termsOfServiceUrl: text(),
    defaultPrompt: nullable(Schema.Array(Schema.String)),
    brandColor: text(),
    composerIcon: text(),
    composerIconUrl: text(),
    logo: text(),
    logoDark: text(),
    logoUrl: text(),
    logoUrlDark: text(),
    screenshots: Schema.Array(Schema.String),
    screenshotUrls: Schema.Array(Schema.String)
  })
)
export type PluginInterface = Of<typeof PluginInterface>

/** A plugin in a list. `version` is the marketplace's, `localVersion` that of the files on this machine. */
export const PluginSummary = lazy(() =>
  Schema.Struct({
    id: Schema.String,
    remotePluginId: text(),
    version: text(),
    localVersion: text(),
    name: Schema.String,
    shareContext: nullable(PluginShareContext()),
    source: PluginSource(),
    installed: Schema.Boolean,
    installedAt: nullable(I64),
    enabled: Schema.Boolean,
    installPolicy: Schema.Literals(["NOT_AVAILABLE", "AVAILABLE", "INSTALLED_BY_DEFAULT"]),
    installPolicySource: nullable(Schema.Literals(["WORKSPACE_SETTING", "IMPLICIT_CANONICAL_APP"])),
    mustShowInstallationInterstitial: nullable(Schema.Boolean),
    authPolicy: PluginAuthPolicy(),
    availability: Schema.Literals(["AVAILABLE", "DISABLED_BY_ADMIN"]),
    disabledReason: nullable(
      Schema.Literals(["disabled_by_admin", "plan_not_eligible", "required_app_unavailable", "unknown"])
    ),
    eligiblePlanTypes: nullable(Schema.Array(Schema.String)),
    interface: nullable(PluginInterface()),
    keywords: Schema.Array(Schema.String)
  })
)
export type PluginSummary = Of<typeof PluginSummary>
