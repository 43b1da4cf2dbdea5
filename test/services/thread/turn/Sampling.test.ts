import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { MaxCalls } from "../../../../src/services/thread/turn/Sampling.ts"
import * as Toolsets from "../../../../src/layers/tools/Toolsets.ts"
import { text, type Tool } from "../../../../src/services/tool/Tool.ts"
import { makeServer, userInput } from "../../../support/Server.ts"
import { completed, delta, started } from "../../../support/ScriptedModel.ts"
import { connect } from "../../../support/WirePeer.ts"

const ofName = (name: string, run: Tool["run"]): Tool => ({
  spec: { type: "function", name, description: "", parameters: { type: "object" }, strict: false },
  run
})

const thread = (tool: Tool) =>
  Effect.gen(function* () {
    const tools = Toolsets.make([tool])
    const { model, services } = yield* makeServer({ tools })
    const client = yield* Effect.provideContext(connect(), services)
    yield* client.initialize()
    const { result } = yield* client.request("thread/start", {})
    const threadId = (result?.["thread"] as { readonly id: string } | undefined)?.id
    return { client, model, threadId }
  })

describe("a model that sends many events at once", () => {
  it.effect("does not block other clients", () =>
    Effect.gen(function* () {
      const { model, services } = yield* makeServer()
      const client = yield* Effect.provideContext(connect(), services)
      yield* client.initialize()
      const { result } = yield* client.request("thread/start", {})
      const threadId = (result?.["thread"] as { readonly id: string } | undefined)?.id
      yield* client.request("turn/start", { threadId, input: userInput("go") })
      const call = yield* model.next
      const words = Array.from({ length: 400 }, (_, index) => delta("m", `${index} `))
      yield* call.emit(started("m"), ...words, completed)
      yield* client.until(({ method }) => method === "item/agentMessage/delta")
      yield* client.request("thread/loaded/list", {})
      const received = client.received.slice(0, client.position())
      assert.isFalse(received.some(({ params }) => params?.["delta"] === "399 "))
      yield* client.until(({ params }) => params?.["delta"] === "399 ")
    })
  )

  it.effect("may make a limited number of calls, and the next one fails the turn", () =>
    Effect.gen(function* () {
      const run: Array<string> = []
      const tool = ofName("count", (call) => {
        run.push(call.callId)
        return Effect.succeed(text("ok"))
      })
      const { client, model, threadId } = yield* thread(tool)
      yield* client.request("turn/start", { threadId, input: userInput("go") })
      const names = Array.from({ length: MaxCalls + 1 }, (_, index) => `c${index}`)
      yield* model.call(...names.map((callId) => ["count", callId] as const))
      const error = {
        message: "the answer has more than 256 calls",
        codexErrorInfo: "other",
        additionalDetails: null,
        misalignment: null
      }
      const { params } = yield* client.until(({ method }) => method === "turn/completed")
      const turn = params?.["turn"] as { readonly status: string; readonly error: unknown }
      assert.deepStrictEqual([turn.status, turn.error], ["failed", error])
      assert.deepStrictEqual(run, names.slice(0, MaxCalls))
      // Each recorded call has its output.
      yield* client.request("turn/start", { threadId, input: userInput("again") })
      const { request } = yield* model.next
      const idsOf = (type: string) =>
        request.input.flatMap((item) => ("call_id" in item && item.type === type ? [item.call_id] : []))
      assert.deepStrictEqual(idsOf("function_call"), names.slice(0, MaxCalls))
      assert.deepStrictEqual(idsOf("function_call_output"), names.slice(0, MaxCalls))
    })
  )
})
