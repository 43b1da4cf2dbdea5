import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { nameOf } from "../../support/Server.ts"
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

describe("InProcess", () => {
  describe("shutdown", () => {
    it.effect("fails pending server requests, then pending client requests, with the same text [22]", () =>
      Effect.gen(function* () {
        const never = yield* makeNever
        const { start, router, serverRequests } = yield* makeRuntime({ [Interrupt]: never.handler })
        const client = yield* start()
        router.subscribe("t", router.connections()[0]!)
        const asked = yield* serverRequests.ask("t", "item/tool/call", call)
        const failed: Array<unknown> = []
        const note = <A>(who: string, effect: Effect.Effect<A, unknown>) =>
          Effect.forkChild(
            Effect.map(Effect.flip(effect), (error) => failed.push([who, error])),
            { startImmediately: true }
          )
        yield* note("client", client.request(Interrupt, { threadId: "t", turnId: "u" }))
        yield* note("server", asked.answer)
        yield* never.hasStarted
        const stopped = yield* Effect.forkChild(client.handle.shutdown)
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.join(stopped)
        assert.deepStrictEqual(failed, [
          ["server", stopping],
          ["client", stopping]
        ])
      })
    )

    it.effect(
      "takes no longer than its deadline, even if a handler never ends and a fiber still holds a sender [23]",
      () =>
        Effect.gen(function* () {
          const never = yield* makeNever
          const { start } = yield* makeRuntime({ [Interrupt]: never.handler })
          const client = yield* start()
          const { sender } = client.handle
          const holder = yield* Effect.forkDetach(
            Effect.flip(sender.request({ id: 1, method: Interrupt, params: { threadId: "t", turnId: "u" } }))
          )
          yield* never.hasStarted
          const stopped = yield* Effect.forkChild(client.handle.shutdown)
          yield* TestClock.adjust("4999 millis")
          assert.isUndefined(stopped.pollUnsafe())
          assert.isFalse(Deferred.isDoneUnsafe(never.interrupted))
          yield* TestClock.adjust("1 millis")
          yield* Fiber.join(stopped)
          assert.isTrue(Deferred.isDoneUnsafe(never.interrupted))
          assert.deepStrictEqual(yield* Fiber.join(holder), stopping)
          assert.deepStrictEqual(yield* Effect.flip(sender.request({ id: 1, method: List, params: {} })), closed)
        })
    )

    it.effect("lets handlers finish in time, and then does not wait [23]", () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        let finished = false
        const started = yield* Deferred.make<void>()
        const { start } = yield* makeRuntime({
          [List]: () =>
            Deferred.succeed(started, undefined).pipe(
              Effect.andThen(Deferred.await(gate)),
              Effect.map(() => {
                finished = true
                return page
              })
            )
        })
        const client = yield* start()
        yield* Effect.forkChild(Effect.exit(client.request(List, {})))
        yield* Deferred.await(started)
        yield* Effect.yieldNow
        const stopped = yield* Effect.forkChild(client.handle.shutdown)
        yield* Effect.yieldNow
        assert.isUndefined(stopped.pollUnsafe())
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(stopped)
        assert.isTrue(finished)
      })
    )

    it.effect("respects the caller's deadline [23]", () =>
      Effect.gen(function* () {
        const never = yield* makeNever
        const { start } = yield* makeRuntime({ [Interrupt]: never.handler })
        const client = yield* start({ shutdownDeadline: "10 millis" })
        yield* Effect.forkChild(Effect.exit(client.request(Interrupt, { threadId: "t", turnId: "u" })))
        yield* never.hasStarted
        const stopped = yield* Effect.forkChild(client.handle.shutdown)
        yield* TestClock.adjust("10 millis")
        yield* Fiber.join(stopped)
      })
    )

    it.effect("also runs at the end of its scope", () =>
      Effect.gen(function* () {
        const { start, router } = yield* makeRuntime({ [List]: listing })
        const scope = yield* Scope.make()
        const { handle } = yield* Scope.provide(start(), scope)
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(router.connections(), [])
        assert.deepStrictEqual(yield* Effect.flip(handle.request({ id: 1, method: List, params: {} })), closed)
        assert.strictEqual((yield* handle.nextEvent)._tag, "None")
      })
    )

    it.effect("respects its deadline at the end of its scope [23]", () =>
      Effect.gen(function* () {
        const never = yield* makeNever
        const { start } = yield* makeRuntime({ [Interrupt]: never.handler })
        const scope = yield* Scope.make()
        const client = yield* Scope.provide(start(), scope)
        yield* Effect.forkChild(Effect.exit(client.request(Interrupt, { threadId: "t", turnId: "u" })))
        yield* never.hasStarted
        const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.join(closing)
        assert.isTrue(Deferred.isDoneUnsafe(never.interrupted))
      })
    )

    it.effect("leaves earlier events readable, and then ends the events, however often it is called [24]", () =>
      Effect.gen(function* () {
        const { start, router } = yield* makeRuntime({})
        const client = yield* start()
        for (const threadId of ["a", "b"]) yield* router.notify("thread/closed", { threadId }, threadId)
        yield* client.handle.shutdown
        yield* client.handle.shutdown
        assert.deepStrictEqual(yield* Effect.map(Effect.all([client.next, client.next]), (all) => all.map(nameOf)), [
          "thread/closed",
          "thread/closed"
        ])
        for (let again = 0; again < 2; again++) assert.strictEqual((yield* client.handle.nextEvent)._tag, "None")
      })
    )

    it.effect("ends the wait for an event [24]", () =>
      Effect.gen(function* () {
        const { start } = yield* makeRuntime({})
        const { handle } = yield* start()
        const waiting = yield* Effect.forkChild(handle.nextEvent, { startImmediately: true })
        yield* handle.shutdown
        assert.strictEqual((yield* Fiber.join(waiting))._tag, "None")
      })
    )

    it.effect("is not delayed by a producer that waits for a stopped consumer [33]", () =>
      Effect.gen(function* () {
        const { start, router } = yield* makeRuntime({})
        const client = yield* start({ channelCapacity: 1 })
        const publish = Effect.forEach(["a", "b", "c"], (threadId) =>
          router.notify("thread/closed", { threadId }, threadId)
        )
        const telling = yield* Effect.forkChild(publish, { startImmediately: true })
        yield* client.handle.shutdown
        yield* Fiber.join(telling)
      })
    )

    it.effect("ends the events of a consumer that dropped them, and nothing waits for it [24]", () =>
      Effect.gen(function* () {
        const { start, router } = yield* makeRuntime({ [List]: listing })
        const client = yield* start({ channelCapacity: 1 })
        yield* client.handle.dropEvents
        yield* router.notify("thread/closed", { threadId: "t" }, "t")
        yield* router.notify("thread/closed", { threadId: "t" }, "t")
        assert.strictEqual((yield* client.handle.nextEvent)._tag, "None")
        assert.deepStrictEqual(yield* client.request(List, {}), page)
      })
    )
  })
})
