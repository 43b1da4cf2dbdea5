/**
 * The credentials for model servers.
 *
 * Owns the source of an API key (environment or `auth.json`) and the account that clients see. Does not own the
 * requests to log in and out, nor the authentication of transports. A key is `Redacted` from here on and never in an error or a log.
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
import type { FileReplacement, FileReplacementError } from "../config/FileReplacement.ts"
import type { SmallFiles } from "../config/SmallFiles.ts"

/** The port to credentials: keys of model servers, and the account that clients see. */
export class Auth extends Context.Service<
  Auth,
  {
    /** The API key of the default account; none when nobody is logged in. */
    readonly apiKey: Effect.Effect<Option.Option<Redacted.Redacted>>
    /** The value of the environment variable in a provider's `env_key`; none when it is blank. */
    readonly environmentKey: (variable: string) => Effect.Effect<Option.Option<Redacted.Redacted>>
    /** The sources of `apiKey`, in order, to show a user without a key. Absent when the program does not disclose them. */
    readonly lookup?: { readonly variables: ReadonlyArray<string>; readonly file: string }
    /** What `auth.json` has that cannot be used, such as a login that is not supported; null for nothing. Absent: never anything. */
    readonly unusable?: Effect.Effect<Unusable | null>
    /**
     * Stores the key of the default account, or forgets it. Absent when the program provides the credentials itself. A key in
     * the environment takes precedence.
     */
    readonly store?: (
      key: Redacted.Redacted | null,
      files: FileReplacement["Service"]
    ) => Effect.Effect<void, FileReplacementError>
    /** The result of `account/read` for the configured provider. */
    readonly account: (requiresOpenaiAuth: boolean) => Effect.Effect<GetAccountResponse>
  }
>()("spindle/Auth") {}

/** Content of `auth.json` that cannot be used. */
export interface Unusable {
  /** Absolute path of the file. */
  readonly file: string
  /** Completes a sentence that begins with the file: `has a ChatGPT login, which Spindle does not support`. */
  readonly problem: string
}

/** Where credentials are searched. */
export interface AuthOptions {
  /** Absolute path of the home folder, where `auth.json` is. */
  readonly home: string
  /** The environment with the key variables. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Whether `CODEX_API_KEY` is used: true when a program runs the server for itself, false when clients connect to it. */
  readonly allowApiKeyEnv: boolean
}

/** Size limit of `auth.json` in bytes. All kinds of tokens together take about ten thousand. */
const MaxFileBytes = 1024 * 1024

const fromText = (text: string | undefined): Option.Option<Redacted.Redacted> => {
  const key = text?.trim() ?? ""
  return key === "" ? Option.none() : Option.some(Redacted.make(key))
}

/** The content of an `auth.json`. */
interface Stored {
  readonly key: Option.Option<Redacted.Redacted>
  /** See `Unusable`. */
  readonly problem: string | null
}

const nothing: Stored = { key: Option.none(), problem: null }

const unsupported = (what: string): string => `has ${what}, which Spindle does not support`

const isName = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

/** Logins other than an API key. The file has a mode, or only the login's members. A foreign mode is shown only if it is a name. */
const otherLogin = (document: object): string | null => {
  const mode = "auth_mode" in document ? document.auth_mode : undefined
  const tokens = "tokens" in document ? document.tokens : undefined
  const hasTokens = typeof tokens === "object" && tokens !== null && Object.keys(tokens).length > 0
  if (mode === "chatgpt" || mode === "chatgptAuthTokens" || (mode == null && hasTokens)) {
    return unsupported("a ChatGPT login")
  }
  if (mode == null || mode === "apikey") return null
  return unsupported(
    typeof mode === "string" && isName.test(mode) ? `a login of the kind \`${mode}\`` : "another login"
  )
}

/** The key, or why there is none. */
const fromFile = (text: string): Stored => {
  if (text.trim() === "") return nothing
  const parsed = isTooDeep(text)
    ? Option.none()
    : Option.liftThrowable((json: string): unknown => JSON.parse(json))(text)
  const document = Option.getOrUndefined(parsed)
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    return { key: Option.none(), problem: "is not a JSON object" }
  }
  const stored = "OPENAI_API_KEY" in document ? document.OPENAI_API_KEY : undefined
  return { key: typeof stored === "string" ? fromText(stored) : Option.none(), problem: otherLogin(document) }
}

const accountOf = (key: Option.Option<Redacted.Redacted>, requiresOpenaiAuth: boolean): GetAccountResponse => ({
  // Other providers cannot use the account. As in the release, it is not reported then.
  account: requiresOpenaiAuth && Option.isSome(key) ? { type: "apiKey" } : null,
  userId: null,
  requiresOpenaiAuth,
  workspaceRouting: null
})

/** Reads nothing until a key is requested, then the current file. */
export const make = Effect.fnUntraced(function* (
  options: AuthOptions
): Effect.fn.Return<Auth["Service"], never, Path.Path | SmallFiles> {
  const path = yield* Path.Path
  const file = path.join(options.home, "auth.json")
  const files = yield* FileCache.make(fromFile, { maxBytes: MaxFileBytes, namedBy: "server" })
  const { environment } = options
  const variables = options.allowApiKeyEnv ? ["CODEX_API_KEY", "OPENAI_API_KEY"] : ["OPENAI_API_KEY"]

  const stored = files.read(file).pipe(
    Effect.map((found) => found?.value ?? nothing),
    Effect.catch((error) =>
      Effect.as(Effect.logWarning(`no credential was read: ${error.message}`), {
        key: Option.none<Redacted.Redacted>(),
        problem: `cannot be read: ${error.detail}`
      })
    )
  )
  const apiKey = Effect.suspend(() => {
    const fromEnvironment = Option.firstSomeOf(variables.map((variable) => fromText(environment[variable])))
    return Option.isSome(fromEnvironment) ? Effect.succeed(fromEnvironment) : Effect.map(stored, ({ key }) => key)
  })

  const content = (key: Redacted.Redacted): string =>
    `${JSON.stringify({ auth_mode: "apikey", OPENAI_API_KEY: Redacted.value(key) }, null, 2)}\n`

  return Auth.of({
    apiKey,
    store: (key, files) => (key === null ? files.remove(file) : files.replace(file, content(key))),
    lookup: { variables, file },
    unusable: Effect.map(stored, ({ problem }) => (problem === null ? null : { file, problem })),
    environmentKey: (variable) => Effect.sync(() => fromText(environment[variable])),
    account: (requiresOpenaiAuth) => Effect.map(apiKey, (key) => accountOf(key, requiresOpenaiAuth))
  })
})

/** Credentials from the environment and from `auth.json` in the home folder. */
export const layer = (options: AuthOptions): Layer.Layer<Auth, never, Path.Path | SmallFiles> =>
  Layer.effect(Auth, make(options))

/** Credentials without files. */
export const layerTest = (options?: {
  /** The key of the default account. Default: none; no account is logged in. */
  readonly apiKey?: string
  /** The environment for `environmentKey`. Default: empty. */
  readonly environment?: Readonly<Record<string, string>>
}): Layer.Layer<Auth> => {
  const key = fromText(options?.apiKey)
  return Layer.succeed(Auth, {
    apiKey: Effect.succeed(key),
    environmentKey: (variable) => Effect.sync(() => fromText(options?.environment?.[variable])),
    account: (requiresOpenaiAuth) => Effect.succeed(accountOf(key, requiresOpenaiAuth))
  })
}
