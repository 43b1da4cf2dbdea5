import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { RequestTiming } from "../../../src/services/observability/Metrics.ts"
import { ModelError } from "../../../src/services/model/ModelProvider.ts"
import { openConnection } from "../../support/Connections.ts"
import { measured, series } from "../../support/Measured.ts"
import { bestEffort, lossless } from "../../support/Messages.ts"
import { makeProcessor } from "../../support/Processor.ts"
import { makeRuntime } from "../../support/Runtime.ts"
import { makeServer, userInput } from "../../support/Server.ts"

const List = "thread/loaded/list"
const page = { data: [], nextCursor: null }

describe("Metrics", () => {
  describe("of requests", () => {
    it.effect("counts responses by method and outcome", () =>
      Effect.gen(function* () {
        const { connect } = yield* makeProcessor({
          [List]: () => Effect.succeed(page),
          "thread/list": () => Effect.die("a mistake")
        })
        const client = yield* connect()
        client.request(1, List)
        client.request(2, List)
        client.request(3, List, { limit: "many" })
        client.request(4, "thread/list")
        client.request(5, "marketplace/add", { source: "x" })
        client.request(6, "no/such/method")
        client.request(7, "no/other/method")
        for (let answers = 0; answers < 7; answers++) yield* client.next
        assert.deepStrictEqual(yield* series("requests_total"), {
          "requests_total thread/loaded/list ok": 2,
          "requests_total thread/loaded/list invalid": 1,
          "requests_total thread/list failed": 1,
          "requests_total marketplace/add invalid": 1,
          "requests_total unknown invalid": 2
        })
      }).pipe(measured)
    )

    it.effect("counts overload errors by the client's origin", () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const { connect } = yield* makeProcessor({ "turn/interrupt": () => Effect.as(Deferred.await(gate), {}) })
        const client = yield* connect({ origin: "webSocket", capacity: 1 })
        for (const id of [1, 2, 3]) {
          client.request(id, "turn/interrupt", { threadId: "t", turnId: "" })
          yield* Effect.yieldNow
        }
        yield* client.next
        assert.deepStrictEqual(yield* series("overload_"), { "overload_answers_total webSocket": 1 })
        assert.deepInclude(yield* series(""), {
          "requests_total turn/interrupt overloaded": 1,
          "requests_running webSocket": 1,
          "queue_size scheduled webSocket": 1
        })
        yield* Deferred.succeed(gate, undefined)
      }).pipe(measured)
    )

    it.effect("times responses when timing is enabled, except refused requests", () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const { connect } = yield* makeProcessor({
          [List]: () => Effect.as(Deferred.await(gate), page),
          "turn/interrupt": () => Effect.succeed({})
        })
        const client = yield* connect()
        client.request(1, List)
        client.request(2, List, { limit: "many" })
        client.request(3, "turn/interrupt", { threadId: "t", turnId: "" })
        yield* client.next
        yield* client.next
        yield* TestClock.adjust("1500 millis")
        yield* Deferred.succeed(gate, undefined)
        yield* client.next
        assert.deepStrictEqual(yield* series("request_duration_seconds"), {
          "request_duration_seconds turn/interrupt": [1, 0],
          "request_duration_seconds thread/loaded/list": [1, 1.5]
        })
      }).pipe(Effect.provideService(RequestTiming, true), measured)
    )

    it.effect("times no responses otherwise", () =>
      Effect.gen(function* () {
        const { connect } = yield* makeProcessor({ [List]: () => Effect.succeed(page) })
        const client = yield* connect()
        client.request(1, List)
        yield* client.next
        assert.deepStrictEqual(yield* series("request_duration"), {})
      }).pipe(measured)
    )
  })

  describe("of connections", () => {
    it.effect("counts the open ones of all servers that share a registry", () =>
      Effect.gen(function* () {
        const one = yield* makeProcessor({})
        const other = yield* makeProcessor({})
        const scope = yield* Scope.make()
        yield* one.connect()
        yield* other.connect()
        yield* Scope.provide(other.connect({ origin: "unixSocket" }), scope)
        assert.deepStrictEqual(yield* series("connections_open"), {
          "connections_open stdio": 2,
          "connections_open unixSocket": 1
        })
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(yield* series("connections_open"), { "connections_open stdio": 2 })
      }).pipe(measured)
    )

    it.effect("reads the queues on demand, and keeps the counts of closed connections", () =>
      Effect.gen(function* () {
        const { connect } = yield* makeProcessor({})
        const scope = yield* Scope.make()
        const { connection } = yield* Scope.provide(connect({ room: 1 }), scope)
        const { outgoing } = connection
        for (const message of [lossless("a"), lossless("b"), bestEffort("c")]) outgoing.offerUnsafe(message)
        const counts = { "queue_dropped_total outgoing stdio": 1, "queue_waited_total outgoing stdio": 1 }
        assert.deepStrictEqual(yield* series("queue_"), { ...counts, "queue_size outgoing stdio": 2 })
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(yield* series("queue_"), counts)
      }).pipe(measured)
    )

    it.effect("counts how often reading from a client paused because of unread responses", () =>
      Effect.gen(function* () {
        const { connect } = yield* makeProcessor({ [List]: () => Effect.succeed(page) })
        const client = yield* connect({ room: 1 })
        for (const id of [1, 2]) client.request(id, List)
        yield* client.next
        yield* client.next
        assert.deepInclude(yield* series("queue_waited_total"), { "queue_waited_total ingress stdio": 2 })
      }).pipe(measured)
    )

    it.effect("counts messages refused by the in-process transport", () =>
      Effect.gen(function* () {
        const { start } = yield* makeRuntime({ [List]: () => Effect.succeed(page) })
        const client = yield* start({ channelCapacity: 1 })
        const calls = Effect.all([client.request(List, {}), Effect.flip(client.request(List, {}))], {
          concurrency: "unbounded"
        })
        yield* calls
        assert.deepStrictEqual(yield* series("queue_dropped_total"), { "queue_dropped_total ingress inProcess": 1 })
      }).pipe(measured)
    )
  })

  describe("of threads", () => {
    it.effect("counts turns from their begin to any end", () =>
      Effect.gen(function* () {
        const { connect, model } = yield* makeServer()
        const client = yield* connect()
        const { thread } = yield* client.request("thread/start", {})
        const start = client.request("turn/start", { threadId: thread.id, input: userInput("go") })
        const ended = client.notified("turn/completed")

        yield* start
        const call = yield* model.next
        assert.deepStrictEqual(yield* series("t"), {
          threads_loaded: 1,
          turns_running: 1,
          turns_started_total: 1
        })
        yield* TestClock.adjust("90 seconds")
        yield* call.finish("done")
        yield* ended

        yield* start
        const failing = yield* model.next
        yield* failing.fail(new ModelError({ message: "no", info: "other" }))
        yield* ended

        const { turn } = yield* start
        yield* model.next
        yield* client.request("turn/interrupt", { threadId: thread.id, turnId: turn.id })
        yield* ended

        assert.deepStrictEqual(yield* series("t"), {
          threads_loaded: 1,
          turns_started_total: 3,
          "turns_ended_total completed": 1,
          "turns_ended_total failed": 1,
          "turns_ended_total interrupted": 1,
          turn_duration_seconds: [3, 90]
        })
      }).pipe(measured)
    )

    it.effect("counts server requests until they are answered", () =>
      Effect.gen(function* () {
        const { serverRequests, router } = yield* makeServer()
        const connection = yield* openConnection()
        router.subscribe("t", connection)
        const question = { threadId: "t", turnId: "u", itemId: "i", startedAtMs: 0, reason: null, kind: null }
        const asked = yield* serverRequests.ask("t", "item/fileChange/requestApproval", question)
        assert.deepStrictEqual(yield* series("server_requests"), { server_requests_pending: 1 })
        const answer = yield* Effect.forkChild(asked.answer)
        yield* serverRequests.succeed(asked.id, connection, { decision: "accept" })
        yield* Fiber.join(answer)
        assert.deepStrictEqual(yield* series("server_requests"), {})
      }).pipe(measured)
    )

    it.effect("omits the threads of a stopped server", () =>
      Effect.gen(function* () {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { connect } = yield* makeServer()
            const client = yield* connect()
            yield* client.request("thread/start", {})
          })
        )
        assert.deepStrictEqual(yield* series("threads"), {})
      }).pipe(measured)
    )
  })

  it("match the table in the documentation", () => {
    const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8")
    const named = (text: string, name: RegExp) => Array.from(text.matchAll(name), ([, metric]) => metric).sort()
    assert.deepStrictEqual(
      named(read("docs/observability.md"), /^\| `(spindle_\w+)`/gm),
      named(read("src/services/observability/Metrics.ts"), /"(spindle_\w+)"/g)
    )
  })

  it.effect("describes each of them, and has no label chosen by a client", () =>
    Effect.gen(function* () {
      const { connect } = yield* makeProcessor({})
      const client = yield* connect()
      client.request(1, "made/up")
      yield* client.next
      const snapshot = yield* Metric.snapshot
      assert.isTrue(snapshot.every(({ description, id }) => id.startsWith("spindle_") && description !== undefined))
      assert.notInclude(JSON.stringify(snapshot), "made/up")
    }).pipe(measured)
  )
})
