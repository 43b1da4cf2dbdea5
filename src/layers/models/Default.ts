/**
 * The default model: a Responses server, or the offline model for a thread that selects it.
 *
 * Owns the choice, which depends only on the thread's provider: the offline model never replaces an unreachable server.
 * Nothing is loaded, read or connected before the first model request, so that a server starts without the cost of its HTTP
 * client.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { Auth } from "../../services/account/Auth.ts"
import { type Config, offlineProvider } from "../../services/config/Config.ts"
import type { SmallFiles } from "../../services/config/SmallFiles.ts"
import { ModelProvider } from "../../services/model/ModelProvider.ts"
import * as Offline from "./Offline.ts"
import { answersAs } from "./offline/Name.ts"

const make = Effect.gen(function* () {
  const scope = yield* Effect.scope
  const services = yield* Effect.context<Config | Auth | SmallFiles>()

  const responses = yield* Effect.promise(() => import("./ResponsesNode.ts")).pipe(
    Effect.flatMap((module) => Layer.buildWithScope(module.layer, scope)),
    Effect.provideContext(services),
    Effect.map((built) => Context.get(built, ModelProvider)),
    Effect.uninterruptible,
    Effect.cached
  )
  const offline = Effect.succeed(Context.get(yield* Layer.build(Offline.layer), ModelProvider))
  const modelOf = (provider: string) => (provider === offlineProvider ? offline : responses)

  return ModelProvider.of({
    stream: (request) => Stream.unwrap(Effect.map(modelOf(request.provider), (model) => model.stream(request))),
    prepare: (provider) => Effect.asVoid(modelOf(provider)),
    ready: (provider, info) =>
      Effect.flatMap(modelOf(provider), (model) => model.ready?.(provider, info) ?? Effect.void),
    answersAs: (provider) => (provider === offlineProvider ? answersAs() : undefined)
  })
})

export const layer: Layer.Layer<ModelProvider, never, Config | Auth | SmallFiles> = Layer.effect(ModelProvider, make)
