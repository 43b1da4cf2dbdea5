/**
 * The OpenAI Responses API over HTTP with server-sent events; works with any server of that API.
 *
 * Owns the way of an answer: which server and key, the attempts, what becomes of a half answer. Which HTTP client does the
 * work is the composition's choice. The parts are beside it: how a request is spelled (`Body`) and sent (`Send`), how
 * the stream is pulled (`Read`) and understood (`Events`), what failures are called (`Failure`, `Refusal`). Attempts are
 * counted in `attempts/`.
 *
 * ```
 *   stream ──► send ──► read ──► Completed
 *               ▲         │
 *               │         ▼ failure
 *               └── Retrying, wait
 * ```
 *
 * @module
 */
import * as Cache from "effect/Cache"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import type { ResponseItem } from "../../protocol/ResponseItem.ts"
import { Auth } from "../../services/Auth.ts"
import { Config, type ModelProviderInfo } from "../../services/Config.ts"
import { type ModelEvent, ModelProvider, type ModelRequest } from "../../services/ModelProvider.ts"
import { attempts } from "./attempts/Attempts.ts"
import type { Failure as FailureType } from "./attempts/Failure.ts"
import * as Body from "./responses/Body.ts"
import * as Events from "./responses/Events.ts"
import * as Failure from "./responses/Failure.ts"
import { read } from "./responses/Read.ts"
import { send } from "./responses/Send.ts"

/** Threads whose providers are remembered; the configuration counts from when a thread first asks. */
const MaxThreads = 1024

/** A server that requests can be sent to, if it is one. */
const checked = (
  id: string,
  provider: ModelProviderInfo | undefined
): Effect.Effect<ModelProviderInfo, FailureType> => {
  if (provider === undefined) return Effect.fail(Failure.unsendable(`Model provider \`${id}\` not found`))
  const protocol = URL.canParse(Body.urlOf(provider)) ? new URL(Body.urlOf(provider)).protocol : ""
  return protocol === "http:" || protocol === "https:"
    ? Effect.succeed(provider)
    : Effect.fail(Failure.unsendable(`base_url of model provider \`${id}\` is not an http or https URL`))
}

/** The key for a provider: its own variable or token, else the account's where the provider takes that. */
const keyOf = (
  auth: Auth["Service"],
  provider: ModelProviderInfo
): Effect.Effect<Option.Option<Redacted.Redacted>, FailureType> => {
  const { bearerToken, envKey, envKeyInstructions, requiresOpenaiAuth } = provider
  const account = requiresOpenaiAuth ? auth.apiKey : Effect.succeedNone
  if (envKey === null) return bearerToken === undefined ? account : Effect.succeedSome(bearerToken)
  return Effect.flatMap(auth.environmentKey(envKey), (key) => {
    if (Option.isSome(key)) return Effect.succeed(key)
    if (requiresOpenaiAuth) return account
    const missing = `Missing environment variable: \`${envKey}\`.`
    return Effect.fail(
      Failure.unsendable(envKeyInstructions === undefined ? missing : `${missing} ${envKeyInstructions}`)
    )
  })
}

/** The headers whose values the provider takes from the environment; those without one are left out. */
const environmentHeaders = (auth: Auth["Service"], provider: ModelProviderInfo) =>
  Effect.map(
    Effect.forEach(Object.entries(provider.envHeaders), ([name, variable]) =>
      Effect.map(auth.environmentKey(variable), (value) =>
        Option.isSome(value) ? [[name, Redacted.value(value.value)] as const] : []
      )
    ),
    (headers) => headers.flat()
  )

export const make: Effect.Effect<ModelProvider["Service"], never, HttpClient.HttpClient | Config | Auth> = Effect.gen(
  function* () {
    const client = yield* HttpClient.HttpClient
    const config = yield* Config
    const auth = yield* Auth

    const providers = yield* Cache.make({
      capacity: MaxThreads,
      lookup: (_threadId: string) =>
        config.effective({ cwd: null, overrides: {} }).pipe(
          Effect.map(({ providers }) => providers),
          Effect.mapError((error) => Failure.unsendable(error.message))
        )
    })

    const providerOf = (request: ModelRequest) =>
      request.providerInfo !== undefined ? checked(request.provider, request.providerInfo) : configured(request)

    const configured = (request: ModelRequest) =>
      Cache.get(providers, request.threadId).pipe(
        Effect.tapError(() => Cache.invalidate(providers, request.threadId)),
        Effect.flatMap((all) =>
          checked(request.provider, Object.hasOwn(all, request.provider) ? all[request.provider] : undefined)
        )
      )

    /** One attempt at an answer; `input` is the conversation it goes on from. */
    const answer = (
      request: ModelRequest,
      provider: ModelProviderInfo,
      input: ReadonlyArray<ResponseItem>,
      done: Array<ResponseItem>
    ): Stream.Stream<ModelEvent, FailureType> =>
      Stream.unwrap(
        Effect.gen(function* () {
          const key = yield* keyOf(auth, provider)
          const environment = yield* environmentHeaders(auth, provider)
          const secret = Option.isSome(key) ? Redacted.value(key.value) : null
          const headers = Body.headersOf(request, provider, environment, secret)
          const body = yield* Effect.try({ try: () => Body.bodyOf(request, input), catch: Failure.unwritable })
          const hide = Failure.hiding([secret, ...environment.map(([, value]) => value)])
          const response = yield* Effect.mapError(send(client, provider, headers, body), hide)
          const reader = new Events.Reader((index) => `msg_${request.turnId}_${input.length + index}`, done)
          return Stream.mapError(read(response, reader, provider.streamIdleTimeoutMs), hide)
        })
      )

    return ModelProvider.of({
      stream: (request) =>
        Stream.unwrap(
          providerOf(request).pipe(
            Effect.map((provider) =>
              attempts(request.input, provider.streamMaxRetries, (input, done) =>
                answer(request, provider, input, done)
              )
            ),
            Effect.mapError((failure) => failure.error)
          )
        )
    })
  }
)

/** Needs an HTTP client that keeps connections alive, or every request pays for a new one. */
export const layer: Layer.Layer<ModelProvider, never, HttpClient.HttpClient | Config | Auth> = Layer.effect(
  ModelProvider,
  make
)
