/**
 * The model of a server that was not told of another: a Responses server where there is one to ask, else the offline model.
 *
 * Owns the choice, and that nothing is loaded, read or connected before a model is first asked: a server starts without
 * paying for its HTTP client. The choice is made anew as long as it is the offline model, so that logging in is enough.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { Auth } from "../../services/Auth.ts"
import { Config } from "../../services/Config.ts"
import { ModelChoice } from "../../services/ModelChoice.ts"
import { ModelProvider } from "../../services/ModelProvider.ts"
import * as Offline from "./Offline.ts"

const noticeOf = (home: string): string =>
  `No model is configured, so the offline model answers. To talk to a real one, set OPENAI_API_KEY, or name a model_provider in ${home}/config.toml.`

const make = Effect.gen(function* () {
  const config = yield* Config
  const auth = yield* Auth
  const scope = yield* Effect.scope
  const services = yield* Effect.context<Config | Auth>()

  const responses = yield* Effect.promise(() => import("./ResponsesNode.ts")).pipe(
    Effect.flatMap((module) => Layer.buildWithScope(module.layer, scope)),
    Effect.provideContext(services),
    Effect.map((built) => Context.get(built, ModelProvider)),
    Effect.uninterruptible,
    Effect.cached
  )
  const offline = Context.get(yield* Layer.build(Offline.layer), ModelProvider)

  /** The provider that nobody chose; none where one was chosen, or where the configuration has to say what is wrong. */
  const unchosen = yield* config.effective({ cwd: null, overrides: {} }).pipe(
    Effect.map(({ modelProvider, providerConfigured }) => (providerConfigured ? null : modelProvider)),
    Effect.orElseSucceed(() => null),
    Effect.cached
  )

  const isOffline = (provider?: string) =>
    Effect.flatMap(unchosen, (id) =>
      id === null || (provider !== undefined && provider !== id)
        ? Effect.succeed(false)
        : Effect.map(auth.apiKey, Option.isNone)
    )

  return Context.make(ModelProvider, {
    stream: (request) =>
      Stream.unwrap(
        Effect.flatMap(isOffline(request.provider), (none) =>
          Effect.map(none ? Effect.succeed(offline) : responses, (model) => model.stream(request))
        )
      ),
    prepare: (provider) =>
      Effect.flatMap(isOffline(provider), (none) => (none ? Effect.void : Effect.asVoid(responses)))
  }).pipe(
    Context.add(ModelChoice, {
      notice: Effect.map(isOffline(), (none) => (none ? Option.some(noticeOf(config.home)) : Option.none()))
    })
  )
})

export const layer: Layer.Layer<ModelProvider | ModelChoice, never, Config | Auth> = Layer.effectContext(make)
