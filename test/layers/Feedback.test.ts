import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import { cwd, makeServer, userInput } from "../support/Server.ts"

describe("the feedback logger of an embedder", () => {
  it.effect("gets what the server logs, and its errors break nothing", () =>
    Effect.gen(function* () {
      let entries = 0
      const feedback = Logger.make<unknown, void>(() => {
        entries++
        throw new Error("the collector is broken")
      })
      const server = yield* makeServer({ feedback })
      const client = yield* server.connect({})
      const { thread } = yield* client.request("thread/start", { cwd })
      yield* client.request("turn/start", { threadId: thread.id, input: userInput("go") })
      const call = yield* server.model.next
      yield* call.finish()
      const { turn } = yield* client.notified("turn/completed")
      assert.strictEqual(turn.status, "completed")
      assert.isAbove(entries, 0)
    }).pipe(Effect.provideService(References.MinimumLogLevel, "Debug"))
  )
})
