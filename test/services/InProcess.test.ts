import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as AppServer from "../../src/layers/AppServer.ts"
import type { SessionSource } from "../../src/protocol/Thread.ts"
import {
  type NotificationParams,
  type ServerNotificationMethod,
  ServerNotifications
} from "../../src/protocol/methods/ServerNotifications.ts"
import type { Handler } from "../../src/services/Handlers.ts"
import { InProcessError } from "../../src/services/InProcess.ts"
import { ModelProvider } from "../../src/services/ModelProvider.ts"
import { RequestError } from "../../src/services/RequestError.ts"
import * as MemoryFiles from "../support/MemoryFiles.ts"
import { started } from "../support/ScriptedModel.ts"
import { initialize, makeRuntime } from "../support/Runtime.ts"
import { clientOf, cwd, makeServer, nameOf, optionsOf, say } from "../support/Server.ts"

const List = "thread/loaded/list"
const Interrupt = "turn/interrupt"

const page = { data: ["t"], nextCursor: null }

const listing: Handler<typeof List> = () => Effect.succeed(page)

const closed = new InProcessError({ kind: "BrokenPipe", message: "in-process app-server runtime is closed" })

const stopping = new RequestError({ code: -32603, message: "in-process app-server runtime is shutting down" })

const call = { threadId: "t", turnId: "u", callId: "c", namespace: null, tool: "x", arguments: {} }

/** A handler that never ends by itself, and says when it begins and when it is interrupted. */
const makeNever = Effect.gen(function* () {
  const started = yield* Deferred.make<void>()
  const interrupted = yield* Deferred.make<void>()
  const handler: Handler<typeof Interrupt> = () =>
    Deferred.succeed(started, undefined).pipe(
      Effect.andThen(Effect.never),
      Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
    )
  return { handler, hasStarted: Effect.andThen(Deferred.await(started), Effect.yieldNow), interrupted }
})

