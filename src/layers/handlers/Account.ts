/**
 * Handlers of accounts.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { Auth } from "../../services/account/Auth.ts"
import { Config } from "../../services/config/Config.ts"
import type { HandlersFor } from "../../services/connection/Handlers.ts"
import { ModelProvider } from "../../services/model/ModelProvider.ts"

export const make: Effect.Effect<HandlersFor<"account/read">, never, Auth | Config | ModelProvider> = Effect.gen(
  function* () {
    const auth = yield* Auth
    const config = yield* Config
    const model = yield* ModelProvider

    /**
     * The account of the configured provider, or of the default one when the configuration is invalid. A model that replaces
     * every provider needs no account.
     */
    const requiresOpenaiAuth = config.effective({ cwd: null, overrides: {} }).pipe(
      Effect.map(
        ({ modelProvider, providers }) =>
          model.answersAs?.(modelProvider) === undefined && (providers[modelProvider]?.requiresOpenaiAuth ?? true)
      ),
      Effect.orElseSucceed(() => true)
    )

    return {
      // Keys do not expire, so `refreshToken` has no effect.
      "account/read": () => Effect.flatMap(requiresOpenaiAuth, auth.account)
    }
  }
)
