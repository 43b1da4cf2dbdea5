/**
 * The handshake: who the client is, what it opts into, where the server is at home.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Config, type ConfigWarning } from "../../services/config/Config.ts"
import type { Connection } from "../../services/connection/Connection.ts"
import { configWarning } from "./configWarning.ts"
import { Answered, type Handler, type HandlersFor } from "../../services/connection/Handlers.ts"
import { OutboundRouter } from "../../services/routing/OutboundRouter.ts"
import { Extension } from "../../protocol/extensions/Sequence.ts"
import { invalidRequest } from "../../services/routing/RequestError.ts"
import { initializeResponse, isHeaderValue } from "../../services/config/Identity.ts"
import { ServerInfo } from "../../services/config/ServerInfo.ts"
import { StartCheck } from "../../services/config/StartCheck.ts"

/** Characters of a refused name that the error repeats. */
const MaxEchoed = 128

const nothing: ReadonlySet<string> = new Set()

/** Most clients want everything, and share one empty set. */
const optedOutOf = (methods: ReadonlyArray<string> | null | undefined): ReadonlySet<string> =>
  methods === undefined || methods === null || methods.length === 0 ? nothing : new Set(methods)

export const make: Effect.Effect<
  HandlersFor<"initialize">,
  never,
  Config | OutboundRouter | ServerInfo | Scope.Scope
> = Effect.gen(function* () {
  const config = yield* Config
  const router = yield* OutboundRouter
  const info = yield* ServerInfo

  const check = yield* StartCheck
  const greeted = Deferred.makeUnsafe<void>()
  let found: ReadonlyArray<ConfigWarning> = []

  // In one step, so that each client gets every warning once: with its answer, or when it is found.
  const publish = (warnings: ReadonlyArray<ConfigWarning>) =>
    Effect.suspend(() => {
      found = warnings
      const waits = warnings.map((one) => router.publishNow("configWarning", configWarning(one), null) ?? Effect.void)
      return Effect.all(waits, { concurrency: "unbounded", discard: true })
    })

  yield* Deferred.await(greeted).pipe(Effect.andThen(check), Effect.flatMap(publish), Effect.forkScoped)

  const warningFor = (connection: Connection, now: number) => (warning: ConfigWarning) =>
    router.message(connection, "configWarning", configWarning(warning), now)

  const initialize: Handler<"initialize"> = Effect.fnUntraced(function* (params, context) {
    const { connection } = context
    const { clientInfo, capabilities } = params
    if (!isHeaderValue(clientInfo.name)) {
      const name = clientInfo.name.slice(0, MaxEchoed)
      return yield* invalidRequest(`Invalid clientInfo.name: '${name}'. Must be a valid HTTP header value.`)
    }
    const result = initializeResponse(info, config.home, clientInfo.name)
    const now = yield* Clock.currentTimeMillis
    const sequenced = capabilities?.extensions?.[Extension] !== undefined
    const session = {
      client: clientInfo,
      userAgent: result.userAgent,
      experimental: capabilities?.experimentalApi ?? false,
      optedOut: optedOutOf(capabilities?.optOutNotificationMethods),
      sequenced
    }
    // One step: the answer, the warnings, and only then what everyone hears.
    return yield* Effect.suspend(() => {
      if (!connection.initialize(session)) return Effect.fail(invalidRequest("Already initialized"))
      const warnings = [...config.warnings, ...found]
        .map(warningFor(connection, now))
        .filter((message) => message !== undefined)
      // Not waited for: the handshake holds up everything, and a client may ask before it reads what it is warned of.
      context.respondNow(result, warnings, sequenced ? { [Extension]: {} } : undefined)
      Deferred.doneUnsafe(greeted, Effect.void)
      return Effect.succeed(Answered)
    })
  })

  return { initialize }
})
