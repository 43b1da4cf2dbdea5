/**
 * The OpenAI Responses API over HTTP with server-sent events; works with any server of that API.
 *
 * Owns the course of an answer: the server, the attempts, and a partial answer. The composition chooses the HTTP client. The other parts are
 * `Credentials` (the key), `Body` (the encoding of a request), `Send` and `Read` (the HTTP exchange), `Events` (the stream's events),
 * `HttpFailure` and `StreamFailure` (errors), and `attempts/` (retries).
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
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import type { ResponseItem } from "../../protocol/v2/item/ResponseItem.ts"
import { Auth } from "../../services/account/Auth.ts"
import { Config, type ModelProviderInfo } from "../../services/config/Config.ts"
import { type ModelEvent, ModelProvider, type ModelRequest } from "../../services/model/ModelProvider.ts"
import * as Advice from "./responses/Advice.ts"
import { NetworkPatience } from "../../services/model/NetworkPatience.ts"
import { attempts } from "./attempts/Attempts.ts"
import type { Failure as FailureType } from "./attempts/Failure.ts"
import * as Body from "./responses/Body.ts"
import * as Credentials from "./responses/Credentials.ts"
import * as Events from "./responses/Events.ts"
import * as Failure from "./responses/StreamFailure.ts"
import { read } from "./responses/Read.ts"
import { send } from "./responses/Send.ts"

/** Maximum number of threads whose provider is cached. A thread keeps the configuration of its first request. */
const MaxThreads = 1024

/** Checks that requests can be sent to a provider. */
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

/** The provider of a request: its own, or the one configured at the thread's first request. */
const lookup = Effect.fnUntraced(function* (config: Config["Service"]) {
  const providers = yield* Cache.make({
    capacity: MaxThreads,
    lookup: (_threadId: string) =>
      config.effective({ cwd: null, overrides: {} }).pipe(
        Effect.map(({ providers }) => providers),
        Effect.mapError((error) => Failure.unsendable(error.message))
      )
  })
  const configured = ({ provider, threadId }: ModelRequest) =>
    Cache.get(providers, threadId).pipe(
      Effect.tapError(() => Cache.invalidate(providers, threadId)),
      Effect.flatMap((all) => checked(provider, Object.hasOwn(all, provider) ? all[provider] : undefined))
    )
  return (request: ModelRequest) =>
    request.providerInfo !== undefined ? checked(request.provider, request.providerInfo) : configured(request)
})

/** One attempt at an answer. `input` is the conversation from which it continues. */
const answering =
  (client: HttpClient.HttpClient, config: Config["Service"], auth: Auth["Service"]) =>
  (
    request: ModelRequest,
    provider: ModelProviderInfo,
    input: ReadonlyArray<ResponseItem>,
    done: Array<ResponseItem>
  ): Stream.Stream<ModelEvent, FailureType> =>
    Stream.unwrap(
      Effect.gen(function* () {
        const credentials = yield* Credentials.of(auth, config, provider)
        const secret = Option.isSome(credentials.key) ? Redacted.value(credentials.key.value) : null
        const headers = Body.headersOf(request, provider, credentials.headers, secret)
        const body = yield* Effect.try({ try: () => Body.bodyOf(request, input), catch: Failure.unwritable })
        const hide = Failure.hiding([secret, ...credentials.headers.map(([, value]) => value)])
        const explain = Advice.explaining({ provider, keyOrigin: credentials.origin, userFile: config.userFile })
        const shown = (failure: FailureType) => hide(explain(failure))
        const response = yield* Effect.mapError(send(client, provider, headers, body), shown)
        const reader = new Events.Reader((index) => `msg_${request.turnId}_${input.length + index}`, done)
        return Stream.mapError(read(response, reader, provider.streamIdleTimeoutMs), shown)
      })
    )

/** The model port over the servers of the Responses API that the configuration names. */
export const make: Effect.Effect<ModelProvider["Service"], never, HttpClient.HttpClient | Config | Auth> = Effect.gen(
  function* () {
    const client = yield* HttpClient.HttpClient
    const config = yield* Config
    const auth = yield* Auth
    const patience = Duration.toSeconds(yield* NetworkPatience)
    const providerOf = yield* lookup(config)
    const answer = answering(client, config, auth)

    return ModelProvider.of({
      ready: (provider, info) =>
        checked(provider, info).pipe(
          Effect.flatMap((found) => Credentials.of(auth, config, found)),
          Effect.mapError((failure) => failure.error),
          Effect.asVoid
        ),
      stream: (request) =>
        Stream.unwrap(
          providerOf(request).pipe(
            Effect.map((provider) =>
              attempts(request.input, { times: provider.streamMaxRetries, patience }, (input, done) =>
                answer(request, provider, input, done)
              )
            ),
            Effect.mapError((failure) => failure.error)
          )
        )
    })
  }
)

/** Requires an HTTP client that keeps connections alive, to avoid a new connection per request. */
export const layer: Layer.Layer<ModelProvider, never, HttpClient.HttpClient | Config | Auth> = Layer.effect(
  ModelProvider,
  make
)