describe("InProcess", () => {
  describe("start", () => {
    it.effect("returns when the handshake is done, and not before [12]", () =>
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

    it.effect("fails with what initialize said, and leaves nothing of the connection [12]", () =>
      Effect.gen(function* () {
        const { start, router } = yield* makeRuntime({
          initialize: () => Effect.fail(new RequestError({ code: -32600, message: "no such client" }))
        })
        assert.deepStrictEqual(
          yield* Effect.flip(start()),
          new InProcessError({ kind: "InvalidData", message: "in-process initialize failed: no such client" })
        )
        assert.deepStrictEqual(router.connections(), [])
      })
    )

    it.effect("fails with what initialize said, and leaves nothing of the server [12]", () =>
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
    it.effect("fails at once when as many as there is room for are not yet looked at [14]", () =>
      Effect.gen(function* () {
        const { start } = yield* makeRuntime({ [List]: listing })
        const { handle } = yield* start({ channelCapacity: 1 })
        const full = new InProcessError({ kind: "WouldBlock", message: "in-process app-server client queue is full" })
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
    it.effect("with an id that is in flight is refused, the first is not touched, and then the id is free [15]", () =>
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

    it.effect("that finds no place to wait in is refused, and its id is free at once [16]", () =>
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

    it.effect("is never run when its caller is interrupted before it is looked at [20]", () =>
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

    it.effect("fails when its result has no form in JSON, and no other does [25]", () =>
      Effect.gen(function* () {
        const circular: Record<string, unknown> = {}
        circular["self"] = circular
        const results = [{ data: 1n }, circular, { call: () => undefined }, undefined, page]
        const { start } = yield* makeRuntime({
          // As a handler might that does not keep to its type.
          [List]: () => Effect.sync(() => results.shift() as never)
        })
        const client = yield* start()
        const list = client.request(List, {})
        const unfit = new RequestError({ code: -32603, message: "failed to serialize response: not JSON" })
        for (let count = 0; count < 4; count++) assert.deepStrictEqual(yield* Effect.flip(list), unfit)
        assert.deepStrictEqual(yield* list, page)
      })
    )

    it.effect("is answered while the consumer of events does not read, and so are the server's own", () =>
      Effect.gen(function* () {
        const { start, router, outgoing } = yield* makeRuntime({ [List]: listing })
        const { handle } = yield* start({ channelCapacity: 1 })
        const [connection] = router.connections()
        router.subscribe("t", connection!)
        const asked = yield* outgoing.ask("t", "item/tool/call", call)
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

  describe("a request of the server", () => {
    const setUp = Effect.gen(function* () {
      const { start, router, outgoing } = yield* makeRuntime({})
      const client = yield* start({ channelCapacity: 1 })
      const [connection] = router.connections()
      router.subscribe("t", connection!)
      return { client, ask: outgoing.ask("t", "item/tool/call", call) }
    })

    it.effect("is an event, and is answered by its id or refused by it", () =>
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

    it.effect("fails in the server when there is no room for it, and when nobody reads [17]", () =>
      Effect.gen(function* () {
        const { client, ask } = yield* setUp
        const unread = yield* ask
        assert.deepStrictEqual(
          yield* Effect.flip((yield* ask).answer),
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
    /** A client with room for one event, and somebody who tells it things. */
    const setUp = Effect.gen(function* () {
      const { start, router } = yield* makeRuntime({})
      const client = yield* start({ channelCapacity: 1 })
      const [connection] = router.connections()
      router.subscribe("t", connection!)
      const tell = (method: ServerNotificationMethod, params: unknown) =>
        // The caller has them from the method's own schema.
        router.notify(method, params as NotificationParams<typeof method>, "t")
      return { client, tell }
    })

    const guaranteed = (Object.keys(ServerNotifications) as ReadonlyArray<ServerNotificationMethod>).filter(
      (method) => ServerNotifications[method].tier === "lossless" && ServerNotifications[method].stability === "stable"
    )

    it.effect(
      "that are guaranteed arrive all, in order, at a full queue, and only best-effort ones are dropped [18] [19]",
      () =>
        Effect.gen(function* () {
          const { client, tell } = yield* setUp
          const told: Array<object> = []
          for (const method of guaranteed) {
            const [params] = yield* Arbitrary.sampleEffect(Arbitrary.schema(ServerNotifications[method].params()), {
              count: 1,
              seed: method
            })
            told.push({ method, params })
          }
          const teller = yield* Effect.forkChild(
            Effect.forEach(told, (each) => {
              const { method, params } = each as { readonly method: ServerNotificationMethod; readonly params: unknown }
              return Effect.andThen(tell(method, params), tell("warning", { threadId: "t", message: method }))
            }),
            { startImmediately: true }
          )
          const kept: Array<object> = []
          let lost = 0
          let warned = 0
          while (kept.length < told.length) {
            const event = yield* client.next
            if (event._tag === "Lagged") lost += event.skipped
            else if (nameOf(event) === "warning") warned++
            else if (event._tag === "ServerNotification") kept.push(event.notification)
          }
          yield* Fiber.join(teller)
          assert.deepStrictEqual(kept, told)
          assert.isAbove(lost, 0)
          assert.isAtMost(lost + warned, told.length)
        })
    )

    it.effect("are a stream that ends with the runtime [24]", () =>
      Effect.gen(function* () {
        const { client, tell } = yield* setUp
        const reading = yield* Effect.forkChild(Stream.runCollect(client.handle.events))
        for (const threadId of ["a", "b", "c"]) yield* tell("thread/closed", { threadId })
        yield* client.handle.shutdown
        assert.deepStrictEqual(
          (yield* Fiber.join(reading)).map((event) => event._tag === "ServerNotification" && event.notification.params),
          ["a", "b", "c"].map((threadId) => ({ threadId }))
        )
      })
    )
  })

  describe("shutdown", () => {
    it.effect("fails what the server asked, and then what it was asked, with one text [22]", () =>
      Effect.gen(function* () {
        const never = yield* makeNever
        const { start, router, outgoing } = yield* makeRuntime({ [Interrupt]: never.handler })
        const client = yield* start()
        router.subscribe("t", router.connections()[0]!)
        const asked = yield* outgoing.ask("t", "item/tool/call", call)
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
      "takes no longer than its deadline, though a handler never ends and a fiber still holds a sender [23]",
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

    it.effect("lets handlers finish that do so in time, and then does not wait [23]", () =>
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

    it.effect("is under the deadline that the caller gives [23]", () =>
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

    it.effect("comes with the end of its scope as well", () =>
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

    it.effect("is under its deadline also when it comes with the end of its scope [23]", () =>
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

    it.effect(
      "lets events that were told before be read, and then there are none, however often it is asked for [24]",
      () =>
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

    it.effect("is not held up by a producer that waits for a consumer who does not read [33]", () =>
      Effect.gen(function* () {
        const { start, router } = yield* makeRuntime({})
        const client = yield* start({ channelCapacity: 1 })
        const tell = Effect.forEach(["a", "b", "c"], (threadId) =>
          router.notify("thread/closed", { threadId }, threadId)
        )
        const telling = yield* Effect.forkChild(tell, { startImmediately: true })
        yield* client.handle.shutdown
        yield* Fiber.join(telling)
      })
    )

    it.effect("lets a consumer that has dropped its events see the end, and nobody wait for it [24]", () =>
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

  describe("a whole server", () => {
    it.effect("answers typed requests and stops when it is told to", () =>
      Effect.gen(function* () {
        const handle = yield* AppServer.start({
          ...optionsOf({}),
          initialize: { clientInfo: { name: "test", version: "1" } }
        }).pipe(Effect.provide(MemoryFiles.make().layer))
        const client = clientOf(handle)
        const started = yield* client.request("thread/start", {})
        const { thread } = yield* client.request("thread/read", { threadId: started.thread.id })
        assert.deepStrictEqual(thread, started.thread)
        yield* handle.shutdown
        assert.deepStrictEqual(yield* Effect.flip(client.request("thread/loaded/list", {})), closed)
      })
    )

    for (const sessionSource of ["cli", "exec"] as const satisfies ReadonlyArray<SessionSource>) {
      it.effect(`shows on each thread that it was started from ${sessionSource} [21]`, () =>
        Effect.gen(function* () {
          const { connect } = yield* makeServer({ sessionSource })
          const client = yield* connect()
          const { thread } = yield* client.request("thread/start", {})
          assert.strictEqual(thread.source, sessionSource)
          assert.strictEqual((yield* client.notified("thread/started")).thread.source, sessionSource)
          const read = yield* client.request("thread/read", { threadId: thread.id })
          assert.strictEqual(read.thread.source, sessionSource)
        })
      )
    }

    it.effect("works with a capacity of 0: a thread, a turn, and every event of it [13]", () =>
      Effect.gen(function* () {
        const { connect, model } = yield* makeServer()
        const client = yield* connect({ channelCapacity: 0 })
        const { thread } = yield* client.request("thread/start", { cwd })
        yield* client.notified("thread/started")
        yield* client.request("turn/start", { threadId: thread.id, input: say("hello") })
        const playing = yield* Effect.forkChild(model.say("hi"))
        const { turn } = yield* client.notified("turn/completed")
        yield* Fiber.join(playing)
        assert.strictEqual(turn.status, "completed")
      })
    )

    it.effect("answers requests while the warnings of its configuration are unread [5] [13]", () =>
      Effect.gen(function* () {
        const warning = (summary: string) => ({ summary, details: null, path: null })
        const { connect } = yield* makeServer({ configWarnings: ["a", "b", "c"].map(warning) })
        const client = yield* connect({ channelCapacity: 1 })
        assert.deepStrictEqual(yield* client.request(List, {}), { data: [], nextCursor: null })
        const told = yield* Effect.all([client.next, client.next, client.next])
        assert.deepStrictEqual<unknown>(
          told.map((event) => event._tag === "ServerNotification" && event.notification),
          ["a", "b", "c"].map((summary) => ({ method: "configWarning", params: { summary, details: null } }))
        )
      })
    )

    describe("with the older events", () => {
      it.effect("tells each right behind the one it stands for, and says last that it is over [18]", () =>
        Effect.gen(function* () {
          const { connect, model } = yield* makeServer()
          const client = yield* connect({ legacyEvents: true, channelCapacity: 1 })
          const { thread } = yield* client.request("thread/start", { cwd })
          const threadId = thread.id
          const started = yield* client.names("codex/event/session_configured")
          assert.deepStrictEqual(started, ["thread/started", "codex/event/session_configured"])

          yield* client.request("turn/start", { threadId, input: say("hello") })
          yield* Effect.forkChild(model.say("hi"))
          const first = yield* client.until((event) => nameOf(event) === "codex/event/task_complete")
          const finished = first.at(-2)
          assert.isTrue(finished?._tag === "ServerNotification" && finished.notification.method === "turn/completed")
          const complete = first.at(-1)
          assert.deepStrictEqual(complete?._tag === "LegacyNotification" && complete.notification.params, {
            id:
              finished?._tag === "ServerNotification" &&
              finished.notification.method === "turn/completed" &&
              finished.notification.params.turn.id,
            msg: {
              type: "task_complete",
              turn_id:
                finished?._tag === "ServerNotification" &&
                finished.notification.method === "turn/completed" &&
                finished.notification.params.turn.id,
              last_agent_message: "hi"
            },
            conversationId: threadId
          })

          const { turn } = yield* client.request("turn/start", { threadId, input: say("again") })
          yield* Effect.forkChild(model.next)
          yield* Effect.forkChild(client.request("turn/interrupt", { threadId, turnId: turn.id }))
          const second = (yield* client.names("codex/event/turn_aborted")).slice(-2)
          assert.deepStrictEqual(second, ["turn/completed", "codex/event/turn_aborted"])

          yield* client.handle.shutdown
          const last = yield* client.next
          assert.deepStrictEqual(last, {
            _tag: "LegacyNotification",
            notification: {
              method: "codex/event/shutdown_complete",
              params: { id: "", msg: { type: "shutdown_complete" }, conversationId: null }
            }
          })
          assert.strictEqual((yield* client.handle.nextEvent)._tag, "None")
        })
      )

      it.effect("does not tell them to who did not ask for them", () =>
        Effect.gen(function* () {
          const { connect, model } = yield* makeServer()
          const client = yield* connect()
          const { thread } = yield* client.request("thread/start", { cwd })
          yield* client.request("turn/start", { threadId: thread.id, input: say("hello") })
          yield* model.say("hi")
          const names = yield* client.names("turn/completed")
          assert.isFalse(names.some((name) => name.startsWith("codex/event/")))
          yield* client.handle.shutdown
          assert.strictEqual((yield* client.handle.nextEvent)._tag, "None")
        })
      )
    })

    it.effect("interrupts a turn that runs when it stops, and says so to who reads only afterwards [23] [33]", () =>
      Effect.gen(function* () {
        const { connect, model } = yield* makeServer()
        const client = yield* connect({ channelCapacity: 1 })
        const { thread } = yield* client.request("thread/start", { cwd })
        yield* client.notified("thread/started")
        yield* client.request("turn/start", { threadId: thread.id, input: say("hello") })
        const reading = yield* Effect.forkChild(client.names("item/completed"))
        const call = yield* model.next
        yield* Fiber.join(reading)
        yield* call.emit(started("m"))
        yield* Effect.yieldNow
        yield* client.handle.shutdown
        yield* call.closed
        const { turn } = yield* client.notified("turn/completed")
        assert.strictEqual(turn.status, "interrupted")
      })
    )
  })
})
