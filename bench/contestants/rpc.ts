/**
 * effect/rpc in memory: the same request, declared as an Rpc.
 */
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as RpcTest from "effect/rpc/RpcTest"
import { callAll } from "./loop.ts"
import type { Calls } from "./worker.ts"

const list = Rpc.make("list", {
  payload: { cursor: Schema.optionalKey(Schema.String), limit: Schema.optionalKey(Schema.Int) },
  success: Schema.Struct({ data: Schema.Array(Schema.String), nextCursor: Schema.NullOr(Schema.String) })
})

const group = RpcGroup.make(list)

const handlers = group.toLayer({ list: () => Effect.succeed({ data: [], nextCursor: null }) })

export const start = async (): Promise<Calls> => {
  const runtime = ManagedRuntime.make(handlers.pipe(Layer.merge(Layer.empty)))
  const client = await runtime.runPromise(Scope.provide(RpcTest.makeClient(group), Scope.makeUnsafe()))
  return { run: (calls, inFlight) => runtime.runPromise(callAll(() => client.list({}), calls, inFlight)) }
}
