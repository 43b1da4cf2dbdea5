/**
 * The models and the collaboration modes that clients can choose from.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { Config } from "../../services/config/Config.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import { ModelCatalog } from "../../services/model/ModelCatalog.ts"
import { ModelProvider } from "../../services/model/ModelProvider.ts"
import { invalidRequest } from "../../services/routing/RequestError.ts"

/** Maximum number of characters of an unknown provider's name in the error. */
const MaxName = 128

/**
 * Every model provider gets the same catalogue, because a server of the API itself refuses unknown models. A provider with a
 * single model lists only that one.
 */
export const make: Effect.Effect<
  HandlersFor<"model/list" | "collaborationMode/list">,
  never,
  Config | ModelCatalog | ModelProvider
> = Effect.gen(function* () {
  const config = yield* Config
  const catalog = yield* ModelCatalog

  const model = yield* ModelProvider
  const configured = config.effective({ cwd: null, overrides: {} })

  const list: Handler<"model/list"> = Effect.fnUntraced(function* (params) {
    const provider = params.modelProvider ?? null
    const answering =
      provider ??
      (yield* configured.pipe(
        Effect.map(({ modelProvider }) => modelProvider),
        Effect.orElseSucceed(() => "")
      ))
    const name = model.answersAs?.(answering)
    if (provider !== null && provider !== name?.provider) {
      const { providers } = yield* configured
      if (!Object.hasOwn(providers, provider)) {
        const modelProvider = provider.slice(0, MaxName)
        return yield* invalidRequest(
          `This chat uses model provider “${modelProvider}”, which is no longer configured. Restore this provider’s configuration to continue.`,
          { type: "modelProviderNotConfigured", modelProvider }
        )
      }
    }
    return yield* Effect.mapError(catalog.list(params, name?.model), (error) => invalidRequest(error.message))
  })

  const modes: Handler<"collaborationMode/list"> = () =>
    Effect.succeed({
      data: [
        { name: "Plan", mode: "plan", model: null, reasoning_effort: "medium" },
        { name: "Default", mode: "default", model: null, reasoning_effort: null }
      ]
    })

  return { "model/list": list, "collaborationMode/list": modes }
})
