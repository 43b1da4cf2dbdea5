import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { MaxRunning } from "../../../src/services/connection/Connection.ts"
import { RequestError } from "../../../src/services/routing/RequestError.ts"
import { call } from "../../support/Runtime.ts"
import { makeProcessor } from "../../support/Processor.ts"
import { Interrupt, List, Read, failed, gated, listing, makeGates, ok, page, turn } from "../../support/Gates.ts"

describe("Dispatcher", () => {
  describe("runs requests", () => {
    it.effect("of one thread sequentially, in the order of arrival [55]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const client = yield* connect()
        for (const [index, name] of ["a", "b", "c"].entries()) client.request(index, Interrupt, turn("t", name))
        yield* gates.hasStarted("a")
        yield* gates.open("c")
        yield* gates.open("b")
        yield* Effect.yieldNow
        assert.deepStrictEqual([gates.started, client.unread()], [["a"], 0])
        yield* gates.open("a")
        assert.deepStrictEqual([yield* client.next, yield* client.next, yield* client.next], [ok(0), ok(1), ok(2)])
        assert.deepStrictEqual(gates.started, ["a", "b", "c"])
      })
    )

    it.effect("of one thread sequentially over all connections, and each gets its own response [55] [59]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const [one, two] = [yield* connect(), yield* connect()]
        one.request(1, Interrupt, turn("t", "a"))
        yield* gates.hasStarted("a")
        two.request(1, Interrupt, turn("t", "b"))
        yield* Effect.yieldNow
        yield* gates.open("b")
        assert.deepStrictEqual(gates.started, ["a"])
        yield* gates.open("a")
        assert.deepStrictEqual([yield* one.next, yield* two.next], [ok(1), ok(1)])
        assert.deepStrictEqual([one.unread(), two.unread()], [0, 0])
      })
    )

    it.effect("of different threads concurrently [55]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const client = yield* connect()
        client.request(1, Interrupt, turn("s", "a"))
        client.request(2, Interrupt, turn("t", "b"))
        yield* gates.hasStarted("a")
        yield* gates.hasStarted("b")
        yield* gates.open("b")
        assert.deepStrictEqual(yield* client.next, ok(2))
        yield* gates.open("a")
        assert.deepStrictEqual(yield* client.next, ok(1))
      })
    )

    it.effect("without a key while others wait [31]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const client = yield* connect()
        client.request(1, Interrupt, turn("t", "a"))
        client.request(2, Interrupt, turn("t", "b"))
        client.request(3, List)
        assert.deepStrictEqual(yield* client.next, ok(3, page()))
        yield* gates.open("a")
        yield* gates.open("b")
        assert.deepStrictEqual([yield* client.next, yield* client.next], [ok(1), ok(2)])
      })
    )

    it.effect("that read concurrently, and one that writes exclusively [55]", () =>
      Effect.gen(function* () {
        const gates = makeGates()
        let reads = 0
        const { connect } = yield* makeProcessor({
          [Read]: () => Effect.andThen(gates.pass(`read ${++reads}`), new RequestError({ code: 1, message: "read" })),
          [Interrupt]: ({ turnId }) => Effect.as(gates.pass(turnId), {})
        })
        const client = yield* connect()
        for (const id of [1, 2]) client.request(id, Read, { threadId: "t" })
        client.request(3, Interrupt, turn("t", "write"))
        client.request(4, Read, { threadId: "t" })
        yield* gates.hasStarted("read 2")
        assert.deepStrictEqual(gates.started, ["read 1", "read 2"])
        yield* gates.open("read 1")
        yield* gates.open("read 2")
        yield* gates.hasStarted("write")
        assert.deepStrictEqual(gates.started, ["read 1", "read 2", "write"])
        yield* gates.open("write")
        yield* gates.hasStarted("read 3")
        yield* gates.open("read 3")
        for (const id of [1, 2]) assert.deepStrictEqual(yield* client.next, failed(id, 1, "read"))
        assert.deepStrictEqual([yield* client.next, yield* client.next], [ok(3), failed(4, 1, "read")])
      })
    )

    it.effect("that fail or die, and then those that wait behind them", () =>
      Effect.gen(function* () {
        const { connect } = yield* makeProcessor({
          [Interrupt]: ({ turnId }) =>
            Effect.andThen(
              Effect.yieldNow,
              turnId === "die" ? Effect.die("x") : new RequestError({ code: 1, message: turnId })
            )
        })
        const client = yield* connect()
        for (const [id, turnId] of ["fail", "die", "fail"].entries()) client.request(id, Interrupt, turn("t", turnId))
        assert.deepStrictEqual(
          [yield* client.next, yield* client.next, yield* client.next],
          [failed(0, 1, "fail"), failed(1, -32603, "internal error"), failed(2, 1, "fail")]
        )
      })
    )

    it.effect("of a long queue without a growing stack", () =>
      Effect.gen(function* () {
        const count = 20_000
        const gate = yield* Deferred.make<void>()
        let run = 0
        const { connect } = yield* makeProcessor({
          [Interrupt]: () => (run++ === 0 ? Effect.as(Deferred.await(gate), {}) : Effect.succeed({}))
        })
        const client = yield* connect({ capacity: count + 1, room: count })
        for (let id = 0; id < count; id++) client.request(id, Interrupt, turn("t"))
        client.request(count, "thread/list")
        assert.deepStrictEqual(yield* client.next, failed(count, -32603, "internal error"))
        yield* Deferred.succeed(gate, undefined)
        for (let id = 0; id < count; id++) assert.deepStrictEqual(yield* client.next, ok(id))
      })
    )
  })

  describe("refuses as overload", () => {
    const overloaded = (id: number) => failed(id, -32001, "Server overloaded; retry later.")

    it.effect("a request when the queue of its key is full, and frees its id at once [16] [45]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const client = yield* connect({ capacity: 2 })
        client.request(1, Interrupt, turn("t", "a"))
        yield* gates.hasStarted("a")
        client.request(2, Interrupt, turn("t", "b"))
        client.request(3, Interrupt, turn("t", "c"))
        yield* Effect.yieldNow
        client.request(4, Interrupt, turn("t", "d"))
        assert.deepStrictEqual(yield* client.next, overloaded(4))
        client.request(5, List)
        assert.deepStrictEqual(yield* client.next, ok(5, page()))
        for (const name of ["a", "b", "c"]) yield* gates.open(name)
        for (const id of [1, 2, 3]) assert.deepStrictEqual(yield* client.next, ok(id))
        client.request(4, Interrupt, turn("t", "d"))
        yield* gates.hasStarted("d")
        for (const [id, name] of [
          [6, "e"],
          [7, "f"]
        ] as const) {
          client.request(id, Interrupt, turn("t", name))
        }
        yield* Effect.yieldNow
        for (const name of ["d", "e", "f"]) yield* gates.open(name)
        for (const id of [4, 6, 7]) assert.deepStrictEqual(yield* client.next, ok(id))
        assert.deepStrictEqual(gates.started, ["a", "b", "c", "d", "e", "f"])
      })
    )

    it.effect("no response or notification of the client: each is accepted, whatever waits [45]", () =>
      Effect.gen(function* () {
        const { gates, connect, serverRequests, router } = yield* gated
        const client = yield* connect({ capacity: 2 })
        router.subscribe("t", client.connection)
        client.request(1, Interrupt, turn("t", "a"))
        yield* gates.hasStarted("a")
        client.request(2, Interrupt, turn("t", "b"))
        client.request(6, Interrupt, turn("t", "c"))
        yield* Effect.yieldNow
        const questions = yield* Effect.forEach([0, 1], () => serverRequests.ask("t", "item/tool/call", call))
        for (const _ of questions) yield* client.next
        for (const [id, incoming] of [
          [3, { _tag: "Success", success: { id: 0, result: "yes" } }],
          [4, { _tag: "Notification", notification: { method: "initialized" } }],
          [5, { _tag: "Failure", failure: { id: 1, error: { code: 1, message: "no" } } }]
        ] as const) {
          client.request(id, Interrupt, turn("t", "late"))
          assert.deepStrictEqual(yield* client.next, overloaded(id))
          client.send(incoming)
        }
        assert.strictEqual(yield* questions[0]!.answer, "yes")
        assert.deepStrictEqual(yield* Effect.flip(questions[1]!.answer), new RequestError({ code: 1, message: "no" }))
        for (const name of ["a", "b", "c"]) yield* gates.open(name)
        assert.deepStrictEqual([yield* client.next, yield* client.next, yield* client.next], [ok(1), ok(2), ok(6)])
      })
    )

    it.effect("by counting the waiting requests of its own connection only", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const [one, two] = [yield* connect({ capacity: 1 }), yield* connect({ capacity: 1 })]
        one.request(1, Interrupt, turn("t", "a"))
        yield* gates.hasStarted("a")
        one.request(2, Interrupt, turn("t", "b"))
        yield* Effect.yieldNow
        two.request(3, Interrupt, turn("t", "c"))
        one.request(4, Interrupt, turn("t", "d"))
        assert.deepStrictEqual(yield* one.next, overloaded(4))
        assert.strictEqual(two.unread(), 0)
        for (const name of ["a", "b", "c"]) yield* gates.open(name)
        assert.deepStrictEqual(yield* two.next, ok(3))
      })
    )

    it.effect("requests that arrive while too many handlers run [45]", () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const { connect } = yield* makeProcessor({ [List]: () => Effect.as(Deferred.await(gate), page()) })
        const client = yield* connect({ capacity: MaxRunning + 2, room: MaxRunning + 2 })
        for (let id = 0; id <= MaxRunning; id++) client.request(id, List)
        assert.deepStrictEqual(yield* client.next, overloaded(MaxRunning))
        yield* Deferred.succeed(gate, undefined)
        for (let id = 0; id < MaxRunning; id++) yield* client.next
        client.request(1, List)
        assert.deepStrictEqual(yield* client.next, ok(1, page()))
      })
    )
  })

  describe("when a connection closes", () => {
    it.effect("skips its waiting requests, and those of others continue; running handlers finish [56]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const [gone, other] = [yield* connect(), yield* connect()]
        gone.request(1, Interrupt, turn("t", "a"))
        yield* gates.hasStarted("a")
        gone.request(2, Interrupt, turn("t", "b"))
        yield* Effect.yieldNow
        other.request(3, Interrupt, turn("t", "c"))
        yield* Effect.yieldNow
        gone.connection.close()
        yield* gates.open("a")
        yield* gates.open("c")
        assert.deepStrictEqual([yield* gone.next, yield* other.next], [ok(1), ok(3)])
        assert.deepStrictEqual([gates.started, gone.unread()], [["a", "c"], 0])
      })
    )

    it.effect("is done when every request that was read is answered [52]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const client = yield* connect()
        client.request(1, Interrupt, turn("t", "a"))
        client.request(2, Interrupt, turn("t", "b"))
        yield* client.end
        yield* client.inputEnded
        const done = yield* Effect.forkChild(client.close({ _tag: "InputEnded" }))
        yield* gates.hasStarted("a")
        yield* gates.open("a")
        yield* gates.hasStarted("b")
        assert.isUndefined(done.pollUnsafe())
        yield* gates.open("b")
        yield* Fiber.join(done)
        assert.deepStrictEqual([yield* client.next, yield* client.next], [ok(1), ok(2)])
      })
    )

    it.effect("is not done before requests that wait behind another connection are answered [52]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const [client, other] = [yield* connect(), yield* connect()]
        other.request(1, Interrupt, turn("t", "a"))
        yield* gates.hasStarted("a")
        client.request(1, Interrupt, turn("t", "b"))
        yield* client.end
        yield* client.inputEnded
        const done = yield* Effect.forkChild(client.close({ _tag: "InputEnded" }), { startImmediately: true })
        yield* Effect.yieldNow
        assert.isUndefined(done.pollUnsafe())
        yield* gates.open("a")
        yield* gates.hasStarted("b")
        assert.isUndefined(done.pollUnsafe())
        yield* gates.open("b")
        yield* Fiber.join(done)
        assert.deepStrictEqual(yield* client.next, ok(1))
      })
    )

    it.effect("answers waiting requests with an error at its deadline, and reports none as running [52]", () => {
      const logged: Array<string> = []
      const logger = Logger.make(({ message }) => void logged.push(String(message)))
      return Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const [client, other] = [yield* connect(), yield* connect()]
        other.request(1, Interrupt, turn("t", "a"))
        yield* gates.hasStarted("a")
        // Ids may be used twice at a time: each request has an answer.
        for (const id of [1, 1, 2]) client.request(id, Interrupt, turn("t", "b"))
        yield* Effect.yieldNow
        const stopping = { _tag: "Stopping", message: "enough" } as const
        const done = yield* Effect.forkChild(client.close(stopping, { within: "5 seconds" }), {
          startImmediately: true
        })
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.join(done)
        for (const id of [1, 1, 2]) {
          assert.deepStrictEqual(yield* client.next, failed(id, -32603, "request was interrupted"))
        }
        yield* gates.open("a")
        assert.deepStrictEqual(yield* other.next, ok(1))
        other.request(2, Interrupt, turn("t", "c"))
        yield* gates.hasStarted("c")
        assert.deepStrictEqual([gates.started, client.connection.waiting], [["a", "c"], 0])
        assert.notMatch(logged.join("\n"), /still running/)
      }).pipe(Effect.provide(Logger.layer([logger])))
    })

    it.effect("is done at once when its client is lost, even with waiting requests [56]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const [client, other] = [yield* connect(), yield* connect()]
        other.request(1, Interrupt, turn("t", "a"))
        yield* gates.hasStarted("a")
        client.request(1, Interrupt, turn("t", "b"))
        yield* Effect.yieldNow
        const ending = yield* Effect.forkChild(client.close({ _tag: "InputEnded" }), { startImmediately: true })
        yield* Effect.yieldNow
        assert.isUndefined(ending.pollUnsafe())
        yield* client.close({ _tag: "Gone" })
        yield* Fiber.join(ending)
        yield* gates.open("a")
        assert.deepStrictEqual(yield* other.next, ok(1))
        assert.deepStrictEqual(gates.started, ["a"])
      })
    )

    it.effect("is not done before its responses are queued", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const client = yield* connect({ room: 1 })
        for (const [id, name] of ["a", "b"].entries()) client.request(id, Interrupt, turn(name, name))
        yield* client.end
        yield* client.inputEnded
        const done = yield* Effect.forkChild(client.close({ _tag: "InputEnded" }))
        yield* gates.hasStarted("b")
        yield* gates.open("a")
        yield* gates.open("b")
        yield* Effect.yieldNow
        yield* Effect.yieldNow
        assert.isUndefined(done.pollUnsafe())
        assert.deepStrictEqual(yield* client.next, ok(0))
        yield* Fiber.join(done)
        assert.deepStrictEqual(yield* client.next, ok(1))
      })
    )

    it.effect("interrupts its handlers with its scope, lets others continue, and is removed", () =>
      Effect.gen(function* () {
        const interrupted = yield* Deferred.make<void>()
        const started = yield* Deferred.make<void>()
        const run: Array<string> = []
        const { router, connect } = yield* makeProcessor({
          [Interrupt]: ({ turnId }) =>
            run.push(turnId) > 1
              ? Effect.succeed({})
              : Deferred.succeed(started, undefined).pipe(
                  Effect.andThen(Effect.never),
                  Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
                )
        })
        const other = yield* connect()
        const scope = yield* Scope.make()
        const gone = yield* Scope.provide(connect(), scope)
        gone.request(1, Interrupt, turn("t", "running"))
        yield* Deferred.await(started)
        gone.request(2, Interrupt, turn("t", "waiting"))
        yield* Effect.yieldNow
        other.request(3, Interrupt, turn("t", "other"))
        yield* Effect.yieldNow
        yield* Scope.close(scope, Exit.void)
        yield* Deferred.await(interrupted)
        assert.deepStrictEqual(yield* other.next, ok(3))
        assert.deepStrictEqual(run, ["running", "other"])
        assert.deepStrictEqual(router.connections(), [other.connection])
      })
    )
  })

  describe("a request whose caller is interrupted", () => {
    it.effect("is interrupted while it runs, gets no response, and makes room for the next [20]", () =>
      Effect.gen(function* () {
        const interrupted = yield* Deferred.make<void>()
        const started = yield* Deferred.make<void>()
        const { connect } = yield* makeProcessor({
          [Interrupt]: ({ turnId }) =>
            turnId === "next"
              ? Effect.succeed({})
              : Deferred.succeed(started, undefined).pipe(
                  Effect.andThen(Effect.never),
                  Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
                )
        })
        const client = yield* connect()
        client.request(1, Interrupt, turn("t"))
        yield* Deferred.await(started)
        client.request(2, Interrupt, turn("t", "next"))
        yield* Effect.yieldNow
        client.cancelNow(1)
        assert.isTrue(Deferred.isDoneUnsafe(interrupted))
        assert.deepStrictEqual(yield* client.next, ok(2))
        assert.strictEqual(client.unread(), 0)
      })
    )

    it.effect("never runs when it still waits, and gets no response [20]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const client = yield* connect()
        for (const [index, name] of ["a", "b", "c"].entries()) client.request(index, Interrupt, turn("t", name))
        yield* gates.hasStarted("a")
        client.cancelNow(1)
        yield* gates.open("a")
        yield* gates.open("c")
        assert.deepStrictEqual([yield* client.next, yield* client.next], [ok(0), ok(2)])
        assert.deepStrictEqual(gates.started, ["a", "c"])
      })
    )

    it.effect("never runs when it was not read yet, and gets no response [20]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const client = yield* connect()
        for (const [index, name] of ["a", "b"].entries()) client.request(index, Interrupt, turn("t", name))
        client.request(2, "no/such")
        client.cancelNow(0)
        client.cancelNow(2)
        yield* gates.open("b")
        assert.deepStrictEqual(yield* client.next, ok(1))
        client.request(0, List)
        assert.deepStrictEqual(yield* client.next, ok(0, page()))
        assert.deepStrictEqual(gates.started, ["b"])
      })
    )

    it.effect("is interrupted when its handler is just being started [20]", () =>
      Effect.gen(function* () {
        const interrupted = yield* Deferred.make<void>()
        let cancel = () => {}
        const { connect } = yield* makeProcessor({
          [Interrupt]: () =>
            Effect.sync(() => cancel()).pipe(
              Effect.andThen(Effect.never),
              Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
            ),
          [List]: listing
        })
        const client = yield* connect()
        cancel = () => client.cancelNow(1)
        client.request(1, Interrupt, turn("t"))
        yield* Deferred.await(interrupted)
        client.request(1, List)
        assert.deepStrictEqual(yield* client.next, ok(1, page()))
      })
    )
  })
})
