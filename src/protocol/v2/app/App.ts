/**
 * Apps of OpenAI's directory that a user has connected or can connect.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

const text = () => nullable(Schema.String)
const texts = () => nullable(Schema.Record(Schema.String, Schema.String))

/** Branding and publisher of an app. */
export const AppBranding = lazy(() =>
  Schema.Struct({
    category: text(),
    developer: text(),
    website: text(),
    privacyPolicy: text(),
    termsOfService: text(),
    isDiscoverableApp: Schema.Boolean
  })
)
export type AppBranding = Of<typeof AppBranding>

/** A screenshot of the app, and the prompt that led to it. */
export const AppScreenshot = lazy(() => Schema.Struct({ url: text(), fileId: text(), userPrompt: Schema.String }))
export type AppScreenshot = Of<typeof AppScreenshot>

/** The directory's metadata of an app. */
export const AppMetadata = lazy(() =>
  Schema.Struct({
    review: nullable(Schema.Struct({ status: Schema.String })),
    categories: nullable(Schema.Array(Schema.String)),
    subCategories: nullable(Schema.Array(Schema.String)),
    seoDescription: text(),
    screenshots: nullable(Schema.Array(AppScreenshot())),
    developer: text(),
    version: text(),
    versionId: text(),
    versionNotes: text(),
    firstPartyRequiresInstall: nullable(Schema.Boolean),
    showInComposerWhenUnlinked: nullable(Schema.Boolean)
  })
)
export type AppMetadata = Of<typeof AppMetadata>

/** An app as shown in a list. */
export const AppInfo = lazy(() =>
  Schema.Struct({
    id: Schema.String,
    name: Schema.String,
    description: text(),
    logoUrl: text(),
    logoUrlDark: text(),
    iconAssets: texts(),
    iconDarkAssets: texts(),
    distributionChannel: text(),
    branding: nullable(AppBranding()),
    appMetadata: nullable(AppMetadata()),
    labels: texts(),
    installUrl: text(),
    isAccessible: Schema.Boolean,
    isEnabled: Schema.Boolean,
    pluginDisplayNames: Schema.Array(Schema.String)
  })
)
export type AppInfo = Of<typeof AppInfo>
