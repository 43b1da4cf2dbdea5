/**
 * The marketplaces that plugins come from.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { named, nullable, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** `source` is a folder or a repository; with `sparsePaths`, only these folders of it are fetched. */
export const MarketplaceAddParams = lazy(() =>
  named("MarketplaceAddParams", {
    source: Schema.String,
    refName: optional(Schema.String),
    sparsePaths: optional(Schema.Array(Schema.String))
  })
)
export type MarketplaceAddParams = Of<typeof MarketplaceAddParams>

export const MarketplaceAddResponse = lazy(() =>
  Schema.Struct({
    marketplaceName: Schema.String,
    installedRoot: Schema.String,
    alreadyAdded: Schema.Boolean
  })
)
export type MarketplaceAddResponse = Of<typeof MarketplaceAddResponse>

export const MarketplaceRemoveParams = lazy(() => named("MarketplaceRemoveParams", { marketplaceName: Schema.String }))
export type MarketplaceRemoveParams = Of<typeof MarketplaceRemoveParams>

/** `installedRoot` is the folder that was removed, if there was one. */
export const MarketplaceRemoveResponse = lazy(() =>
  Schema.Struct({
    marketplaceName: Schema.String,
    installedRoot: nullable(Schema.String)
  })
)
export type MarketplaceRemoveResponse = Of<typeof MarketplaceRemoveResponse>

/** Without a name, all marketplaces. */
export const MarketplaceUpgradeParams = lazy(() =>
  named("MarketplaceUpgradeParams", { marketplaceName: optional(Schema.String) })
)
export type MarketplaceUpgradeParams = Of<typeof MarketplaceUpgradeParams>

/** The marketplaces that were considered, the folders that changed, and what failed. */
export const MarketplaceUpgradeResponse = lazy(() =>
  Schema.Struct({
    selectedMarketplaces: Schema.Array(Schema.String),
    upgradedRoots: Schema.Array(Schema.String),
    errors: Schema.Array(Schema.Struct({ marketplaceName: Schema.String, message: Schema.String }))
  })
)
export type MarketplaceUpgradeResponse = Of<typeof MarketplaceUpgradeResponse>
