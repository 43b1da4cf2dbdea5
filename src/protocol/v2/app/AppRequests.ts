/**
 * Reading the apps: the directory, what is installed, and the metadata of some of them.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, named, nullable, optional, page, pageOf } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { AppInfo } from "./App.ts"

/** `threadId`: as the thread's configuration enables them. `forceRefetch` bypasses the cache. */
export const AppsListParams = lazy(() =>
  named("AppsListParams", {
    ...page,
    threadId: optional(Schema.String),
    forceRefetch: absent(Schema.Boolean)
  })
)
export type AppsListParams = Of<typeof AppsListParams>

export const AppsListResponse = lazy(() => pageOf(AppInfo()))
export type AppsListResponse = Of<typeof AppsListResponse>

/** At most 100 ids; each counts once. */
export const AppsReadParams = lazy(() =>
  named("AppsReadParams", {
    appIds: Schema.Array(Schema.String),
    threadId: optional(Schema.String),
    includeTools: absent(Schema.Boolean)
  })
)
export type AppsReadParams = Of<typeof AppsReadParams>

/** A tool of an app, and why it is disabled. */
export const AppToolSummary = lazy(() =>
  Schema.Struct({
    name: Schema.String,
    title: nullable(Schema.String),
    description: Schema.String,
    isEnabled: Schema.Boolean,
    disabledReason: nullable(Schema.String),
    isReadOnly: Schema.Boolean
  })
)
export type AppToolSummary = Of<typeof AppToolSummary>

/** An app. `toolSummaries` is null unless tools were requested. */
export const ConnectorMetadata = lazy(() =>
  Schema.Struct({
    id: Schema.String,
    name: Schema.String,
    description: nullable(Schema.String),
    iconUrl: nullable(Schema.String),
    iconUrlDark: nullable(Schema.String),
    distributionChannel: nullable(Schema.String),
    installUrl: nullable(Schema.String),
    pluginDisplayNames: Schema.Array(Schema.String),
    toolSummaries: nullable(Schema.Array(AppToolSummary()))
  })
)
export type ConnectorMetadata = Of<typeof ConnectorMetadata>

export const AppsReadResponse = lazy(() =>
  Schema.Struct({
    apps: Schema.Array(ConnectorMetadata()),
    missingAppIds: Schema.Array(Schema.String)
  })
)
export type AppsReadResponse = Of<typeof AppsReadResponse>

/** `threadId`: as the loaded thread's configuration enables them. `forceRefresh` reads the tools of all apps first. */
export const AppsInstalledParams = lazy(() =>
  named("AppsInstalledParams", {
    threadId: optional(Schema.String),
    forceRefresh: absent(Schema.Boolean)
  })
)
export type AppsInstalledParams = Of<typeof AppsInstalledParams>

/** The state of an installed app: enabled by configuration, and with tools that can be called. */
export const InstalledApp = lazy(() =>
  Schema.Struct({
    id: Schema.String,
    runtimeName: nullable(Schema.String),
    enabled: Schema.Boolean,
    callable: Schema.Boolean
  })
)
export type InstalledApp = Of<typeof InstalledApp>

export const AppsInstalledResponse = lazy(() => Schema.Struct({ apps: Schema.Array(InstalledApp()) }))
export type AppsInstalledResponse = Of<typeof AppsInstalledResponse>
