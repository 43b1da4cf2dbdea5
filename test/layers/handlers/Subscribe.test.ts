import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { makeThread } from "../../support/Threads.ts"
import { asking } from "../../support/Tools.ts"

describe("a client that resumes a thread and reads nothing", () => {
  it.effect("delays no request of other clients of the thread [55]", () =>
    Effect.gen(function* () {
      const { client, connect, model, start, threadId, turn } = yield* makeThread({ toolbox: [asking] })
      yield* turn("hello", "hi")
      yield* start("work")
      yield* model.call(["ask", "c1"])
      yield* client.asked
      const silent = yield* connect({ ownsServer: false, channelCapacity: 1 })
      // It gets its token usage, its goal and the question: more than it has room for.
      yield* silent.request("thread/resume", { threadId })
      assert.strictEqual((yield* client.request("thread/read", { threadId })).thread.id, threadId)
    })
  )
})
