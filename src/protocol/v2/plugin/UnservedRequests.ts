/**
 * Requests about plugins and marketplaces that this server does not serve.
 *
 * @module
 */
import { EmptyResult } from "../../Fields.ts"
import * as Method from "../../Method.ts"
import * as Catalog from "./Catalog.ts"
import * as Marketplace from "./Marketplace.ts"
import * as Share from "./Share.ts"

/** By method name. */
export const unservedPluginRequests = {
  "marketplace/add": Method.clientRequest({
    params: Marketplace.MarketplaceAddParams,
    result: Marketplace.MarketplaceAddResponse
  }),
  "marketplace/remove": Method.clientRequest({
    params: Marketplace.MarketplaceRemoveParams,
    result: Marketplace.MarketplaceRemoveResponse
  }),
  "marketplace/upgrade": Method.clientRequest({
    params: Marketplace.MarketplaceUpgradeParams,
    result: Marketplace.MarketplaceUpgradeResponse
  }),
  "plugin/search": Method.clientRequest({ params: Catalog.PluginSearchParams, result: Catalog.PluginSearchResponse }),
  "plugin/read": Method.clientRequest({ params: Catalog.PluginReadParams, result: Catalog.PluginReadResponse }),
  "plugin/skill/read": Method.clientRequest({
    params: Catalog.PluginSkillReadParams,
    result: Catalog.PluginSkillReadResponse
  }),
  "plugin/install": Method.clientRequest({
    params: Catalog.PluginInstallParams,
    result: Catalog.PluginInstallResponse
  }),
  "plugin/uninstall": Method.clientRequest({ params: Catalog.PluginUninstallParams, result: EmptyResult }),
  "plugin/share/save": Method.clientRequest({
    params: Share.PluginShareSaveParams,
    result: Share.PluginShareSaveResponse
  }),
  "plugin/share/updateTargets": Method.clientRequest({
    params: Share.PluginShareUpdateTargetsParams,
    result: Share.PluginShareUpdateTargetsResponse
  }),
  "plugin/share/list": Method.clientRequest({
    params: Share.PluginShareListParams,
    result: Share.PluginShareListResponse
  }),
  "plugin/share/checkout": Method.clientRequest({
    params: Share.PluginShareCheckoutParams,
    result: Share.PluginShareCheckoutResponse
  }),
  "plugin/share/delete": Method.clientRequest({ params: Share.PluginShareDeleteParams, result: EmptyResult })
} as const
