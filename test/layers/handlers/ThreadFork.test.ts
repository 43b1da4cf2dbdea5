import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { ParamsInputOf } from "../../../src/protocol/Methods.ts"
import { cwd, makeServer, nameOf, userInput } from "../../support/Server.ts"
import { invalid } from "../../support/Threads.ts"

/** A thread with two turns, and a client that forks it. */
const setUp = Effect.gen(function* () {
  const server = yield* makeServer()
  const client = yield* server.connect({ name: "forker", capabilities: { experimentalApi: true } })
  const { thread } = yield* client.request("thread/start", { cwd })
  const threadId = thread.id
  const turn = Effect.fnUntraced(function* (text: string) {
    const { turn } = yield* client.request("turn/start", { threadId, input: userInput(text) })
    yield* server.model.reply(`${text}!`)
    yield* client.notified("turn/completed")
    return turn.id
  })
  const first = yield* turn("one")
  const second = yield* turn("two")
  const fork = (params: Omit<ParamsInputOf<"thread/fork">, "threadId"> = {}) =>
    client.request("thread/fork", { threadId, ...params })
  return { ...server, client, thread, threadId, first, second, fork }
})

describe("thread/fork", () => {
  it.effect("answers with the new thread, then come its tokens, then thread/started [74]", () =>
    Effect.gen(function* () {
      const { client, first, fork, second, thread: source } = yield* setUp
      const { thread } = yield* fork()
      assert.deepStrictEqual(
        thread.turns.map(({ id, items, status }) => [id, status, items.length]),
        [
          [first, "completed", 2],
          [second, "completed", 2]
        ]
      )
      assert.deepStrictEqual(
        [thread.forkedFromId, thread.sessionId, thread.originator, thread.preview, thread.status],
        [source.id, thread.id, "forker", "one", { type: "idle" }]
      )
      const [usage, started] = [yield* client.next, yield* client.next]
      assert.strictEqual(nameOf(usage), "thread/tokenUsage/updated")
      assert.deepStrictEqual<unknown>(started, {
        _tag: "ServerNotification",
        notification: { method: "thread/started", params: { thread: { ...thread, turns: [] } } }
      })
    })
  )

  it.effect("lets the client continue in the fork, to which it is subscribed", () =>
    Effect.gen(function* () {
      const { client, fork, model } = yield* setUp
      const { thread } = yield* fork({ excludeTurns: true })
      assert.deepStrictEqual(thread.turns, [])
      yield* client.request("turn/start", { threadId: thread.id, input: userInput("three") })
      const call = yield* model.reply("three!")
      assert.strictEqual((yield* client.notified("turn/completed")).threadId, thread.id)
      assert.include(JSON.stringify(call.request.input), "two!")
    })
  )

  it.effect("takes the settings of the source, except those of the request", () =>
    Effect.gen(function* () {
      const { client, model } = yield* setUp
      const source = yield* client.request("thread/start", { cwd, sandbox: "read-only", approvalPolicy: "untrusted" })
      const threadId = source.thread.id
      yield* client.request("turn/start", { threadId, input: userInput("one") })
      yield* model.reply("one!")
      yield* client.notified("turn/completed")
      const same = yield* client.request("thread/fork", { threadId })
      assert.deepStrictEqual([same.sandbox, same.approvalPolicy], [source.sandbox, "untrusted"])
      const other = yield* client.request("thread/fork", { threadId, approvalPolicy: "never", model: "other" })
      assert.deepStrictEqual([other.sandbox, other.approvalPolicy, other.model], [source.sandbox, "never", "other"])
    })
  )

  it.effect("takes the turns up to the requested one", () =>
    Effect.gen(function* () {
      const { first, fork, second } = yield* setUp
      const turns = (params: Parameters<typeof fork>[0]) =>
        Effect.map(fork(params), ({ thread }) => thread.turns.map(({ id }) => id))
      assert.deepStrictEqual(yield* turns({ lastTurnId: first }), [first])
      assert.deepStrictEqual(yield* turns({ beforeTurnId: second }), [first])
      assert.deepStrictEqual(yield* turns({ beforeTurnId: first }), [])
    })
  )

  it.effect("refuses invalid requests with the texts of the release", () =>
    Effect.gen(function* () {
      const { client, first, second, threadId } = yield* setUp
      const fresh = (yield* client.request("thread/start", { cwd })).thread.id
      const refusals = [
        [{ lastTurnId: first, beforeTurnId: second }, "`beforeTurnId` cannot be combined with `lastTurnId`"],
        [{ lastTurnId: "nope" }, "turn not found: nope"],
        [{ beforeTurnId: "nope" }, "turn not found: nope"],
        [{ ephemeral: true }, "ephemeral paginated thread/fork requires `excludeTurns: true`"],
        [{ sandbox: "read-only", permissions: ":read-only" }, "`permissions` cannot be combined with `sandbox`"],
        [{ threadId: fresh }, `no rollout found for thread id ${fresh}`],
        [{ threadId: "abc" }, "invalid session id: invalid length: expected length 32 for simple format, found 3"]
      ] as const
      for (const [params, message] of refusals) {
        const refused = yield* Effect.flip(client.request("thread/fork", { threadId, ...params }))
        assert.deepStrictEqual(refused, invalid(message))
      }
    })
  )

  it.effect("of a running thread interrupts the turn only in the fork [74]", () =>
    Effect.gen(function* () {
      const { client, fork, model, threadId } = yield* setUp
      const { turn } = yield* client.request("turn/start", { threadId, input: userInput("three") })
      const call = yield* model.next
      const { thread } = yield* fork()
      assert.deepStrictEqual([thread.turns.at(-1)?.id, thread.turns.at(-1)?.status], [turn.id, "interrupted"])
      const refused = yield* Effect.flip(fork({ lastTurnId: turn.id }))
      assert.deepStrictEqual(refused, invalid(`lastTurnId '${turn.id}' identifies an in-progress turn`))
      yield* call.finish("three!")
      assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "completed")
    })
  )

  it.effect("into an ephemeral thread stores nothing", () =>
    Effect.gen(function* () {
      const { client, fork, threadId } = yield* setUp
      const { thread } = yield* fork({ ephemeral: true, excludeTurns: true })
      assert.isTrue(thread.ephemeral)
      const { data } = yield* client.request("thread/list", {})
      assert.deepStrictEqual(
        data.map(({ id }) => id),
        [threadId]
      )
    })
  )
})
