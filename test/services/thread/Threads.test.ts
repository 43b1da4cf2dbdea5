import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { RequestError } from "../../../src/services/routing/RequestError.ts"
import { Toolset } from "../../../src/services/tool/Toolset.ts"
import { cwd, makeServer, nameOf, userInput, type ServerOptions } from "../../support/Server.ts"

const invalid = (message: string) => new RequestError({ code: -32600, message })

/** A server with a client whose thread has had a turn. */
const setUp = Effect.fnUntraced(function* (options: ServerOptions = {}) {
  const server = yield* makeServer(options)
  const scope = yield* Scope.make()
  const client = yield* Scope.provide(server.connect({ ownsServer: false }), scope)
  const { thread } = yield* client.request("thread/start", { cwd })
  const threadId = thread.id
  const turn = Effect.gen(function* () {
    yield* client.request("turn/start", { threadId, input: userInput("hello") })
    yield* server.model.reply("hi")
    yield* client.notified("turn/completed")
  })
  yield* turn
  return {
    ...server,
    client,
    threadId,
    turn,
    isLoaded: () => server.threads.find(threadId) !== undefined,
    leave: client.request("thread/unsubscribe", { threadId }),
    disconnect: Scope.close(scope, Exit.void)
  }
})

describe("Threads", () => {
  describe("a thread without subscribers and turns", () => {
    it.effect("is unloaded after half an hour, which is broadcast [69]", () =>
      Effect.gen(function* () {
        const { client, connect, isLoaded, leave, threadId } = yield* setUp()
        const other = yield* connect()
        yield* leave
        yield* TestClock.adjust("29 minutes")
        assert.isTrue(isLoaded())
        yield* TestClock.adjust("1 minutes")
        assert.isFalse(isLoaded())
        for (const each of [client, other]) {
          const [status, closed] = [yield* each.next, yield* each.next]
          assert.deepStrictEqual<unknown>(status, {
            _tag: "ServerNotification",
            notification: {
              method: "thread/status/changed",
              params: { threadId, status: { type: "notLoaded" } }
            }
          })
          assert.deepStrictEqual<unknown>(closed, {
            _tag: "ServerNotification",
            notification: { method: "thread/closed", params: { threadId } }
          })
        }
      })
    )

    it.effect("can be read and resumed completely afterwards [69]", () =>
      Effect.gen(function* () {
        const { client, leave, threadId } = yield* setUp()
        const before = yield* client.request("thread/read", { threadId, includeTurns: true })
        yield* leave
        yield* TestClock.adjust("30 minutes")
        const after = yield* client.request("thread/read", { threadId, includeTurns: true })
        assert.deepStrictEqual(after.thread.turns, before.thread.turns)
        assert.deepStrictEqual(after.thread.status, { type: "notLoaded" })
        assert.deepStrictEqual(
          yield* Effect.flip(client.request("turn/start", { threadId, input: [] })),
          invalid(`thread not found: ${threadId}`)
        )
        assert.deepStrictEqual(yield* client.request("thread/unsubscribe", { threadId }), { status: "notLoaded" })
        const { thread } = yield* client.request("thread/resume", { threadId })
        assert.deepStrictEqual(thread.turns, before.thread.turns)
      })
    )

    it.effect("is unloaded after its only client has left, too [69]", () =>
      Effect.gen(function* () {
        const { disconnect, isLoaded } = yield* setUp()
        yield* TestClock.adjust("60 minutes")
        yield* disconnect
        assert.isTrue(isLoaded())
        yield* TestClock.adjust("30 minutes")
        assert.isFalse(isLoaded())
      })
    )

    it.effect("stays loaded for another half hour after a client subscribed and left [69]", () =>
      Effect.gen(function* () {
        const { client, isLoaded, leave, threadId } = yield* setUp()
        yield* leave
        yield* TestClock.adjust("20 minutes")
        yield* client.request("thread/resume", { threadId })
        yield* TestClock.adjust("60 minutes")
        assert.isTrue(isLoaded())
        yield* leave
        yield* TestClock.adjust("29 minutes")
        assert.isTrue(isLoaded())
        yield* TestClock.adjust("1 minutes")
        assert.isFalse(isLoaded())
      })
    )

    it.effect("stays loaded while a turn runs and for half an hour after it [69]", () =>
      Effect.gen(function* () {
        const { client, isLoaded, leave, model, threadId } = yield* setUp()
        yield* leave
        yield* TestClock.adjust("20 minutes")
        yield* client.request("turn/start", { threadId, input: userInput("more") })
        const call = yield* model.next
        yield* TestClock.adjust("90 minutes")
        assert.isTrue(isLoaded())
        yield* call.finish("ok")
        yield* client.until(
          (event) =>
            event._tag === "ServerNotification" &&
            event.notification.method === "thread/status/changed" &&
            event.notification.params.status.type === "idle"
        )
        yield* TestClock.adjust("29 minutes")
        assert.isTrue(isLoaded())
        yield* TestClock.adjust("1 minutes")
        assert.isFalse(isLoaded())
      })
    )

    for (const order of ["before", "behind"]) {
      it.effect(`is followed or refused by who comes in the last moment, ${order} the clock [69]`, () =>
        Effect.gen(function* () {
          const { client, isLoaded, leave, threadId } = yield* setUp()
          const resume = Effect.andThen(
            Effect.sleep("30 minutes"),
            Effect.result(client.request("thread/resume", { threadId }))
          )
          if (order === "behind") yield* leave
          const late = yield* Effect.forkChild(resume, { startImmediately: true })
          if (order === "before") yield* leave
          yield* TestClock.adjust("30 minutes")
          const resumed = yield* Fiber.join(late)
          assert.strictEqual(isLoaded(), Result.isSuccess(resumed))
        })
      )
    }

    it.effect("can be resumed while slow clients have not yet received thread/closed [69]", () =>
      Effect.gen(function* () {
        const { client, connect, leave, model, threadId } = yield* setUp()
        const slow = yield* connect({ channelCapacity: 1 })
        yield* leave
        yield* TestClock.adjust("30 minutes")
        yield* client.notified("thread/closed")
        yield* client.request("thread/resume", { threadId })
        yield* slow.notified("thread/closed")
        yield* client.request("turn/start", { threadId, input: userInput("more") })
        yield* Effect.forkChild(Effect.forever(slow.next))
        yield* model.reply("ok")
        assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "completed")
      })
    )
  })

  it.effect("a closing thread refuses requests with that reason, until it is closed [69]", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const tools = Layer.succeed(Toolset, {
        open: () => Effect.addFinalizer(() => Deferred.await(gate))
      })
      const { client, leave, threadId } = yield* setUp({ tools })
      yield* leave
      yield* TestClock.adjust("30 minutes")
      assert.deepStrictEqual(
        yield* Effect.flip(client.request("thread/resume", { threadId })),
        invalid(`thread ${threadId} is closing; retry thread/resume after the thread is closed`)
      )
      assert.deepStrictEqual(
        yield* Effect.flip(client.request("turn/start", { threadId, input: userInput("x") })),
        invalid(`thread ${threadId} is closing; retry after the thread is closed`)
      )
      yield* Deferred.succeed(gate, undefined)
      yield* client.notified("thread/closed")
      const { thread } = yield* client.request("thread/resume", { threadId })
      assert.strictEqual(thread.turns.length, 1)
    })
  )

  it.effect("the tools of a thread end with it, and those of others do not [69]", () =>
    Effect.gen(function* () {
      const ended: Array<string> = []
      const tools = Layer.succeed(Toolset, {
        open: ({ threadId }) => Effect.addFinalizer(() => Effect.sync(() => ended.push(threadId)))
      })
      const { client, leave, threadId } = yield* setUp({ tools })
      yield* client.request("thread/start", { cwd })
      yield* leave
      yield* TestClock.adjust("30 minutes")
      assert.deepStrictEqual(ended, [threadId])
    })
  )

  it.effect("loaded threads are listed in pages, oldest first", () =>
    Effect.gen(function* () {
      const { client, threadId } = yield* setUp()
      const ids = [threadId]
      for (let count = 0; count < 2; count++) ids.push((yield* client.request("thread/start", { cwd })).thread.id)
      const list = (limit: number | null, cursor?: string) =>
        client.request("thread/loaded/list", { limit, cursor: cursor ?? null })
      assert.deepStrictEqual(yield* list(null), { data: ids, nextCursor: null })
      assert.deepStrictEqual<unknown>(yield* list(2), { data: ids.slice(0, 2), nextCursor: ids[1] })
      assert.deepStrictEqual(yield* list(2, ids[1]), { data: ids.slice(2), nextCursor: null })
      assert.deepStrictEqual<unknown>(yield* list(0), { data: ids.slice(0, 1), nextCursor: ids[0] })
      // The cursor may name a thread that is no longer loaded.
      assert.deepStrictEqual(yield* list(null, "00000000-0000-7000-8000-000000000000"), { data: ids, nextCursor: null })
      assert.deepStrictEqual(yield* list(null, "ffffffff-ffff-7fff-bfff-ffffffffffff"), { data: [], nextCursor: null })
      for (const cursor of ["", "garbage", "2026-01-01T00:00:00Z", "7"]) {
        const { message } = yield* Effect.flip(list(null, cursor))
        assert.strictEqual(message, `invalid cursor: ${cursor}`)
      }
    })
  )

  it.effect("stopping interrupts the turns of all threads concurrently", () =>
    Effect.gen(function* () {
      const { client, model, threadId, threads } = yield* setUp()
      const other = yield* client.request("thread/start", { cwd })
      for (const id of [threadId, other.thread.id]) {
        yield* client.request("turn/start", { threadId: id, input: userInput("x") })
      }
      const calls = [yield* model.next, yield* model.next]
      assert.strictEqual(threads.running(), 2)
      const stopping = yield* Effect.forkChild(threads.stop)
      yield* Effect.forEach(calls, (call) => call.closed)
      yield* Fiber.join(stopping)
      assert.strictEqual(threads.running(), 0)
      const ends: Array<string> = []
      while (ends.length < 2) {
        const event = yield* client.next
        if (nameOf(event) === "turn/completed") ends.push(nameOf(event))
      }
    })
  )
})
