import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { makeServer, say } from "../../../support/Server.ts"
import { completed, delta, started } from "../../../support/ScriptedModel.ts"
import { connect } from "../../../support/WirePeer.ts"

describe("a model that says much at once", () => {
  it.effect("keeps nobody else waiting until it has all been told", () =>
    Effect.gen(function* () {
      const { model, services } = yield* makeServer()
      const client = yield* Effect.provideContext(connect(), services)
      yield* client.initialize()
      const { result } = yield* client.request("thread/start", {})
      const threadId = (result?.["thread"] as { readonly id: string } | undefined)?.id
      yield* client.request("turn/start", { threadId, input: say("go") })
      const call = yield* model.next
      const words = Array.from({ length: 400 }, (_, index) => delta("m", `${index} `))
      yield* call.emit(started("m"), ...words, completed)
      yield* client.until(({ method }) => method === "item/agentMessage/delta")
      yield* client.request("thread/loaded/list", {})
      const heard = client.heard.slice(0, client.position())
      assert.isFalse(heard.some(({ params }) => params?.["delta"] === "399 "))
      yield* client.until(({ params }) => params?.["delta"] === "399 ")
    })
  )
})
