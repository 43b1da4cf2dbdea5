/**
 * Handlers of accounts.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { Auth, type Unusable } from "../../services/account/Auth.ts"
import type { Config } from "../../services/config/Config.ts"
import type { Connection } from "../../services/connection/Connection.ts"
import type { HandlersFor } from "../../services/connection/Handlers.ts"
import type { ModelProvider } from "../../services/model/ModelProvider.ts"
import { makeRequirement } from "./AuthRequirement.ts"
import { OutboundRouter } from "../../services/routing/OutboundRouter.ts"

export const make: Effect.Effect<
  HandlersFor<"account/read">,
  never,
  Auth | Config | ModelProvider | OutboundRouter
> = Effect.gen(function* () {
  const auth = yield* Auth
  const router = yield* OutboundRouter
  /** The connections that know of the credential that cannot be used. */
  const warned = new WeakSet<Connection>()

  const requiresOpenaiAuth = yield* makeRequirement

  /** The protocol has no account that exists and cannot be used, so the client also gets a warning. */
  const warn = Effect.fnUntraced(function* (connection: Connection, { file, problem }: Unusable) {
    if (warned.has(connection)) return
    warned.add(connection)
    const { lookup } = auth
    const variable = lookup?.variables.at(-1)
    const params = {
      summary: `No account: ${file} ${problem}.`,
      details: variable === undefined ? null : `Set ${variable} to use an API key.`,
      path: file
    }
    const message = router.message(connection, "configWarning", params, yield* Clock.currentTimeMillis)
    if (message !== undefined) connection.outgoing.offerUnsafe(message)
  })

  return {
    // Keys do not expire, so `refreshToken` has no effect.
    "account/read": Effect.fnUntraced(function* (_, { connection }) {
      const read = yield* auth.account(yield* requiresOpenaiAuth)
      if (!read.requiresOpenaiAuth || read.account !== null) return read
      const unusable = yield* auth.unusable ?? Effect.succeed(null)
      if (unusable !== null) yield* warn(connection, unusable)
      return read
    })
  }
})
