/**
 * Calls handlers directly, without a processor.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type ClientRequestMethod, clientRequestTable, type ParamsOf } from "../../src/protocol/Methods.ts"
import type { HandlersFor } from "../../src/services/connection/Handlers.ts"
import { openConnection } from "./Connections.ts"

/** Calls `method`. The result must match the method's result schema. */
export const call = Effect.fnUntraced(function* <M extends ClientRequestMethod>(
  handlers: HandlersFor<M>,
  method: M,
  params: ParamsOf<M>
) {
  const connection = yield* openConnection()
  const answer = yield* handlers[method](params, {
    connection,
    requestId: 1,
    trace: undefined,
    extensions: undefined
  })
  yield* Schema.decodeUnknownEffect(clientRequestTable[method].result())(answer).pipe(Effect.orDie)
  return answer
})
