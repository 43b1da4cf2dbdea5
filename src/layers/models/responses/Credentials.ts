/**
 * The credentials for a model server: the key, and headers with values from the environment.
 *
 * Owns which credential is sent to which provider, and the error when it is missing. Does not own the storage of the
 * account's key (Auth).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Auth } from "../../../services/account/Auth.ts"
import type { Config, ModelProviderInfo } from "../../../services/config/Config.ts"
import { failure, type Failure } from "../attempts/Failure.ts"
import * as Body from "./Body.ts"

/** Credentials for the headers of a request. */
export interface Credentials {
  readonly key: Option.Option<Redacted.Redacted>
  /** The origin of the key, for error details; null without a key. */
  readonly origin: string | null
  /** Header name and value. */
  readonly headers: ReadonlyArray<readonly [string, string]>
}

const whatNext = (config: Config["Service"], first: string): string =>
  `${first}, or name another model_provider in ${config.userFile} or with -c model_provider=ID.\n` +
  'To try Spindle without a model server, choose the offline model: --offline, or model_provider = "offline".'

/** The provider's own variable is not set. The text is the release's. */
const missingVariable = (config: Config["Service"], provider: ModelProviderInfo, variable: string): Failure => {
  const { envKeyInstructions: instructions, id } = provider
  const message = `Missing environment variable: \`${variable}\`.`
  return failure(instructions === undefined ? message : `${message} ${instructions}`, "other", {
    details:
      `The model provider \`${id}\` takes its key from the environment variable ${variable}, which is not set.` +
      `${instructions === undefined ? "" : ` ${instructions}`}\n${whatNext(config, `Set ${variable}`)}`
  })
}

/** OpenAI's own server refuses a request without a key. The text is its response, as reported by the release. */
const missingAccount = Effect.fnUntraced(function* (
  auth: Auth["Service"],
  config: Config["Service"],
  provider: ModelProviderInfo
) {
  const { lookup } = auth
  const unusable = yield* auth.unusable ?? Effect.succeed(null)
  const looked =
    lookup === undefined
      ? "the program that runs the server has none"
      : `${lookup.variables.join(" and ")} ${lookup.variables.length === 1 ? "is" : "are"} not set, and ` +
        `${lookup.file} ${unusable?.problem ?? "holds none"}`
  const first = lookup === undefined ? "Give it one" : `Set ${lookup.variables.at(-1) ?? "a variable"}`
  return failure(
    `unexpected status 401 Unauthorized: Missing bearer or basic authentication in header, url: ${Body.plainUrlOf(provider)}`,
    { httpConnectionFailed: { httpStatusCode: 401 } },
    {
      details: `There is no API key for the model provider \`${provider.id}\`: ${looked}.\n${whatNext(config, first)}`
    }
  )
})

/** No HTTP client sends a header with these, so the credential would be missing without a word. */
const hasControl = /\p{Cc}/u

/** A credential has a control character. The usual cause is a copied line break, or two keys in one value. */
const unsendable = (config: Config["Service"], provider: ModelProviderInfo, what: string): Failure =>
  failure(`${what} cannot be sent: it contains a line break or another control character`, "other", {
    details:
      `The model provider \`${provider.id}\` cannot be asked: ${what} contains a line break or another control character.\n` +
      whatNext(config, "Set it again, on one line")
  })

const isOpenaiServer = (provider: ModelProviderInfo): boolean => {
  const url = Body.urlOf(provider)
  if (!URL.canParse(url)) return false
  const { hostname } = new URL(url)
  return hostname === "api.openai.com" || hostname.endsWith(".api.openai.com")
}

/** The provider's own variable or token, else the account's key if the provider accepts it. */
const keyOf = (
  auth: Auth["Service"],
  config: Config["Service"],
  provider: ModelProviderInfo
): Effect.Effect<Option.Option<Redacted.Redacted>, Failure> => {
  const { bearerToken, envKey, requiresOpenaiAuth } = provider
  const account = requiresOpenaiAuth ? auth.apiKey : Effect.succeedNone
  if (envKey === null) return bearerToken === undefined ? account : Effect.succeedSome(bearerToken)
  return Effect.flatMap(auth.environmentKey(envKey), (key) => {
    if (Option.isSome(key)) return Effect.succeed(key)
    return requiresOpenaiAuth ? account : Effect.fail(missingVariable(config, provider, envKey))
  })
}

/** The origin of a provider's key. The order is that of `keyOf`. */
const originOf = Effect.fnUntraced(function* (auth: Auth["Service"], provider: ModelProviderInfo) {
  const { bearerToken, envKey, id } = provider
  const variables = [...(envKey === null ? [] : [envKey]), ...(auth.lookup?.variables ?? [])]
  if (envKey === null && bearerToken !== undefined) return `experimental_bearer_token of [model_providers.${id}]`
  for (const variable of variables) {
    if (Option.isSome(yield* auth.environmentKey(variable))) return `the environment variable ${variable}`
  }
  return auth.lookup?.file ?? "the program that runs the server"
})

/** The provider's headers with values from the environment; unset ones are omitted. */
const environmentHeaders = (auth: Auth["Service"], provider: ModelProviderInfo) =>
  Effect.map(
    Effect.forEach(Object.entries(provider.envHeaders), ([name, variable]) =>
      Effect.map(auth.environmentKey(variable), (value) =>
        Option.isSome(value) ? [[name, Redacted.value(value.value)] as const] : []
      )
    ),
    (headers) => headers.flat()
  )

/**
 * The current credentials for a provider. Fails when they are missing and the provider would refuse the request; then
 * nothing is sent. Other providers may accept requests without a key.
 */
export const of = Effect.fnUntraced(function* (
  auth: Auth["Service"],
  config: Config["Service"],
  provider: ModelProviderInfo
): Effect.fn.Return<Credentials, Failure> {
  const key = yield* keyOf(auth, config, provider)
  const headers = yield* environmentHeaders(auth, provider)
  const isAuthorized =
    Option.isSome(key) ||
    [...Object.keys(provider.headers), ...headers.map(([name]) => name)].some(
      (name) => name.toLowerCase() === "authorization"
    )
  if (!isAuthorized && isOpenaiServer(provider))
    return yield* Effect.fail(yield* missingAccount(auth, config, provider))
  const origin = Option.isSome(key) ? yield* originOf(auth, provider) : null
  if (Option.isSome(key) && hasControl.test(Redacted.value(key.value))) {
    return yield* Effect.fail(unsendable(config, provider, `the key from ${origin}`))
  }
  const broken = headers.find(([, value]) => hasControl.test(value))
  if (broken !== undefined) {
    const variable = provider.envHeaders[broken[0]] ?? ""
    return yield* Effect.fail(unsendable(config, provider, `the environment variable ${variable}`))
  }
  return { key, origin, headers }
})
