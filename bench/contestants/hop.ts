/**
 * The minimal cost of a request and a response between two fibers with Effect's own parts: a queue to the server, a deferred
 * for the response, and one serving fiber. Nothing is decoded, looked up or scheduled.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import { callAll } from "./loop.ts"
import type { Calls } from "./worker.ts"

interface Message {
  readonly params: object
  readonly reply: Deferred.Deferred<object>
}

const result = { data: [], nextCursor: null }

export const start = async (): Promise<Calls> => {
  const runtime = ManagedRuntime.make(Layer.empty)
  const queue = await runtime.runPromise(Queue.bounded<Message>(128))
  const serveOne = Effect.flatMap(Queue.take(queue), ({ reply }) => Deferred.succeed(reply, result))
  runtime.runFork(Effect.forever(serveOne))
  const call = Effect.fnUntraced(function* () {
    const reply = yield* Deferred.make<object>()
    yield* Queue.offer(queue, { params: {}, reply })
    return yield* Deferred.await(reply)
  })
  return { run: (calls, inFlight) => runtime.runPromise(callAll(call, calls, inFlight)) }
}
