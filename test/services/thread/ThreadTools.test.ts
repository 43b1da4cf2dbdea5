import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RequestError } from "../../../src/services/routing/RequestError.ts"
import { ToolsRefused, Toolset } from "../../../src/services/tool/Tool.ts"
import { cwd, makeServer } from "../../support/Server.ts"

describe("the tools of a thread", () => {
  it.effect("refuse the thread, of which nothing is left then", () =>
    Effect.gen(function* () {
      const closed: Array<string> = []
      const tools = Layer.succeed(Toolset, {
        open: ({ threadId }) =>
          Effect.andThen(
            Effect.addFinalizer(() => Effect.sync(() => closed.push(threadId))),
            Effect.fail(new ToolsRefused({ detail: "failed to load rules: x" }))
          )
      })
      const { connect, threads } = yield* makeServer({ tools })
      const client = yield* connect()
      assert.deepStrictEqual(
        yield* Effect.flip(client.request("thread/start", { cwd })),
        new RequestError({ code: -32603, message: "error creating thread: Fatal error: failed to load rules: x" })
      )
      assert.deepStrictEqual(threads.loaded(), [])
      assert.strictEqual(closed.length, 1)
      assert.deepStrictEqual((yield* client.request("thread/list", {})).data, [])
    })
  )

  it.effect("may warn of the configuration, which those who start the thread hear", () =>
    Effect.gen(function* () {
      const tools = Layer.succeed(Toolset, {
        open: ({ warn }) => {
          warn?.({ summary: "s", details: "d", path: "/p" })
          return Effect.succeed([])
        }
      })
      const { connect } = yield* makeServer({ tools })
      const client = yield* connect()
      yield* client.request("thread/start", { cwd })
      const warning = yield* client.notified("configWarning")
      assert.deepStrictEqual(warning, { summary: "s", details: "d", path: "/p" })
    })
  )
})
