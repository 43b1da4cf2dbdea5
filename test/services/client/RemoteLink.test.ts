import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as RemoteLink from "../../../src/services/client/RemoteLink.ts"
import * as FakeServer from "../../support/FakeServer.ts"
import { options, connected, delta, warning, usage, approval, takeN } from "../../support/RemoteLinks.ts"
import { failureOf } from "../../support/Failures.ts"

describe("the handshake", () => {
  it.effect("sends initialize with the id `initialize`, and then initialized", () =>
    Effect.gen(function* () {
      const server = yield* FakeServer.make
      const connecting = yield* Effect.forkChild(
        RemoteLink.make(server.endpoint, {
          ...options,
          experimentalApi: true,
          optOutNotificationMethods: ["warning"],
          formElicitation: true
        })
      )
      const connection = yield* server.accept
      assert.deepStrictEqual(yield* connection.receive, {
        id: "initialize",
        method: "initialize",
        params: {
          clientInfo: { name: "test", version: "1" },
          capabilities: {
            experimentalApi: true,
            mcpServerOpenaiFormElicitation: true,
            optOutNotificationMethods: ["warning"]
          }
        }
      })
      yield* connection.send({ id: "initialize", result: FakeServer.handshake })
      assert.deepStrictEqual(yield* connection.receive, { method: "initialized" })
      const { handshake } = yield* Fiber.join(connecting)
      assert.deepStrictEqual(handshake, {
        userAgent: FakeServer.userAgent,
        codexHome: "/home/fake",
        extensions: undefined
      })
    }).pipe(Effect.scoped)
  )

  it.effect("gives up after 10 seconds without a response, and releases everything [36]", () =>
    Effect.gen(function* () {
      const server = yield* FakeServer.make
      const connecting = yield* Effect.forkChild(failureOf(RemoteLink.make(server.endpoint, options)))
      const connection = yield* server.accept
      yield* connection.receive
      yield* TestClock.adjust("9999 millis")
      assert.isUndefined(connecting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const error = yield* Fiber.join(connecting)
      assert.deepStrictEqual(
        { kind: error?.reason._tag, message: error?.message },
        { kind: "TimedOut", message: "timed out waiting for initialize response from `ws://fake`" }
      )
      yield* connection.closed
    }).pipe(Effect.scoped)
  )

  it.effect("passes on the server's error", () =>
    Effect.gen(function* () {
      const server = yield* FakeServer.make
      const connecting = yield* Effect.forkChild(failureOf(RemoteLink.make(server.endpoint, options)))
      const connection = yield* server.accept
      yield* connection.send({
        id: (yield* connection.receive)["id"],
        error: { code: -32600, message: "no such client" }
      })
      const error = yield* Fiber.join(connecting)
      assert.deepStrictEqual(
        { kind: error?.reason._tag, message: error?.message },
        { kind: "Rejected", message: "initialize failed: no such client (code -32600)" }
      )
    }).pipe(Effect.scoped)
  )

  it.effect("fails on a response that is not an app-server's", () =>
    Effect.gen(function* () {
      const server = yield* FakeServer.make
      const connecting = yield* Effect.forkChild(failureOf(RemoteLink.make(server.endpoint, options)))
      const connection = yield* server.accept
      yield* connection.send({ id: (yield* connection.receive)["id"], result: { hello: 1 } })
      assert.strictEqual((yield* Fiber.join(connecting))?.reason._tag, "ProtocolViolation")
    }).pipe(Effect.scoped)
  )

  it.effect("fails when the connection is lost during it", () =>
    Effect.gen(function* () {
      const server = yield* FakeServer.make
      const connecting = yield* Effect.forkChild(failureOf(RemoteLink.make(server.endpoint, options)))
      const connection = yield* server.accept
      yield* connection.lose("PeerClosed", "disconnected: going away")
      const error = yield* Fiber.join(connecting)
      assert.deepStrictEqual(
        { kind: error?.reason._tag, message: error?.message },
        { kind: "Unreachable", message: "remote app server at `ws://fake` disconnected: going away" }
      )
    }).pipe(Effect.scoped)
  )

  it.effect("delivers events from before its end first and in order, and refuses unknown requests during it [37]", () =>
    Effect.gen(function* () {
      const server = yield* FakeServer.make
      const connecting = yield* Effect.forkChild(RemoteLink.make(server.endpoint, options))
      const connection = yield* server.accept
      yield* connection.receive
      yield* connection.send(
        delta(1),
        approval(7),
        { id: "stray", result: 1 },
        { id: 8, method: "no/such", params: {} }
      )
      assert.deepStrictEqual(yield* connection.receive, {
        error: { code: -32601, message: "unsupported remote app-server request `no/such`" },
        id: 8
      })
      yield* connection.send(delta(2), { id: "initialize", result: FakeServer.handshake }, delta(3))
      const { link } = yield* Fiber.join(connecting)
      assert.deepStrictEqual(yield* takeN(link, 4), ["1", 7, "2", "3"])
    }).pipe(Effect.scoped)
  )
})

describe("requests", () => {
  it.effect("are answered by id, in any order", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* connected()
      const first = yield* Effect.forkChild(link.request("model/list", { limit: 1 }), { startImmediately: true })
      const second = yield* Effect.forkChild(Effect.flip(link.request("thread/read", { threadId: "t" })), {
        startImmediately: true
      })
      assert.deepStrictEqual(yield* connection.receive, { id: 1, method: "model/list", params: { limit: 1 } })
      assert.deepStrictEqual(yield* connection.receive, { id: 2, method: "thread/read", params: { threadId: "t" } })
      yield* connection.send(
        { error: { code: -32600, message: "no", data: { a: 1 } }, id: 2 },
        { id: 99, result: "stray" },
        { id: 1, result: { data: [] } }
      )
      assert.deepStrictEqual(yield* Fiber.join(first), { data: [] })
      const error = yield* Fiber.join(second)
      assert.strictEqual(error.message, 'thread/read failed: no (code -32600), data: {"a":1}')
    }).pipe(Effect.scoped)
  )

  it.effect("with an id that is pending fail locally, and the first is not affected [38]", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* connected()
      const request = { id: "mine", method: "model/list", params: {} }
      const first = yield* Effect.forkChild(link.requestWithId(request), { startImmediately: true })
      yield* connection.receive
      const error = yield* failureOf(link.requestWithId(request))
      assert.deepStrictEqual(
        error?._tag === "TransportError" ? { kind: error.reason._tag, message: error.message } : error,
        {
          kind: "InvalidRequest",
          message: "model/list transport error: duplicate remote app-server request id `mine`"
        }
      )
      assert.deepStrictEqual(yield* connection.unreceived, [])
      yield* connection.send({ id: "mine", result: 1 })
      assert.strictEqual(yield* Fiber.join(first), 1)
      const again = yield* Effect.forkChild(link.requestWithId(request), { startImmediately: true })
      yield* connection.send({ id: "mine", result: 2 })
      assert.strictEqual(yield* Fiber.join(again), 2)
    }).pipe(Effect.scoped)
  )

  it.effect("that are interrupted free their id, and their late responses are ignored", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* connected()
      const request = { id: 5, method: "model/list", params: {} }
      const first = yield* Effect.forkChild(link.requestWithId(request), { startImmediately: true })
      yield* Fiber.interrupt(first)
      yield* connection.send({ id: 5, result: "late" }, delta(1))
      assert.deepStrictEqual(yield* takeN(link, 1), ["1"])
      const second = yield* Effect.forkChild(link.requestWithId(request), { startImmediately: true })
      yield* connection.send({ id: 5, result: "new" })
      assert.strictEqual(yield* Fiber.join(second), "new")
    }).pipe(Effect.scoped)
  )

  it.effect("that are not JSON fail locally", () =>
    Effect.gen(function* () {
      const { link } = yield* connected()
      const error = yield* failureOf(link.request("model/list", { count: 1n }))
      assert.strictEqual(error?._tag === "TransportError" ? error.reason._tag : error, "InvalidRequest")
    }).pipe(Effect.scoped)
  )
})

