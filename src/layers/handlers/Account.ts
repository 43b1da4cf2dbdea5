/**
 * Who is logged in.
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
     * Of the configured provider; with a configuration that cannot be used, of the default one. A model that answers whatever
     * is configured has no use for the account.
     */
    const requiresOpenaiAuth = config.effective({ cwd: null, overrides: {} }).pipe(
      Effect.map(
        ({ modelProvider, providers }) =>
          model.answersAs?.(modelProvider) === undefined && (providers[modelProvider]?.requiresOpenaiAuth ?? true)
      ),
      Effect.orElseSucceed(() => true)
    )

    return {
      // Keys do not expire, so there is nothing for `refreshToken` to refresh.
      "account/read": () => Effect.flatMap(requiresOpenaiAuth, auth.account)
    }
  }
)
