import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as AppServer from "../../../src/layers/AppServer.ts"
import {
  type NotificationParams,
  type ServerNotificationMethod,
  serverNotificationTable
} from "../../../src/protocol/Methods.ts"
import { InProcessError } from "../../../src/services/connection/InProcess.ts"
import { ModelProvider } from "../../../src/services/model/ModelProvider.ts"
import { RequestError } from "../../../src/services/routing/RequestError.ts"
import * as MemoryFiles from "../../support/MemoryFiles.ts"
import { nameOf, optionsOf } from "../../support/Server.ts"
import {
  call,
  closed,
  initialize,
  Interrupt,
  List,
  listing,
  makeNever,
  makeRuntime,
  page
} from "../../support/Runtime.ts"

describe("InProcess", () => {
  describe("start", () => {
    it.effect("returns after the handshake [12]", () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const { start, router } = yield* makeRuntime({
          initialize: (...args) => Effect.andThen(Deferred.await(gate), initialize(...args)),
          [List]: listing
        })
        const starting = yield* Effect.forkChild(start())
        yield* Effect.yieldNow
        yield* Effect.yieldNow
        assert.isUndefined(starting.pollUnsafe())
        yield* Deferred.succeed(gate, undefined)
        const client = yield* Fiber.join(starting)
        assert.isTrue(router.connections().every(({ session }) => session !== undefined))
        assert.deepStrictEqual(yield* client.request(List, {}), page)
      })
    )

    it.effect("fails with the error of initialize, and closes the connection [12]", () =>
      Effect.gen(function* () {
        const { start, router } = yield* makeRuntime({
          initialize: () => Effect.fail(new RequestError({ code: -32600, message: "no such client" }))
        })
        assert.deepStrictEqual(
          yield* Effect.flip(start()),
          new InProcessError({
            reason: { _tag: "HandshakeFailed" },
            message: "in-process initialize failed: no such client"
          })
        )
        assert.deepStrictEqual(router.connections(), [])
      })
    )

    it.effect("fails with the error of initialize, and closes the server [12]", () =>
      Effect.gen(function* () {
        const released = yield* Deferred.make<void>()
        const model = Layer.effect(
          ModelProvider,
          Effect.as(
            Effect.addFinalizer(() => Deferred.succeed(released, undefined)),
            { stream: () => Stream.empty }
          )
        )
        const error = yield* AppServer.start({
          ...optionsOf({ model }),
          initialize: { clientInfo: { name: "a\nb", version: "1" } }
        }).pipe(Effect.provide(MemoryFiles.make().layer), Effect.flip)
        assert.strictEqual(
          error.message,
          "in-process initialize failed: Invalid clientInfo.name: 'a\nb'. Must be a valid HTTP header value."
        )
        assert.isTrue(Deferred.isDoneUnsafe(released))
      })
    )

    for (const channelCapacity of [0, 1]) {
      it.effect(`works with a capacity of ${channelCapacity}: requests go there and back [13]`, () =>
        Effect.gen(function* () {
          const { start } = yield* makeRuntime({ [List]: listing })
          const client = yield* start({ channelCapacity })
          for (let round = 0; round < 3; round++) assert.deepStrictEqual(yield* client.request(List, {}), page)
        })
      )
    }
  })

  describe("submission", () => {
    it.effect("fails at once when the queue of unread messages is full [14]", () =>
      Effect.gen(function* () {
        const { start } = yield* makeRuntime({ [List]: listing })
        const { handle } = yield* start({ channelCapacity: 1 })
        const full = new InProcessError({
          reason: { _tag: "Overloaded" },
          message: "in-process app-server client queue is full"
        })
        const first = yield* Effect.forkChild(handle.request({ id: 1, method: List, params: {} }), {
          startImmediately: true
        })
        const refused = yield* Effect.all([
          Effect.flip(handle.request({ id: 2, method: List, params: {} })),
          Effect.flip(handle.notify({ method: "x" })),
          Effect.flip(handle.respondToServerRequest(0, {})),
          Effect.flip(handle.failServerRequest(0, { code: 1, message: "no" }))
        ])
        assert.deepStrictEqual(refused, [full, full, full, full])
        assert.deepStrictEqual(yield* Fiber.join(first), page)
        assert.deepStrictEqual(yield* handle.request({ id: 2, method: List, params: {} }), page)
      })
    )

    it.effect("fails once the runtime has ended, through every copy of its sender [14] [24]", () =>
      Effect.gen(function* () {
        const { start } = yield* makeRuntime({ [List]: listing })
        const { handle } = yield* start()
        yield* handle.shutdown
        for (const sender of [handle, handle.sender, { ...handle.sender }]) {
          const refused = yield* Effect.all([
            Effect.flip(sender.request({ id: 1, method: List, params: {} })),
            Effect.flip(sender.notify({ method: "x" })),
            Effect.flip(sender.respondToServerRequest(0, {})),
            Effect.flip(sender.failServerRequest(0, { code: 1, message: "no" }))
          ])
          assert.deepStrictEqual(refused, [closed, closed, closed, closed])
        }
      })
    )
  })

  describe("a request", () => {
    it.effect("with a pending id is refused without affecting the first, and then the id is free [15]", () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const { start } = yield* makeRuntime({ [List]: () => Effect.as(Deferred.await(gate), page) })
        const { handle } = yield* start()
        const list = (id: number | string) => handle.request({ id, method: List, params: {} })
        const first = yield* Effect.forkChild(Effect.all([list(7), list("7")], { concurrency: 2 }), {
          startImmediately: true
        })
        yield* Effect.yieldNow
        assert.deepStrictEqual(yield* Effect.all([Effect.flip(list(7)), Effect.flip(list("7"))]), [
          new RequestError({ code: -32600, message: "duplicate request id: 7" }),
          new RequestError({ code: -32600, message: 'duplicate request id: "7"' })
        ])
        yield* Deferred.succeed(gate, undefined)
        assert.deepStrictEqual(yield* Fiber.join(first), [page, page])
        assert.deepStrictEqual(yield* list(7), page)
      })
    )

    it.effect("that exceeds the waiting limit is refused, and its id is free at once [16]", () =>
      Effect.gen(function* () {
        const never = yield* makeNever
        const { start } = yield* makeRuntime({ [Interrupt]: never.handler, [List]: listing })
        const { handle } = yield* start({ channelCapacity: 1, shutdownDeadline: 0 })
        const interrupt = (id: number) =>
          handle.request({ id, method: Interrupt, params: { threadId: "t", turnId: "u" } })
        yield* Effect.forkChild(interrupt(1))
        yield* never.hasStarted
        yield* Effect.forkChild(interrupt(2))
        yield* Effect.yieldNow
        yield* Effect.yieldNow
        const full = new RequestError({ code: -32001, message: "in-process app-server request queue is full" })
        assert.deepStrictEqual(yield* Effect.flip(interrupt(3)), full)
        assert.deepStrictEqual(yield* handle.request({ id: 3, method: List, params: {} }), page)
      })
    )

    it.effect("is cancelled in the server when its caller is interrupted, and its id is free [20]", () =>
      Effect.gen(function* () {
        const never = yield* makeNever
        const { start } = yield* makeRuntime({ [Interrupt]: never.handler, [List]: listing })
        const { handle } = yield* start()
        const caller = yield* Effect.forkChild(
          handle.request({ id: 1, method: Interrupt, params: { threadId: "t", turnId: "u" } })
        )
        yield* never.hasStarted
        yield* Fiber.interrupt(caller)
        assert.isTrue(Deferred.isDoneUnsafe(never.interrupted))
        assert.deepStrictEqual(yield* handle.request({ id: 1, method: List, params: {} }), page)
      })
    )

    it.effect("never runs when its caller is interrupted before it is read [20]", () =>
      Effect.gen(function* () {
        let run = 0
        const { start } = yield* makeRuntime({
          [List]: () => Effect.sync(() => (run++, page))
        })
        const { handle } = yield* start()
        const list = handle.request({ id: 1, method: List, params: {} })
        const caller = yield* Effect.forkChild(list, { startImmediately: true })
        yield* Fiber.interrupt(caller)
        assert.deepStrictEqual(yield* list, page)
        assert.strictEqual(run, 1)
      })
    )

    it.effect("is forgotten when its caller is interrupted before there is room for it, and its id is free [20]", () =>
      Effect.gen(function* () {
        const { start } = yield* makeRuntime({ [List]: listing })
        const { handle } = yield* start({ channelCapacity: 1 })
        const list = (id: number) => handle.whenRoom.request({ id, method: List, params: {} })
        const first = yield* Effect.forkChild(list(1), { startImmediately: true })
        const waiting = yield* Effect.forkChild(list(2), { startImmediately: true })
        yield* Fiber.interrupt(waiting)
        assert.deepStrictEqual([yield* Fiber.join(first), yield* list(2)], [page, page])
      })
    )

    it.effect("fails when its result is not JSON, without affecting others [25]", () =>
      Effect.gen(function* () {
        const circular: Record<string, unknown> = {}
        circular["self"] = circular
        const results = [{ data: 1n }, circular, { call: () => undefined }, undefined, page]
        const { start } = yield* makeRuntime({
          // A handler that violates its type.
          [List]: () => Effect.sync(() => results.shift() as never)
        })
        const client = yield* start()
        const list = client.request(List, {})
        const unfit = new RequestError({ code: -32603, message: "failed to serialize response: not JSON" })
        for (let count = 0; count < 4; count++) assert.deepStrictEqual(yield* Effect.flip(list), unfit)
        assert.deepStrictEqual(yield* list, page)
      })
    )

    it.effect("is answered while the consumer reads no events, and so are server requests", () =>
      Effect.gen(function* () {
        const { start, router, serverRequests } = yield* makeRuntime({ [List]: listing })
        const { handle } = yield* start({ channelCapacity: 1 })
        const [connection] = router.connections()
        router.subscribe("t", connection!)
        const asked = yield* serverRequests.ask("t", "item/tool/call", call)
        const telling = yield* Effect.forkChild(router.notify("thread/closed", { threadId: "t" }, "t"), {
          startImmediately: true
        })
        assert.isUndefined(telling.pollUnsafe())
        assert.deepStrictEqual(yield* handle.request({ id: 1, method: List, params: {} }), page)
        yield* handle.respondToServerRequest(asked.id, "done")
        assert.strictEqual(yield* asked.answer, "done")
      })
    )
  })

  it.effect("refuses a message that is nested too deeply, and serves the next request [10]", () =>
    Effect.gen(function* () {
      const { start } = yield* makeRuntime({ [List]: listing })
      const { handle } = yield* start()
      const params: unknown = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`)
      const detail = "nested deeper than 127 levels"
      assert.deepStrictEqual(
        yield* Effect.flip(handle.requestUnknown({ id: 1, method: List, params })),
        new RequestError({ code: -32600, message: `Invalid request: ${detail}` })
      )
      assert.deepStrictEqual(
        yield* Effect.flip(handle.respondToServerRequest(0, params)),
        new InProcessError({ reason: { _tag: "InvalidMessage" }, message: `the message is ${detail}` })
      )
      assert.deepStrictEqual(yield* handle.request({ id: 1, method: List, params: {} }), page)
    })
  )

  it.effect("lets a caller cancel without waiting for the handler [20]", () =>
    Effect.gen(function* () {
      const started = yield* Deferred.make<void>()
      const gate = yield* Deferred.make<void>()
      const { start } = yield* makeRuntime({
        [Interrupt]: () =>
          Effect.uninterruptible(
            Effect.as(Effect.andThen(Deferred.succeed(started, undefined), Deferred.await(gate)), {})
          ),
        [List]: listing
      })
      const client = yield* start()
      const caller = yield* Effect.forkChild(client.request(Interrupt, { threadId: "t", turnId: "u" }))
      yield* Effect.andThen(Deferred.await(started), Effect.yieldNow)
      yield* Fiber.interrupt(caller)
      assert.deepStrictEqual(yield* client.request(List, {}), page)
      yield* Deferred.succeed(gate, undefined)
    })
  )

  describe("a server request", () => {
    const setUp = Effect.gen(function* () {
      const { start, router, serverRequests } = yield* makeRuntime({})
      const client = yield* start({ channelCapacity: 1 })
      const [connection] = router.connections()
      router.subscribe("t", connection!)
      return { client, ask: serverRequests.ask("t", "item/tool/call", call) }
    })

    it.effect("is an event, and is answered or refused by its id", () =>
      Effect.gen(function* () {
        const { client, ask } = yield* setUp
        const first = yield* ask
        assert.deepStrictEqual(yield* client.asked, { id: 0, method: "item/tool/call", params: call })
        yield* client.handle.respondToServerRequest(0, { success: true })
        assert.deepStrictEqual(yield* first.answer, { success: true })
        const second = yield* ask
        yield* client.asked
        yield* client.handle.failServerRequest(1, { code: 5, message: "no" })
        assert.deepStrictEqual(yield* Effect.flip(second.answer), new RequestError({ code: 5, message: "no" }))
      })
    )

    it.effect("fails in the server when the queue is full, and when it is closed [17]", () =>
      Effect.gen(function* () {
        const { client, ask } = yield* setUp
        const unread = yield* ask
        const refused = yield* Effect.forkChild(Effect.flip((yield* ask).answer))
        yield* TestClock.adjust("4999 millis")
        assert.isUndefined(refused.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(
          yield* Fiber.join(refused),
          new RequestError({ code: -32001, message: "in-process server request queue is full" })
        )
        yield* client.handle.dropEvents
        const gone = new RequestError({ code: -32603, message: "in-process server request consumer is closed" })
        assert.deepStrictEqual(yield* Effect.flip((yield* ask).answer), gone)
        assert.deepStrictEqual(yield* Effect.flip(unread.answer), gone)
      })
    )
  })

  describe("events", () => {
    /** A client with room for one event, and a publisher. */
    const setUp = Effect.gen(function* () {
      const { start, router } = yield* makeRuntime({})
      const client = yield* start({ channelCapacity: 1 })
      const [connection] = router.connections()
      router.subscribe("t", connection!)
      const publish = (method: ServerNotificationMethod, params: unknown) =>
        // The caller has them from the method's schema.
        router.notify(method, params as NotificationParams<typeof method>, "t")
      return { client, publish }
    })

    const guaranteed = (Object.keys(serverNotificationTable) as ReadonlyArray<ServerNotificationMethod>).filter(
      (method) =>
        serverNotificationTable[method].tier === "lossless" && serverNotificationTable[method].stability === "stable"
    )

    it.effect(
      "that are lossless all arrive in order at a full queue, and only best-effort ones are dropped [18] [19]",
      () =>
        Effect.gen(function* () {
          const { client, publish } = yield* setUp
          const published: Array<object> = []
          for (const method of guaranteed) {
            const [params] = yield* Arbitrary.sampleEffect(Arbitrary.schema(serverNotificationTable[method].params()), {
              count: 1,
              seed: method
            })
            published.push({ method, params })
          }
          const publisher = yield* Effect.forkChild(
            Effect.forEach(published, (each) => {
              const { method, params } = each as { readonly method: ServerNotificationMethod; readonly params: unknown }
              return Effect.andThen(publish(method, params), publish("warning", { threadId: "t", message: method }))
            }),
            { startImmediately: true }
          )
          const kept: Array<object> = []
          let lost = 0
          let warned = 0
          while (kept.length < published.length) {
            const event = yield* client.next
            if (event._tag === "Lagged") lost += event.skipped
            else if (nameOf(event) === "warning") warned++
            else if (event._tag === "ServerNotification") kept.push(event.notification)
          }
          yield* Fiber.join(publisher)
          assert.deepStrictEqual(kept, published)
          assert.isAbove(lost, 0)
          assert.isAtMost(lost + warned, published.length)
        })
    )

    it.effect("are a stream that ends with the runtime [24]", () =>
      Effect.gen(function* () {
        const { client, publish } = yield* setUp
        const reading = yield* Effect.forkChild(Stream.runCollect(client.handle.events))
        for (const threadId of ["a", "b", "c"]) yield* publish("thread/closed", { threadId })
        yield* client.handle.shutdown
        assert.deepStrictEqual(
          (yield* Fiber.join(reading)).map((event) => event._tag === "ServerNotification" && event.notification.params),
          ["a", "b", "c"].map((threadId) => ({ threadId }))
        )
      })
    )
  })
})
