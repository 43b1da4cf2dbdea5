import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { RequestError } from "../../../src/services/routing/RequestError.ts"
import { invalid, makeThread } from "../../support/Threads.ts"

const stranger = "0198c0de-0000-7000-8000-000000000000"

const unknown = invalid(`thread not found: ${stranger}`)

describe("open questions of clients", () => {
  it.effect("are counted for each loaded thread", () =>
    Effect.gen(function* () {
      const { client, threadId } = yield* makeThread()
      const more = (threadId: string) => client.request("thread/increment_elicitation", { threadId })
      const fewer = (threadId: string) => client.request("thread/decrement_elicitation", { threadId })
      const none = invalid("out-of-band elicitation count is already zero")
      assert.deepStrictEqual(yield* Effect.flip(fewer(threadId)), none)
      assert.deepStrictEqual(yield* more(threadId), { count: 1, paused: true })
      assert.deepStrictEqual(yield* more(threadId), { count: 2, paused: true })
      assert.deepStrictEqual(yield* fewer(threadId), { count: 1, paused: true })
      assert.deepStrictEqual(yield* fewer(threadId), { count: 0, paused: false })
      assert.deepStrictEqual(yield* Effect.flip(fewer(threadId)), none)
      assert.deepStrictEqual(yield* Effect.flip(more(stranger)), unknown)
      assert.deepStrictEqual(yield* Effect.flip(fewer(stranger)), unknown)
    })
  )
})

describe("thread/prepareApprovedPlan", () => {
  it.effect("adds the plan to the conversation, but not to the history", () =>
    Effect.gen(function* () {
      const { client, model, start, threadId } = yield* makeThread()
      const { prompt } = yield* client.request("thread/prepareApprovedPlan", { threadId, markdown: "# Do it" })
      yield* start(prompt)
      const { request } = yield* model.reply("done")
      assert.include(JSON.stringify(request.input), "# Do it")
      yield* client.notified("turn/completed")
      const { data } = yield* client.request("thread/items/list", { threadId })
      assert.deepStrictEqual(
        data.map(({ item }) => item.type),
        ["userMessage", "agentMessage"]
      )
    })
  )

  it.effect("refuses a plan that is empty or too long, a relative path and an unknown thread", () =>
    Effect.gen(function* () {
      const { client, threadId } = yield* makeThread()
      const failure = (params: {
        readonly threadId: string
        readonly markdown: string
        readonly attachmentPath?: string
      }) => Effect.flip(client.request("thread/prepareApprovedPlan", params))
      assert.deepStrictEqual(yield* failure({ threadId, markdown: " \n" }), invalid("The approved plan is empty."))
      assert.deepStrictEqual(
        yield* failure({ threadId, markdown: "x".repeat(1024 * 1024 + 1) }),
        invalid("The approved plan is longer than 1048576 characters.")
      )
      assert.deepStrictEqual(
        yield* failure({ threadId, markdown: "x", attachmentPath: "plan.md" }),
        new RequestError({ code: -32602, message: "`attachmentPath` must be absolute on the app server" })
      )
      assert.deepStrictEqual(yield* failure({ threadId: stranger, markdown: "x" }), unknown)
    })
  )
})

describe("thread/prediction/request", () => {
  it.effect("fails as in the release", () =>
    Effect.gen(function* () {
      const { client, threadId } = yield* makeThread()
      assert.deepStrictEqual(
        yield* Effect.flip(client.request("thread/prediction/request", { threadId, sourceTurnId: "x" })),
        new RequestError({ code: -32601, message: "thread/prediction/request is not implemented yet" })
      )
    })
  )
})
