/**
 * Turns: start, steer, interrupt.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import { Config } from "../../services/config/Config.ts"
import { PermittedSettings, type Violation } from "../../services/config/Permitted.ts"
import type { Connection } from "../../services/connection/Connection.ts"
import type { Handler, HandlersFor, RequestContext } from "../../services/connection/Handlers.ts"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import { Extension, keyIn, MaxKey } from "../../protocol/extensions/Idempotency.ts"
import { RequestError } from "../../services/routing/RequestError.ts"
import * as Reply from "../../services/connection/Reply.ts"
import { OutboundRouter } from "../../services/routing/OutboundRouter.ts"
import { askedModel, changed, folderIn, unusedModel } from "../../services/thread/Settings.ts"
import { Threads } from "../../services/thread/Threads.ts"
import type { ParamsOf } from "../../protocol/Methods.ts"
import { warningsFor } from "../../services/decoding/ParameterDecisions.ts"
import { InvalidSettings } from "../../services/thread/ThreadError.ts"
import { warn } from "./Warnings.ts"

/** The client's declared identity, for the model provider. Handlers run only for initialized connections. */
const callerOf = (connection: Connection) => ({
  originator: connection.session?.client.name ?? "spindle",
  userAgent: connection.session?.userAgent ?? "spindle"
})

const unservedAtStart = warningsFor("turn/start")
const unservedAtSteering = warningsFor("turn/steer")

const metadataOf = (params: ParamsOf<"turn/start">): Readonly<Record<string, string>> => ({
  ...params.responsesapiClientMetadata,
  ...params.responsesapiClientMetadataPatch
})

/** The key of the input, for clients that enabled keys. */
const keyOf = ({ connection, extensions }: RequestContext): Effect.Effect<string | undefined, RequestError> => {
  const key = connection.session?.idempotent === true ? keyIn(extensions) : undefined
  const message = `the key of ${Extension} must be a text of 1 to ${MaxKey} characters`
  return key === null ? Effect.fail(new RequestError({ code: ErrorCode.InvalidParams, message })) : Effect.succeed(key)
}

/** A thread cannot change its model provider. When new requirements name another one, it must be resumed. */
export const refuseOtherProvider = (violations: ReadonlyArray<Violation>): Effect.Effect<void, InvalidSettings> => {
  const violation = violations.find(({ field }) => field === "modelProvider")
  return violation === undefined ? Effect.void : Effect.fail(new InvalidSettings({ detail: violation.refusal }))
}

export const make: Effect.Effect<
  HandlersFor<"turn/start" | "turn/steer" | "turn/interrupt">,
  never,
  Config | OutboundRouter | Path.Path | Threads
> = Effect.gen(function* () {
  const config = yield* Config
  const path = yield* Path.Path
  const router = yield* OutboundRouter
  const threads = yield* Threads

  const start: Handler<"turn/start"> = Effect.fnUntraced(function* (params, context) {
    const thread = yield* threads.get(params.threadId)
    const key = yield* keyOf(context)
    const bounds = yield* config.bounds
    const standing = PermittedSettings.settle(bounds, thread.settings)
    yield* refuseOtherProvider(standing.violations)
    const folder = folderIn(params)
    const cwd = folder === null ? null : path.resolve(thread.settings.cwd, folder)
    const request = {
      message: {
        input: params.input,
        clientId: params.clientUserMessageId ?? null,
        ...(key === undefined ? {} : { key })
      },
      options: { outputSchema: params.outputSchema ?? null, metadata: metadataOf(params) },
      rootTurnId: params.rootTurnId ?? null,
      caller: callerOf(context.connection),
      settings: yield* changed(bounds, standing.settings.value, params, cwd, thread.answersAs)
    }
    const unused = unusedModel(thread.answersAs, askedModel(params))
    if (unused !== undefined) yield* warn(router, thread.id, [unused])
    const accepted = yield* thread.accept(request)
    const replaced = standing.violations.map(({ warning }) => warning)
    const warnings = warn(router, thread.id, [...replaced, ...unservedAtStart(params)])
    return Reply.make(() => ({
      result: { turn: accepted.turn },
      extensions: key === undefined ? undefined : { [Extension]: { repeated: accepted.isRepeated === true } },
      commit: Effect.andThen(thread.begin(accepted), warnings)
    }))
  })

  const steer: Handler<"turn/steer"> = Effect.fnUntraced(function* (params) {
    const thread = yield* threads.get(params.threadId)
    const message = { input: params.input, clientId: params.clientUserMessageId ?? null }
    const turnId = yield* thread.steer(params.expectedTurnId, message)
    return Reply.withCommit({ turnId }, warn(router, thread.id, unservedAtSteering(params)))
  })

  const interrupt: Handler<"turn/interrupt"> = Effect.fnUntraced(function* (params) {
    const thread = yield* threads.get(params.threadId)
    yield* thread.interrupt(params.turnId)
    return {}
  })

  return { "turn/start": start, "turn/steer": steer, "turn/interrupt": interrupt }
})
