/**
 * Whether the configured provider needs an account.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { Config } from "../../services/config/Config.ts"
import { ModelProvider } from "../../services/model/ModelProvider.ts"

/**
 * It is determined for each request: of the configured provider, or of the default one when the configuration is invalid. A model
 * that replaces every provider needs no account.
 */
export const makeRequirement: Effect.Effect<Effect.Effect<boolean>, never, Config | ModelProvider> = Effect.gen(
  function* () {
    const config = yield* Config
    const model = yield* ModelProvider
    return config.effective({ cwd: null, overrides: {} }).pipe(
      Effect.map(
        ({ modelProvider, providers }) =>
          model.answersAs?.(modelProvider) === undefined && (providers[modelProvider]?.requiresOpenaiAuth ?? true)
      ),
      Effect.orElseSucceed(() => true)
    )
  }
)
