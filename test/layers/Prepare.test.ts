import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Server from "../../src/layers/Server.ts"
import { ModelProvider } from "../../src/services/model/ModelProvider.ts"
import { connect } from "../support/WirePeer.ts"

describe("a thread that starts", () => {
  it.live("prepares its model, and does not wait for it", () =>
    Effect.gen(function* () {
      const asked = yield* Deferred.make<string>()
      const stopped = yield* Deferred.make<void>()
      const model = Layer.succeed(ModelProvider, {
        stream: () => Stream.never,
        prepare: (provider) =>
          Deferred.succeed(asked, provider).pipe(
            Effect.andThen(Effect.never),
            Effect.onInterrupt(() => Deferred.succeed(stopped, undefined))
          )
      })
      const server = Server.layer({ home: "/nowhere", cwd: "/", environment: {}, model })
      yield* Effect.gen(function* () {
        const peer = yield* connect()
        yield* peer.initialize()
        const started = yield* peer.request("thread/start", {})
        assert.strictEqual(yield* Deferred.await(asked), started.result?.["modelProvider"])
      }).pipe(Effect.scoped, Effect.provide(server.pipe(Layer.provide(NodeServices.layer))))
      yield* Deferred.await(stopped)
    })
  )
})