describe("a message of the server", () => {
  it.effect("is ignored when it is an unknown notification, and refused when it is an unknown request [39]", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* connected()
      yield* connection.send(
        { method: "no/such", params: {} },
        { method: "turn/completed", params: 5 },
        { id: "q", method: "no/such", params: {} },
        { id: 3, method: "toString", params: {} },
        delta(1)
      )
      assert.deepStrictEqual(yield* takeN(link, 1), ["1"])
      const refused = (id: unknown, method: string) => ({
        error: { code: -32601, message: `unsupported remote app-server request \`${method}\`` },
        id
      })
      assert.deepStrictEqual(
        [yield* connection.receive, yield* connection.receive],
        [refused("q", "no/such"), refused(3, "toString")]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("is answered with its id", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* connected()
      yield* connection.send(approval(1), approval(2))
      assert.deepStrictEqual(yield* takeN(link, 2), [1, 2])
      yield* link.respond(1, { decision: "accept" })
      yield* link.reject(2, { code: -32000, message: "no" })
      yield* link.notify("initialized", undefined)
      assert.deepStrictEqual(
        [yield* connection.receive, yield* connection.receive, yield* connection.receive],
        [
          { id: 1, result: { decision: "accept" } },
          { error: { code: -32000, message: "no" }, id: 2 },
          { method: "initialized" }
        ]
      )
    }).pipe(Effect.scoped)
  )
})

