import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { makeServer } from "../../support/Server.ts"
import * as SlowStore from "../../support/SlowStore.ts"
import { listening, serve, startThread, startTurn } from "../../support/Listening.ts"
import { connect, connectRaw, exchange, frame, tryConnect, upgradeHeaders } from "../../support/Sockets.ts"

/** Sockets of this process, including those of the clients. */
const openSockets = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length

describe("a client that leaves a server on a WebSocket", () => {
  it.effect("does not stop a thread and its turn, which the next client can resume [58]", () =>
    Effect.gen(function* () {
      const { model, port } = yield* listening()
      const first = yield* connect(port)
      const threadId = yield* startThread(first)
      yield* startTurn(first, threadId)
      const call = yield* model.next
      assert.deepStrictEqual(yield* first.close, { code: 1000, reason: "" })
      const second = yield* connect(port)
      assert.deepStrictEqual((yield* second.request("thread/loaded/list")).result, {
        data: [threadId],
        nextCursor: null
      })
      yield* second.request("thread/resume", { threadId })
      yield* call.finish("still here")
      const { params } = yield* second.notified("turn/completed")
      assert.strictEqual((params as { turn: { status: string } }).turn.status, "completed")
    })
  )

  it.effect("is removed at once while its request still runs, and delays no other client [56] [57]", () =>
    Effect.gen(function* () {
      const store = yield* SlowStore.make
      const { goOn, reached } = store.haltAt(({ _tag }) => _tag === "Created")
      const { services, router, threads } = yield* makeServer({ store: store.layer })
      const listener = yield* Effect.provideContext(serve({}), services)
      const { port } = listener.bound
      const leaving = yield* connect(port)
      yield* leaving.send({ id: 1, method: "thread/start", params: {} })
      yield* reached
      yield* leaving.close
      while (router.connections().length > 0) yield* Effect.yieldNow
      assert.strictEqual(listener.served().length, 1)
      const other = yield* connect(port)
      assert.isDefined((yield* other.request("thread/loaded/list")).result)
      yield* goOn
      while (listener.served().length > 1) yield* Effect.yieldNow
      assert.strictEqual(threads.loaded().length, 1)
    })
  )

  it.effect("does not stop turns when it has stopped reading and the listener closes [58]", () =>
    Effect.gen(function* () {
      const server = yield* makeServer()
      const scope = yield* Scope.make()
      const listener = yield* serve({ outgoingCapacity: 8 }).pipe(
        Scope.provide(scope),
        Effect.provideContext(server.services)
      )
      const client = yield* connect(listener.bound.port)
      const threadId = yield* startThread(client)
      yield* startTurn(client, threadId)
      client.ws.pause()
      const call = yield* server.model.next
      yield* call.emit({ _tag: "ItemStarted", itemId: "m", kind: "message" })
      for (let i = 0; i < 400; i++) yield* call.emit({ _tag: "TextDelta", itemId: "m", delta: "x".repeat(64 * 1024) })
      const outgoing = listener.served()[0]?.connection.outgoing
      while ((outgoing?.stats.waited ?? 0) === 0) yield* Effect.yieldNow
      // The server waits for it until the deadline, and not longer.
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      while (closing.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
      assert.isAtMost(yield* Clock.currentTimeMillis, 6000)
      yield* call.finish()
      yield* server.threads.drain
      assert.deepStrictEqual(server.router.connections(), [])
    })
  )

  it.effect("is removed when it has ended its half of the connection", () =>
    Effect.gen(function* () {
      const { listener, port, router } = yield* listening()
      const client = yield* connectRaw(port)
      while (router.connections().length < 1) yield* Effect.yieldNow
      client.socket.end()
      yield* client.ended
      yield* listener.isEmpty
      assert.deepStrictEqual(router.connections(), [])
    })
  )

  it.effect(
    "leaves nothing when a thousand come and go",
    () =>
      Effect.gen(function* () {
        const { listener, port, router } = yield* listening()
        const before = openSockets()
        const visit = (index: number) =>
          Effect.gen(function* () {
            const client = yield* index % 2 === 0 ? connect(port) : tryConnect(port)
            // Some close, some vanish, some during a request.
            if (index % 3 === 0) yield* client.send({ id: 9, method: "model/list", params: {} })
            if (index % 5 !== 0) yield* client.close
          }).pipe(Effect.scoped)
        yield* Effect.forEach(Array.from({ length: 1000 }).keys(), visit, { concurrency: 50, discard: true })
        while (listener.served().length > 0 || openSockets() > before) yield* Effect.yieldNow
        assert.deepStrictEqual(router.connections(), [])
        yield* listener.isEmpty
      }),
    20_000
  )

  it.effect(
    "leaves nothing when hundreds are refused, break the protocol, hang up or reset",
    () =>
      Effect.gen(function* () {
        const { listener, port, router } = yield* listening()
        const before = openSockets()
        const upgrade = `GET / HTTP/1.1\r\n${upgradeHeaders}`
        const visits: ReadonlyArray<Effect.Effect<unknown, never, Scope.Scope>> = [
          exchange(port, "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
          exchange(port, `${upgrade}Origin: http://a\r\n\r\n`),
          exchange(port, `GET / HTTP/1.1\r\nX: ${"a".repeat(100_000)}\r\n\r\n`),
          exchange(port, `${upgrade}\r\n`, (text) => text.includes("101")),
          Effect.flatMap(connectRaw(port), (client) => Effect.andThen(client.write(frame(3, "x")), client.ended)),
          Effect.flatMap(connectRaw(port), ({ ended, socket }) => {
            socket.end(frame(1, '{"id":1,"method":'))
            return ended
          }),
          Effect.map(connectRaw(port), ({ socket }) => socket.resetAndDestroy())
        ]
        const visit = (index: number) => Effect.scoped(visits[index % visits.length] ?? Effect.void)
        yield* Effect.forEach(Array.from({ length: 700 }).keys(), visit, { concurrency: 50, discard: true })
        while (listener.served().length > 0 || openSockets() > before) yield* Effect.yieldNow
        yield* listener.isEmpty
        assert.deepStrictEqual(router.connections(), [])
      }),
    20_000
  )

  it.effect("does not delay the end of the server when it has sent nothing, or half a request", () =>
    Effect.gen(function* () {
      const server = yield* makeServer()
      const scope = yield* Scope.make()
      const listener = yield* serve({}).pipe(Scope.provide(scope), Effect.provideContext(server.services))
      const { port } = listener.bound
      const waiting = yield* Effect.forEach(["", "GET / HTTP/1.1\r\nHo"], (bytes) =>
        Effect.forkChild(exchange(port, bytes), { startImmediately: true })
      )
      // A later client was accepted, so these were accepted, too.
      yield* connect(port)
      yield* Scope.close(scope, Exit.void)
      for (const each of waiting) yield* Fiber.join(each)
    })
  )
})
