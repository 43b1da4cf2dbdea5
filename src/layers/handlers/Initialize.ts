/**
 * The handshake: identity and options of the client, and the server's home.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Config, type ConfigWarning } from "../../services/config/Config.ts"
import { configWarning } from "./ConfigWarning.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import * as Reply from "../../services/connection/Reply.ts"
import { OutboundRouter } from "../../services/routing/OutboundRouter.ts"
import * as Files from "../../protocol/extensions/Files.ts"
import * as Idempotency from "../../protocol/extensions/Idempotency.ts"
import * as Sequence from "../../protocol/extensions/Sequence.ts"
import { invalidRequest } from "../../services/routing/RequestError.ts"
import { initializeResponse, isHeaderValue } from "../../services/config/ServerIdentity.ts"
import { ServerInfo } from "../../services/config/ServerInfo.ts"
import { StartCheck } from "../../services/config/StartCheck.ts"

/** Maximum number of characters of a refused name in the error. */
const MaxEchoed = 128

/** The extensions of this server. */
const known: ReadonlyArray<string> = [Sequence.Extension, Idempotency.Extension, Files.Extension]

/** The member of the response that confirms extensions. */
const confirmed = (names: ReadonlyArray<string>) => Object.fromEntries(names.map((name) => [name, {}]))

const nothing: ReadonlySet<string> = new Set()

/** Most clients opt out of nothing and share this set. */
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

  // One step, so that each client gets every warning once: after its response, or when it is found.
  const publish = (warnings: ReadonlyArray<ConfigWarning>) =>
    Effect.suspend(() => {
      found = warnings
      const waits = warnings.map((one) => router.publishNow("configWarning", configWarning(one), null) ?? Effect.void)
      return Effect.all(waits, { concurrency: "unbounded", discard: true })
    })

  yield* Deferred.await(greeted).pipe(Effect.andThen(check), Effect.flatMap(publish), Effect.forkScoped)

  const initialize: Handler<"initialize"> = Effect.fnUntraced(function* (params, context) {
    const { connection } = context
    const { clientInfo, capabilities } = params
    if (!isHeaderValue(clientInfo.name)) {
      const name = clientInfo.name.slice(0, MaxEchoed)
      return yield* invalidRequest(`Invalid clientInfo.name: '${name}'. Must be a valid HTTP header value.`)
    }
    const result = initializeResponse(info, config.home, clientInfo.name)
    const now = yield* Clock.currentTimeMillis
    const enabled = known.filter((name) => capabilities?.extensions?.[name] !== undefined)
    const session = {
      client: clientInfo,
      userAgent: result.userAgent,
      experimental: capabilities?.experimentalApi ?? false,
      optedOut: optedOutOf(capabilities?.optOutNotificationMethods),
      sequenced: enabled.includes(Sequence.Extension),
      idempotent: enabled.includes(Idempotency.Extension),
      restoresFiles: enabled.includes(Files.Extension)
    }
    if (connection.session !== undefined) return yield* invalidRequest("Already initialized")
    const greet = Effect.sync(() => {
      // Not awaited: the handshake blocks all messages, and a client may send requests before it reads the warnings.
      for (const warning of [...config.warnings, ...found]) {
        const message = router.message(connection, "configWarning", configWarning(warning), now)
        if (message !== undefined) connection.outgoing.offerUnsafe(message)
      }
      Deferred.doneUnsafe(greeted, Effect.void)
    })
    // One step, so that the client gets every warning once, and no broadcast before its response.
    return Reply.make(() => {
      connection.initialize(session)
      return { result, commit: greet, extensions: enabled.length > 0 ? confirmed(enabled) : undefined }
    })
  })

  return { initialize }
})
