/**
 * The model servers in a configuration: the built-in ones, `model_providers`, and the offline model.
 *
 * @module
 */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { ModelProviderInfo } from "./EffectiveConfig.ts"
import type { Problem } from "./SettingType.ts"
import { empty, get, getNumber, getTable, getText, isTable, type Table } from "./Table.ts"

/** The default provider. */
export const defaultProvider = "openai"

/** The id of the built-in offline model. It is used only when it is selected explicitly. */
export const offlineProvider = "offline"

const openaiBaseUrl = "https://api.openai.com/v1"
const RequestMaxRetries = 4
const StreamMaxRetries = 5
const StreamIdleTimeoutMs = 300_000
/** Upper limit on configured retries; larger numbers are reduced to it. */
const MaxRetries = 100

/** Built-in providers of the release whose servers need protocols or credentials that this server does not support. */
const unsupported: ReadonlySet<string> = new Set(["amazon-bedrock", "gcp"])

const common = {
  envKey: null,
  headers: {},
  envHeaders: {},
  queryParams: {},
  requestMaxRetries: RequestMaxRetries,
  streamMaxRetries: StreamMaxRetries,
  streamIdleTimeoutMs: StreamIdleTimeoutMs,
  requiresOpenaiAuth: false
} as const

const withoutTrailingSlash = (url: string): string => url.replace(/\/+$/, "")

const builtIn = (baseUrl: string): ReadonlyArray<ModelProviderInfo> => [
  {
    ...common,
    id: defaultProvider,
    name: "OpenAI",
    baseUrl,
    envKey: "OPENAI_API_KEY",
    envHeaders: { "OpenAI-Organization": "OPENAI_ORGANIZATION", "OpenAI-Project": "OPENAI_PROJECT" },
    requiresOpenaiAuth: true
  },
  { ...common, id: "ollama", name: "gpt-oss", baseUrl: "http://localhost:11434/v1" },
  { ...common, id: "lmstudio", name: "gpt-oss", baseUrl: "http://localhost:1234/v1" }
]

/** Has no address, so that nothing can be sent to it. */
const offline: ModelProviderInfo = { ...common, id: offlineProvider, name: "Offline", baseUrl: "" }

const reserved: ReadonlyArray<string> = ["lmstudio", offlineProvider, "ollama", "openai"]

const texts = (table: Table | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(table ?? empty).flatMap(([key, value]): Array<[string, string]> =>
      typeof value === "string" ? [[key, value]] : []
    )
  )

const whole = (table: Table, key: string, fallback: number, most = Number.MAX_SAFE_INTEGER): number =>
  Math.min(getNumber(table, key) ?? fallback, most)

const fromTable = (id: string, table: Table): ModelProviderInfo => {
  const instructions = getText(table, "env_key_instructions")
  const token = getText(table, "experimental_bearer_token")
  return {
    id,
    name: getText(table, "name") ?? id,
    baseUrl: withoutTrailingSlash(getText(table, "base_url") ?? openaiBaseUrl),
    envKey: getText(table, "env_key") ?? null,
    ...(instructions === undefined ? {} : { envKeyInstructions: instructions }),
    ...(token === undefined ? {} : { bearerToken: Redacted.make(token) }),
    headers: texts(getTable(table, "http_headers")),
    envHeaders: texts(getTable(table, "env_http_headers")),
    queryParams: texts(getTable(table, "query_params")),
    requestMaxRetries: whole(table, "request_max_retries", RequestMaxRetries, MaxRetries),
    streamMaxRetries: whole(table, "stream_max_retries", StreamMaxRetries, MaxRetries),
    streamIdleTimeoutMs: whole(table, "stream_idle_timeout_ms", StreamIdleTimeoutMs),
    requiresOpenaiAuth: get(table, "requires_openai_auth") === true
  }
}

const key = "model_providers"

/** The error in the `model_providers` of a table whose values have the right types. */
export const checkProviders = (settings: Table): Problem | undefined => {
  const providers = getTable(settings, key)
  if (providers === undefined) return undefined
  const taken = reserved.filter((id) => Object.hasOwn(providers, id))
  if (taken.length > 0) {
    const ids = taken.map((id) => `\`${id}\``).join(", ")
    return {
      path: [key],
      detail: `model_providers contains reserved built-in provider IDs: ${ids}. Built-in providers cannot be overridden. Rename your custom provider (for example, \`openai-custom\`).`
    }
  }
  for (const [id, provider] of Object.entries(providers)) {
    if (isTable(provider) && (getText(provider, "name") ?? "").trim() === "") {
      return { path: [key], detail: `model_providers.${id}: provider name must not be empty` }
    }
  }
  return undefined
}

/** The base URL that the user set for OpenAI's provider; undefined when it is not set. */
const movedBaseUrl = (
  settings: Table,
  environment: Readonly<Record<string, string | undefined>>
): string | undefined => {
  const url = (getText(settings, "openai_base_url") ?? environment["OPENAI_BASE_URL"] ?? "").trim()
  return url === "" ? undefined : url
}

/** Every provider by id. `openai_base_url`, else `OPENAI_BASE_URL`, replaces the address of OpenAI's provider. */
export const providersOf = (
  settings: Table,
  environment: Readonly<Record<string, string | undefined>>
): Readonly<Record<string, ModelProviderInfo>> => {
  const custom = Object.entries(getTable(settings, key) ?? empty).flatMap(([id, table]) =>
    isTable(table) ? [fromTable(id, table)] : []
  )
  const all = [
    ...builtIn(withoutTrailingSlash(movedBaseUrl(settings, environment) ?? openaiBaseUrl)),
    ...custom,
    // Last, so that no configured provider can replace it.
    offline
  ]
  return Object.fromEntries(all.map((provider) => [provider.id, provider]))
}

/** The provider `id` of `providers`, or why it cannot be used. */
export const selectProvider = (
  providers: Readonly<Record<string, ModelProviderInfo>>,
  id: string
): Result.Result<ModelProviderInfo, string> => {
  const provider = Object.hasOwn(providers, id) ? providers[id] : undefined
  if (provider !== undefined) return Result.succeed(provider)
  return Result.fail(
    unsupported.has(id)
      ? `Model provider \`${id}\` is not supported by this server; configure a server of the Responses API under \`model_providers\``
      : `Model provider \`${id}\` not found`
  )
}
