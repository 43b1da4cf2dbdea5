/**
 * Refuses requests with parameters that this server does not support, before their handler runs.
 *
 * The decisions are in `protocol/methods/Parameters`.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { refusalFor } from "../decoding/ParameterDecisions.ts"
import type { ClientRequestMethod, ParamsOf } from "../../protocol/Methods.ts"
import type { Handler, HandlerTable } from "./Handlers.ts"
import { invalidRequest } from "../routing/RequestError.ts"

const guarded = <M extends ClientRequestMethod>(method: M, handler: Handler<M>): Handler<M> => {
  const refusal = refusalFor(method)
  if (refusal === undefined) return handler
  return (params: ParamsOf<M>, context) => {
    const text = params === undefined || params === null ? undefined : refusal(params)
    return text === undefined ? handler(params, context) : Effect.fail(invalidRequest(text))
  }
}

/** Wraps each handler in the check of its parameters. */
export const guard = (handlers: HandlerTable): HandlerTable => ({
  ...handlers,
  "thread/start": guarded("thread/start", handlers["thread/start"]),
  "thread/resume": guarded("thread/resume", handlers["thread/resume"]),
  "thread/fork": guarded("thread/fork", handlers["thread/fork"]),
  "thread/settings/update": guarded("thread/settings/update", handlers["thread/settings/update"]),
  "thread/queue/add": guarded("thread/queue/add", handlers["thread/queue/add"]),
  "thread/queue/update": guarded("thread/queue/update", handlers["thread/queue/update"]),
  "turn/start": guarded("turn/start", handlers["turn/start"]),
  "turn/steer": guarded("turn/steer", handlers["turn/steer"])
})
