import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as AppServer from "../../../src/layers/AppServer.ts"
import { AppServerClient } from "../../../src/services/client/AppServerClient.ts"
import * as MemoryFiles from "../../support/MemoryFiles.ts"
import { makeModel } from "../../support/ScriptedModel.ts"
import { clientOf, cwd, optionsOf, userInput } from "../../support/Server.ts"
import { asking } from "../../support/Tools.ts"

const who = { clientInfo: { name: "test", version: "1" }, capabilities: { experimentalApi: true } }

describe("a client of a server in the same process", () => {
  it.effect.each([1, 2])("gets approvals with room for %s event(s) [17]", (channelCapacity) =>
    Effect.gen(function* () {
      const model = yield* makeModel
      const client = clientOf(
        yield* AppServer.start({
          ...optionsOf({ model: model.layer, toolbox: [asking] }),
          initialize: who,
          channelCapacity
        }).pipe(Effect.provide(MemoryFiles.make().layer))
      )
      const { thread } = yield* client.request("thread/start", { cwd })
      const reading = yield* Effect.forkChild(client.asked, { startImmediately: true })
      yield* client.request("turn/start", { threadId: thread.id, input: userInput("go") })
      yield* model.call(["ask", "c1"])
      const { id } = yield* Fiber.join(reading)
      yield* client.handle.respondToServerRequest(id, { decision: "accept" })
      const ending = yield* Effect.forkChild(client.notified("turn/completed"), { startImmediately: true })
      yield* model.reply("done")
      assert.strictEqual((yield* Fiber.join(ending)).turn.status, "completed")
    })
  )

  it.effect("may call 200 times at once through the facade; the low-level runtime does not wait [14]", () =>
    Effect.gen(function* () {
      const model = yield* makeModel
      const options = { ...optionsOf({ model: model.layer }), clientName: "test", clientVersion: "1" }
      const services = yield* Layer.build(Layer.provide(AppServer.client(options), MemoryFiles.make().layer))
      const client = Context.get(services, AppServerClient)
      const calls = Array.from({ length: 200 }, () => Effect.exit(client.request("account/read", {})))
      const exits = yield* Effect.all(calls, { concurrency: "unbounded" })
      assert.deepStrictEqual(
        exits.flatMap((exit) => (Exit.isFailure(exit) ? [Cause.squash(exit.cause)] : [])),
        []
      )
      const runtime = clientOf(
        yield* AppServer.start({ ...optionsOf({ model: model.layer }), initialize: who }).pipe(
          Effect.provide(MemoryFiles.make().layer)
        )
      )
      const low = Array.from({ length: 200 }, () => Effect.flip(runtime.request("account/read", {})))
      const errors = yield* Effect.all(low.map(Effect.option), { concurrency: "unbounded" })
      const blocked = errors.flatMap((error) => (Option.isSome(error) ? [error.value] : []))
      assert.isAbove(blocked.length, 0)
      for (const error of blocked)
        assert.strictEqual(error._tag === "InProcessError" && error.reason._tag, "Overloaded")
    })
  )
})
