import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { invalid, makeThread, paramsOf } from "../../support/Threads.ts"
import { cwd, nameOf, userInput } from "../../support/Server.ts"

const stranger = "0198c0de-0000-7000-8000-000000000000"

describe("thread/archive, thread/unarchive and thread/delete", () => {
  it.effect("end a running turn, unload the thread, answer, and broadcast", () =>
    Effect.gen(function* () {
      const { client, connect, model, start, threadId } = yield* makeThread()
      const other = yield* connect()
      yield* start("hello")
      yield* model.next
      yield* client.request("thread/archive", { threadId })
      const events = yield* client.until((event) => nameOf(event) === "thread/archived")
      assert.deepStrictEqual(events.slice(-4).map(nameOf), [
        "thread/status/changed",
        "turn/completed",
        "thread/status/changed",
        "thread/archived"
      ])
      assert.deepStrictEqual(paramsOf(events.at(-2)), { threadId, status: { type: "notLoaded" } })
      assert.deepStrictEqual(yield* other.notified("thread/archived"), { threadId })
      assert.deepStrictEqual((yield* client.request("thread/loaded/list", {})).data, [])
      assert.deepStrictEqual((yield* client.request("thread/list", {})).data, [])
      assert.deepStrictEqual(
        (yield* client.request("thread/list", { archived: true })).data.map(({ id }) => id),
        [threadId]
      )
      const archived = `session ${threadId} is archived. Run \`codex unarchive ${threadId}\` to unarchive it first.`
      const failures = yield* Effect.all([
        Effect.flip(client.request("thread/resume", { threadId })),
        Effect.flip(client.request("thread/fork", { threadId })),
        Effect.flip(client.request("thread/archive", { threadId })),
        Effect.flip(client.request("thread/name/set", { threadId, name: "n" })),
        Effect.flip(client.request("turn/start", { threadId, input: userInput("x") }))
      ])
      assert.deepStrictEqual<ReadonlyArray<unknown>>(
        failures,
        [
          archived,
          archived,
          `no rollout found for thread id ${threadId}`,
          `no rollout found for thread id ${threadId}`,
          `thread not found: ${threadId}`
        ].map((message) => invalid(message))
      )
      const { thread } = yield* client.request("thread/unarchive", { threadId })
      assert.deepStrictEqual([thread.id, thread.status], [threadId, { type: "notLoaded" }])
      assert.deepStrictEqual(yield* other.notified("thread/unarchived"), { threadId })
      const { thread: resumed } = yield* client.request("thread/resume", { threadId })
      assert.deepStrictEqual(
        resumed.turns.map(({ status }) => status),
        ["interrupted"]
      )
    })
  )

  it.effect("delete for good, during a turn too", () =>
    Effect.gen(function* () {
      const { client, connect, model, start, threadId } = yield* makeThread()
      const other = yield* connect()
      yield* start("hello")
      yield* model.next
      yield* client.request("thread/delete", { threadId })
      assert.deepStrictEqual(yield* other.notified("thread/deleted"), { threadId })
      const failures = yield* Effect.all([
        Effect.flip(client.request("thread/delete", { threadId })),
        Effect.flip(client.request("thread/read", { threadId })),
        Effect.flip(client.request("thread/resume", { threadId }))
      ])
      assert.deepStrictEqual<ReadonlyArray<unknown>>(
        failures,
        [
          `no rollout found for thread id ${threadId}`,
          `thread not loaded: ${threadId}`,
          `no rollout found for thread id ${threadId}`
        ].map((message) => invalid(message))
      )
    })
  )

  it.effect("work before the first turn, and by any spelling of the id", () =>
    Effect.gen(function* () {
      const { client, threadId } = yield* makeThread()
      yield* client.request("thread/archive", { threadId: threadId.toUpperCase() })
      yield* client.request("thread/unarchive", { threadId: `urn:uuid:${threadId}` })
      const { thread } = yield* client.request("thread/resume", { threadId: threadId.replaceAll("-", "") })
      assert.strictEqual(thread.id, threadId)
      yield* client.request("thread/delete", { threadId: `{${threadId}}` })
      assert.deepStrictEqual((yield* client.request("thread/loaded/list", {})).data, [])
    })
  )

  it.effect("refuse unknown, loaded and ephemeral threads", () =>
    Effect.gen(function* () {
      const { client, threadId } = yield* makeThread()
      const { thread: ephemeral } = yield* client.request("thread/start", { cwd, ephemeral: true })
      const failures = yield* Effect.all([
        Effect.flip(client.request("thread/archive", { threadId: stranger })),
        Effect.flip(client.request("thread/unarchive", { threadId: stranger })),
        Effect.flip(client.request("thread/delete", { threadId: stranger })),
        Effect.flip(client.request("thread/archive", { threadId: ephemeral.id })),
        Effect.flip(client.request("thread/delete", { threadId: ephemeral.id })),
        Effect.flip(client.request("thread/unarchive", { threadId }))
      ])
      assert.deepStrictEqual<ReadonlyArray<unknown>>(
        failures,
        [
          `no rollout found for thread id ${stranger}`,
          `no archived rollout found for thread id ${stranger}`,
          `no rollout found for thread id ${stranger}`,
          `no rollout found for thread id ${ephemeral.id}`,
          `thread is not persisted and cannot be deleted: ${ephemeral.id}`,
          `thread ${threadId} already has an active writer`
        ].map((message) => invalid(message))
      )
    })
  )
})

