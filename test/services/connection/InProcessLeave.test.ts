import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import {
  call,
  closed,
  Interrupt,
  List,
  listing,
  makeNever,
  makeRuntime,
  page,
  stopping
} from "../../support/Runtime.ts"
import { nameOf, userInput } from "../../support/Server.ts"
import { asking, gated } from "../../support/Tools.ts"
import { makeThread } from "../../support/Threads.ts"

const leaves = { ownsServer: false } as const

describe("InProcess, one of several clients, when it leaves", () => {
  it.effect("does not stop the turns that it started [58]", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const { client, connect, model, threadId, turn } = yield* makeThread({
        toolbox: [gated("slow", Deferred.await(gate))]
      })
      yield* turn("hello", "hi")
      const going = yield* connect(leaves)
      yield* going.request("thread/resume", { threadId })
      yield* going.request("turn/start", { threadId, input: userInput("work") })
      const call = yield* model.call(["slow", "c1"])
      yield* call.closed
      yield* going.handle.shutdown
      yield* Deferred.succeed(gate, undefined)
      yield* model.reply("done")
      assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "completed")
    })
  )

  it.effect("leaves pending requests to the others [58]", () =>
    Effect.gen(function* () {
      const { client, connect, model, start, threadId, turn } = yield* makeThread({ toolbox: [asking] })
      yield* turn("hello", "hi")
      const going = yield* connect(leaves)
      yield* going.request("thread/resume", { threadId })
      yield* start("work")
      yield* model.call(["ask", "c1"])
      yield* going.asked
      yield* going.handle.shutdown
      const { id } = yield* client.asked
      yield* client.handle.respondToServerRequest(id, { decision: "accept" })
      yield* model.reply("done")
      assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "completed")
    })
  )

  it.effect("is not delayed by unread events, which can still be read [33]", () =>
    Effect.gen(function* () {
      const { start, router } = yield* makeRuntime({})
      const going = yield* start({ ...leaves, channelCapacity: 1 })
      const other = yield* start()
      const telling = yield* Effect.forkChild(
        Effect.forEach(["a", "b"], (threadId) => router.notify("thread/closed", { threadId }, threadId)),
        { startImmediately: true }
      )
      yield* going.handle.shutdown
      yield* Fiber.join(telling)
      assert.deepStrictEqual(router.connections().length, 1)
      assert.deepStrictEqual([yield* going.next, yield* going.next].map(nameOf), ["thread/closed", "thread/closed"])
      assert.strictEqual((yield* going.handle.nextEvent)._tag, "None")
      assert.deepStrictEqual([yield* other.next, yield* other.next].map(nameOf), ["thread/closed", "thread/closed"])
    })
  )

  it.effect("fails its own pending requests within its deadline, and not those of others [22] [23]", () =>
    Effect.gen(function* () {
      const never = yield* makeNever
      const gate = yield* Deferred.make<void>()
      const { serverRequests, router, start } = yield* makeRuntime({
        [Interrupt]: never.handler,
        [List]: (...args) => Effect.andThen(Deferred.await(gate), listing(...args))
      })
      const going = yield* start(leaves)
      const other = yield* start()
      router.subscribe("t", router.connections()[1]!)
      const asked = yield* serverRequests.ask("t", "item/tool/call", call)
      const pending = yield* Effect.forkChild(Effect.flip(going.request(Interrupt, { threadId: "t", turnId: "u" })))
      const others = yield* Effect.forkChild(other.request(List, {}))
      yield* never.hasStarted
      const left = yield* Effect.forkChild(going.handle.shutdown)
      assert.deepStrictEqual(yield* Fiber.join(pending), stopping)
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(left.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(left)
      assert.isTrue(Deferred.isDoneUnsafe(never.interrupted))
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(yield* Fiber.join(others), page)
      yield* other.handle.respondToServerRequest(asked.id, "done")
      assert.strictEqual(yield* asked.answer, "done")
      assert.deepStrictEqual(yield* Effect.flip(going.request(List, {})), closed)
    })
  )
})
