import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { cwd, makeServer, userInput } from "../support/Server.ts"

const extension = "spindle/idempotency"

/** A client that sends keys, and a thread. */
const makeKeyed = Effect.gen(function* () {
  const server = yield* makeServer()
  const client = yield* server.wire()
  const hello = yield* client.initialize({ extensions: { [extension]: {} } })
  let id = 0
  const request = Effect.fnUntraced(function* (method: string, params: unknown, key?: unknown) {
    const requestId = ++id
    const extensions = key === undefined ? {} : { extensions: { [extension]: { key } } }
    client.submit({ _tag: "Request", request: { id: requestId, method, params, ...extensions } })
    while (true) {
      const message = yield* client.next
      if (message["id"] === requestId) return message
    }
  })
  const started = yield* request("thread/start", { cwd })
  const { thread } = started["result"] as { readonly thread: { readonly id: string } }
  const start = (text: string, key?: unknown) =>
    request("turn/start", { threadId: thread.id, input: userInput(text) }, key)
  /** Reads messages until the turn has ended. */
  const ended = Effect.gen(function* () {
    while ((yield* client.next)["method"] !== "turn/completed");
  })
  return { ...server, hello, start, ended }
})

const turnIn = (message: Record<string, unknown>) =>
  (message["result"] as { readonly turn: { readonly id: string; readonly status: string } }).turn

describe("turn/start with a key", () => {
  it.effect("is one turn, however often it is sent", () =>
    Effect.gen(function* () {
      const { ended, hello, model, start } = yield* makeKeyed
      assert.deepStrictEqual(hello["extensions"], { [extension]: {} })
      const first = yield* start("hello", "k1")
      assert.deepStrictEqual(first["extensions"], { [extension]: { repeated: false } })
      const again = yield* start("hello", "k1")
      assert.deepStrictEqual(again["extensions"], { [extension]: { repeated: true } })
      assert.strictEqual(turnIn(again).id, turnIn(first).id)
      const { request } = yield* model.reply("hi")
      assert.strictEqual(JSON.stringify(request.input).split("hello").length - 1, 1)
      yield* ended
      const other = yield* start("more", "k2")
      yield* model.next
      const late = yield* start("hello", "k1")
      assert.deepStrictEqual([turnIn(late).id, turnIn(late).status], [turnIn(first).id, "completed"])
      assert.notStrictEqual(turnIn(other).id, turnIn(first).id)
    })
  )

  it.effect("adds its input to a running turn once", () =>
    Effect.gen(function* () {
      const { model, start } = yield* makeKeyed
      const first = yield* start("hello")
      yield* model.next
      const added = yield* start("more", "k")
      const again = yield* start("more", "k")
      assert.deepStrictEqual(
        [added, again].map((message) => turnIn(message).id),
        [turnIn(first).id, turnIn(first).id]
      )
      assert.deepStrictEqual(again["extensions"], { [extension]: { repeated: true } })
      const { request } = yield* model.reply("done")
      assert.strictEqual(JSON.stringify(request.input).split("more").length - 1, 1)
    })
  )

  it.effect("is refused with a key that is no text of a fitting length", () =>
    Effect.gen(function* () {
      const { start } = yield* makeKeyed
      for (const key of ["", "x".repeat(129), 5, null]) {
        const message = `the key of ${extension} must be a text of 1 to 128 characters`
        assert.deepStrictEqual((yield* start("hello", key))["error"], { code: -32602, message })
      }
    })
  )
})
