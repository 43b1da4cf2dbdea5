/**
 * The sender of Spindle's low-level runtime, without the client's decoding. The argument is a home folder.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Scope from "effect/Scope"
import { load } from "./library.ts"
import { callAll } from "./loop.ts"
import type { Calls } from "./worker.ts"

export const start = async (home: string): Promise<Calls> => {
  const { AppServer } = await load()
  const runtime = ManagedRuntime.make(NodeServices.layer)
  const initialize = { clientInfo: { name: "bench", version: "1.0.0" } }
  const starting = AppServer.start({ home, environment: {}, initialize })
  const { sender } = await runtime.runPromise(Scope.provide(starting, Scope.makeUnsafe()))
  let id = 1
  const call = () => sender.request({ id: id++, method: "thread/loaded/list", params: {} })
  return { run: (calls, inFlight) => runtime.runPromise(callAll(call, calls, inFlight)) }
}
