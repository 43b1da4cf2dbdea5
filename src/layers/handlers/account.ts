/**
 * Who is logged in.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { Auth } from "../../services/Auth.ts"
import { Config } from "../../services/Config.ts"
import type { HandlersFor } from "../../services/Handlers.ts"
import { ModelProvider } from "../../services/ModelProvider.ts"

export const make: Effect.Effect<HandlersFor<"account/read">, never, Auth | Config | ModelProvider> = Effect.gen(
  function* () {
    const auth = yield* Auth
    const config = yield* Config
    const model = yield* ModelProvider

    /** Of the provider that answers; with a configuration that cannot be used, of the one that stands in for it. */
    const requiresOpenaiAuth = config.effective({ cwd: null, overrides: {} }).pipe(
      Effect.map(({ modelProvider, providers }) => {
        const name = model.answersAs?.(modelProvider)
        return providers[name?.provider ?? modelProvider]?.requiresOpenaiAuth ?? name === undefined
      }),
      Effect.orElseSucceed(() => true)
    )

    return {
      // Keys do not expire, so there is nothing for `refreshToken` to refresh.
      "account/read": () => Effect.flatMap(requiresOpenaiAuth, auth.account)
    }
  }
)
