/**
 * Who pays: the credential for model servers.
 *
 * Owns where an API key comes from (environment or `auth.json`) and the account that clients are told of. Does not own
 * logging in and out, nor the transport's own authentication. A key is `Redacted` from here on and is in no error and no log.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import type { GetAccountResponse } from "../../protocol/v2/account/Requests.ts"
import { isTooDeep } from "../../protocol/jsonrpc/JsonText.ts"
import * as FileCache from "../config/FileCache.ts"
import type { SmallFiles } from "../config/SmallFiles.ts"

export class Auth extends Context.Service<
  Auth,
  {
    /** The API key of the default account; none when nobody is logged in. */
    readonly apiKey: Effect.Effect<Option.Option<Redacted.Redacted>>
    /** The value of the environment variable that a provider names in `env_key`; none when it is blank. */
    readonly environmentKey: (variable: string) => Effect.Effect<Option.Option<Redacted.Redacted>>
    /** Where `apiKey` looks, in this order, for the user who has none there. Absent, the program keeps that to itself. */
    readonly lookup?: { readonly variables: ReadonlyArray<string>; readonly file: string }
    /** What `account/read` answers for the configured provider. */
    readonly account: (requiresOpenaiAuth: boolean) => Effect.Effect<GetAccountResponse>
  }
>()("spindle/Auth") {}

export interface AuthOptions {
  /** Absolute path of the home folder, where `auth.json` is. */
  readonly home: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Whether `CODEX_API_KEY` counts. It does where a program runs the server for itself, not where clients connect. */
  readonly allowApiKeyEnv: boolean
}

/** Bytes of `auth.json`. Tokens of every kind together take some ten thousand. */
const MaxFileBytes = 1024 * 1024

const fromText = (text: string | undefined): Option.Option<Redacted.Redacted> => {
  const key = text?.trim() ?? ""
  return key === "" ? Option.none() : Option.some(Redacted.make(key))
}

/** The key in the text of an `auth.json`; none in a text that is damaged or has other credentials only. */
const fromFile = (text: string): Option.Option<Redacted.Redacted> => {
  if (isTooDeep(text)) return Option.none()
  const document = Option.getOrUndefined(Option.liftThrowable((json: string): unknown => JSON.parse(json))(text))
  if (typeof document !== "object" || document === null || !("OPENAI_API_KEY" in document)) return Option.none()
  return typeof document.OPENAI_API_KEY === "string" ? fromText(document.OPENAI_API_KEY) : Option.none()
}

const accountOf = (key: Option.Option<Redacted.Redacted>, requiresOpenaiAuth: boolean): GetAccountResponse => ({
  // The account is of no use to other providers, and the release keeps it to itself then.
  account: requiresOpenaiAuth && Option.isSome(key) ? { type: "apiKey" } : null,
  userId: null,
  requiresOpenaiAuth,
  workspaceRouting: null
})

/** Reads nothing until a key is asked for; then the file as it is at that moment. */
export const make = Effect.fnUntraced(function* (
  options: AuthOptions
): Effect.fn.Return<Auth["Service"], never, Path.Path | SmallFiles> {
  const path = yield* Path.Path
  const file = path.join(options.home, "auth.json")
  const files = yield* FileCache.make(fromFile, { maxBytes: MaxFileBytes, namedBy: "server" })
  const { environment } = options
  const variables = options.allowApiKeyEnv ? ["CODEX_API_KEY", "OPENAI_API_KEY"] : ["OPENAI_API_KEY"]

  const stored = files.read(file).pipe(
    Effect.map((found) => found?.value ?? Option.none()),
    Effect.catch((error) =>
      Effect.as(Effect.logWarning(`no credential is taken from ${error.message}`), Option.none<Redacted.Redacted>())
    )
  )
  const apiKey = Effect.suspend(() => {
    const fromEnvironment = Option.firstSomeOf(variables.map((variable) => fromText(environment[variable])))
    return Option.isSome(fromEnvironment) ? Effect.succeed(fromEnvironment) : stored
  })

  return Auth.of({
    apiKey,
    lookup: { variables, file },
    environmentKey: (variable) => Effect.sync(() => fromText(environment[variable])),
    account: (requiresOpenaiAuth) => Effect.map(apiKey, (key) => accountOf(key, requiresOpenaiAuth))
  })
})

export const layer = (options: AuthOptions): Layer.Layer<Auth, never, Path.Path | SmallFiles> =>
  Layer.effect(Auth, make(options))

/** Credentials without files. */
export const layerTest = (options?: {
  readonly apiKey?: string
  readonly environment?: Readonly<Record<string, string>>
}): Layer.Layer<Auth> => {
  const key = fromText(options?.apiKey)
  return Layer.succeed(Auth, {
    apiKey: Effect.succeed(key),
    environmentKey: (variable) => Effect.sync(() => fromText(options?.environment?.[variable])),
    account: (requiresOpenaiAuth) => Effect.succeed(accountOf(key, requiresOpenaiAuth))
  })
}