describe("a slow consumer", () => {
  it.effect("receives every delta, and responses arrive before it has read them [42]", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* connected()
      const asking = yield* Effect.forkChild(link.request("model/list", {}), { startImmediately: true })
      for (let index = 0; index < 5000; index++) yield* connection.send(delta(index))
      yield* connection.send({ id: 1, result: "answered" })
      assert.strictEqual(yield* Fiber.join(asking), "answered")
      assert.deepStrictEqual(
        yield* takeN(link, 5000),
        Array.from({ length: 5000 }, (_, index) => String(index))
      )
    }).pipe(Effect.scoped)
  )

  it.effect("gets the number of dropped best-effort events, and only the newest snapshot [42]", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* connected({ events: { capacity: 2 } })
      yield* connection.send(delta(1), delta(2), warning("a"), warning("b"), usage(1), usage(2), { id: 5, result: 1 })
      // Reading has continued up to the next lossless event.
      yield* connection.send(delta(3))
      yield* connection.send(delta(4))
      yield* Effect.yieldNow
      assert.deepStrictEqual(yield* takeN(link, 6), ["1", "2", { lagged: 2 }, "thread/tokenUsage/updated", "3", "4"])
    }).pipe(Effect.scoped)
  )

  it.effect("is buffered up to the limit: then reading stops until it takes events [42]", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* connected({ events: { capacity: 2 } })
      for (let index = 0; index < 6; index++) yield* connection.send(delta(index))
      yield* Effect.yieldNow
      // Two are held and one waits for room; the others are still in the transport.
      assert.strictEqual(yield* connection.unread, 3)
      assert.deepStrictEqual(yield* takeN(link, 6), ["0", "1", "2", "3", "4", "5"])
    }).pipe(Effect.scoped)
  )

  it.effect("is also limited in characters", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* connected({ events: { size: 300 } })
      for (let index = 0; index < 6; index++) yield* connection.send(delta(index))
      yield* Effect.yieldNow
      assert.strictEqual(yield* connection.unread, 3)
      assert.deepStrictEqual(yield* takeN(link, 6), ["0", "1", "2", "3", "4", "5"])
    }).pipe(Effect.scoped)
  )
})
