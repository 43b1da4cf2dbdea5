/**
 * Handlers of logging in and out.
 *
 * The only login is that with an API key, which is stored in the home. The others need the vendor's cloud.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { AuthMode } from "../../protocol/v2/account/Account.ts"
import { Auth } from "../../services/account/Auth.ts"
import { FileReplacement } from "../../services/config/FileReplacement.ts"
import type { HandlersFor } from "../../services/connection/Handlers.ts"
import * as Reply from "../../services/connection/Reply.ts"
import type { Config } from "../../services/config/Config.ts"
import type { ModelProvider } from "../../services/model/ModelProvider.ts"
import { makeRequirement } from "./AuthRequirement.ts"
import { OutboundRouter } from "../../services/routing/OutboundRouter.ts"
import { internal, invalidRequest } from "../../services/routing/RequestError.ts"

const isUuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const notStored = invalidRequest(
  "the program that runs this server provides the credentials; they cannot be changed here"
)

type LoginMethod = "account/login/start" | "account/login/cancel" | "account/logout" | "getAuthStatus"

export const make: Effect.Effect<
  HandlersFor<LoginMethod>,
  never,
  Auth | Config | FileReplacement | ModelProvider | OutboundRouter
> = Effect.gen(function* () {
  const auth = yield* Auth
  const files = yield* FileReplacement
  const router = yield* OutboundRouter
  const requirement = yield* makeRequirement

  const updated = (authMode: AuthMode | null) => router.notify("account/updated", { authMode, planType: null }, null)

  const completed = router.notify(
    "account/login/completed",
    { loginId: null, success: true, error: null, onboardingEntrypoint: null },
    null
  )

  const store = (key: Redacted.Redacted | null) =>
    auth.store === undefined
      ? Effect.fail(notStored)
      : Effect.mapError(auth.store(key, files), ({ message }) => internal(message))

  return {
    "account/login/start": Effect.fnUntraced(function* (params) {
      if (params.type !== "apiKey") {
        return yield* invalidRequest(
          `a login of the kind \`${params.type}\` is not supported by this server; log in with an API key`
        )
      }
      yield* store(Redacted.make(params.apiKey))
      return Reply.withCommit({ type: "apiKey" as const }, Effect.andThen(completed, updated("apikey")))
    }),
    "account/login/cancel": ({ loginId }) =>
      // No login goes on, so none is found.
      isUuid.test(loginId)
        ? Effect.succeed({ status: "notFound" as const })
        : Effect.fail(invalidRequest(`invalid login id: ${loginId.slice(0, 128)}`)),
    "account/logout": () => Effect.as(store(null), Reply.withCommit({}, updated(null))),
    getAuthStatus: Effect.fnUntraced(function* ({ includeToken }) {
      const requiresOpenaiAuth = yield* requirement
      const key = requiresOpenaiAuth ? yield* auth.apiKey : Option.none()
      return {
        authMethod: Option.isSome(key) ? ("apikey" as const) : null,
        authToken: includeToken === true ? Option.getOrNull(Option.map(key, Redacted.value)) : null,
        requiresOpenaiAuth
      }
    })
  }
})
