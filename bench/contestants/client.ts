/**
 * Spindle's typed client, as most programs use it. The argument is a home folder.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { load } from "./library.ts"
import { callAll } from "./loop.ts"
import type { Calls } from "./worker.ts"

export const start = async (home: string): Promise<Calls> => {
  const { AppServer, AppServerClient } = await load()
  const server = AppServer.client({ home, environment: {}, clientName: "bench", clientVersion: "1.0.0" })
  const runtime = ManagedRuntime.make(server.pipe(Layer.provide(NodeServices.layer)))
  const client = await runtime.runPromise(Effect.service(AppServerClient.AppServerClient))
  const call = () => client.request("thread/loaded/list", {})
  return { run: (calls, inFlight) => runtime.runPromise(callAll(call, calls, inFlight)) }
}
