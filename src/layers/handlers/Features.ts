/**
 * Handlers of the lists that clients build their settings from: features, permission profiles, and providers of models.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ModelProviderSummary } from "../../protocol/v2/model/Provider.ts"
import { Config, type EffectiveConfig, type ModelProviderInfo, offlineProvider } from "../../services/config/Config.ts"
import { featureStates } from "../../services/config/FeatureList.ts"
import { builtInProfiles } from "../../services/config/SandboxChoice.ts"
import { isTable } from "../../services/config/Table.ts"
import type { HandlersFor } from "../../services/connection/Handlers.ts"
import { invalidRequest, type RequestError } from "../../services/routing/RequestError.ts"

type FeatureMethod =
  | "experimentalFeature/list"
  | "experimentalFeature/enablement/set"
  | "permissionProfile/list"
  | "modelProvider/list"
  | "modelProvider/capabilities/read"

/** A page of a list. The cursor is the number of entries before the page. */
const pageOf = <A>(
  entries: ReadonlyArray<A>,
  { cursor, limit }: { readonly cursor?: string | null | undefined; readonly limit?: number | null | undefined }
): Effect.Effect<{ readonly data: ReadonlyArray<A>; readonly nextCursor: string | null }, RequestError> => {
  const start = cursor ?? "0"
  if (!/^\d{1,9}$/.test(start)) return Effect.fail(invalidRequest(`invalid cursor: ${start.slice(0, 128)}`))
  const end = Number(start) + Math.max(1, limit ?? entries.length)
  return Effect.succeed({
    data: entries.slice(Number(start), end),
    nextCursor: end < entries.length ? String(end) : null
  })
}

/** The built-in profiles and those of the configuration, of which this server supports only the former. */
const profilesOf = ({ bounds, settings }: EffectiveConfig) => {
  const isAllowed = (id: string) => bounds.profiles === undefined || bounds.profiles.values.includes(id)
  const own = isTable(settings["permissions"]) ? Object.entries(settings["permissions"]) : []
  return [
    ...builtInProfiles.map((id) => ({ id, description: null, allowed: isAllowed(id) })),
    ...own.map(([id, profile]) => {
      const description = isTable(profile) ? profile["description"] : undefined
      return { id, description: typeof description === "string" ? description : null, allowed: false }
    })
  ]
}

/** Providers without a setting of the user. */
const hidden: ReadonlySet<string> = new Set(["ollama", "lmstudio", offlineProvider])

const summaryOf = (provider: ModelProviderInfo): ModelProviderSummary => {
  const { bearerToken, envHeaders, envKey, id, name } = provider
  if (id === "openai") return { id, name, canEdit: false, baseUrl: null, settings: { type: "openai" } }
  const isExternal = bearerToken !== undefined || Object.keys(envHeaders).length > 0
  const auth = isExternal
    ? ({ mode: "externallyConfigured", envKey } as const)
    : envKey === null
      ? ({ mode: "none" } as const)
      : ({ mode: "environmentVariable", envKey } as const)
  return { id, name, canEdit: true, baseUrl: provider.baseUrl, settings: { type: "customGateway", auth } }
}

const byId = (left: { readonly id: string }, right: { readonly id: string }): number => (left.id < right.id ? -1 : 1)

export const make: Effect.Effect<HandlersFor<FeatureMethod>, never, Config> = Effect.map(Config, (config) => {
  const at = (cwd: string | null) => config.effective({ cwd, overrides: {} })
  return {
    "experimentalFeature/list": (params) =>
      Effect.flatMap(at(null), ({ settings }) => pageOf(featureStates(settings), params)),
    // No feature of this server can be turned on or off while it runs.
    "experimentalFeature/enablement/set": () => Effect.succeed({ enablement: {} }),
    "permissionProfile/list": (params) =>
      Effect.flatMap(at(params.cwd ?? null), (effective) => pageOf(profilesOf(effective), params)),
    "modelProvider/list": () =>
      Effect.map(at(null), ({ bounds, modelProvider, providers }) => ({
        data: Object.values(providers)
          .filter(({ id }) => id === modelProvider || !hidden.has(id))
          .map(summaryOf)
          .sort(byId),
        defaultProviderId: modelProvider,
        canChangeDefault: bounds.modelProvider === undefined
      })),
    "modelProvider/capabilities/read": () =>
      Effect.map(at(null), ({ settings }) => ({
        imageGeneration: false,
        webSearch: settings["web_search"] !== "disabled"
      }))
  }
})