describe("thread/revert and thread/inject_items", () => {
  it.effect("remove turns from the history and from what the model reads", () =>
    Effect.gen(function* () {
      const { client, model, start, threadId, turn } = yield* makeThread()
      yield* turn("one", "first")
      const second = yield* turn("two", "second")
      yield* start("three")
      yield* model.next
      const { thread } = yield* client.request("thread/revert", { threadId, beforeTurnId: second.turn.id })
      assert.deepStrictEqual(thread.status, { type: "idle" })
      const events = yield* client.until((event) => nameOf(event) === "thread/reverted")
      assert.deepStrictEqual(events.slice(-4).map(nameOf), [
        "turn/completed",
        "thread/status/changed",
        "thread/status/changed",
        "thread/reverted"
      ])
      const left = yield* client.request("thread/turns/list", { threadId })
      assert.strictEqual(left.data.length, 1)
      yield* start("four")
      const { request } = yield* model.reply("fourth")
      const sent = JSON.stringify(request.input)
      assert.deepStrictEqual(
        ["first", "second", "three", "four"].map((word) => sent.includes(word)),
        [true, false, false, true]
      )
      yield* client.notified("turn/completed")
      const refused = yield* Effect.flip(client.request("thread/revert", { threadId, beforeTurnId: second.turn.id }))
      assert.deepStrictEqual(refused, invalid(`turn not found: ${second.turn.id}`))
    })
  )

  it.effect("leave a running turn alone when there is nothing to revert", () =>
    Effect.gen(function* () {
      const { client, model, start, threadId } = yield* makeThread()
      yield* start("hello")
      const refused = yield* Effect.flip(client.request("thread/revert", { threadId, beforeTurnId: "nope" }))
      assert.deepStrictEqual(refused, invalid("turn not found: nope"))
      yield* model.reply("hi")
      assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "completed")
    })
  )

  it.effect("add entries for the model, which clients do not see", () =>
    Effect.gen(function* () {
      const { client, model, start, threadId, turn } = yield* makeThread()
      yield* turn("one", "first")
      const content = [{ type: "input_text", text: "injected" }]
      yield* client.request("thread/inject_items", { threadId, items: [{ type: "message", role: "user", content }] })
      yield* start("two")
      const { request } = yield* model.reply("second")
      assert.include(JSON.stringify(request.input), "injected")
      yield* client.notified("turn/completed")
      const items = yield* client.request("thread/items/list", { threadId })
      assert.notInclude(JSON.stringify(items), "injected")
      const failures = yield* Effect.all([
        Effect.flip(client.request("thread/inject_items", { threadId, items: [] })),
        Effect.flip(client.request("thread/inject_items", { threadId, items: [5] })),
        Effect.flip(client.request("thread/inject_items", { threadId: stranger, items: [{}] }))
      ])
      assert.deepStrictEqual<ReadonlyArray<unknown>>(failures, [
        invalid("items must not be empty"),
        invalid(
          "items[0] is not a valid response item: invalid type: integer `5`, expected internally tagged enum ResponseItem"
        ),
        invalid(`thread not found: ${stranger}`)
      ])
    })
  )
})
