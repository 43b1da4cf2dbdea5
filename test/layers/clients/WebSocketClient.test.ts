import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import * as WebSocketClient from "../../../src/layers/clients/WebSocketClient.ts"
import * as FakeSockets from "../../support/FakeSockets.ts"
import { who, connected, connectedByPath, eventsOf } from "../../support/SocketClients.ts"
import { failureOf } from "../../support/Failures.ts"

const ways = [
  { name: "over a WebSocket", connect: connected() },
  { name: "over a Unix socket", connect: connectedByPath }
]

for (const { name, connect } of ways) {
  const number = name === "over a Unix socket" ? " [44]" : ""

  describe(`a client ${name}`, () => {
    it.effect(`does the handshake, sends requests and receives events${number}`, () =>
      Effect.gen(function* () {
        const { client, connection } = yield* connect
        assert.deepStrictEqual([client.serverVersion, client.codexHome], ["0.169.0", "/home/fake"])
        const asking = yield* Effect.forkChild(client.request("thread/loaded/list", {}), { startImmediately: true })
        assert.deepStrictEqual(yield* connection.receive, { id: 1, method: "thread/loaded/list", params: {} })
        yield* connection.send({ method: "thread/closed", params: { threadId: "t" }, emittedAtMs: 0 })
        yield* connection.send({ id: 1, result: { data: ["t"], nextCursor: null } })
        assert.deepStrictEqual(yield* Fiber.join(asking), { data: ["t"], nextCursor: null })
        assert.deepStrictEqual(
          yield* client.nextEvent,
          Option.some({
            _tag: "ServerNotification",
            notification: { method: "thread/closed", params: { threadId: "t" } }
          })
        )
      }).pipe(Effect.scoped)
    )

    const ends: ReadonlyArray<{
      readonly name: string
      readonly kind: string
      readonly reason: string
      readonly end: (connection: FakeSockets.Accepted) => Effect.Effect<void>
    }> = [
      {
        name: "a close frame with a reason",
        kind: "PeerClosed",
        reason: "disconnected: restarting",
        end: ({ socket }) => Effect.sync(() => socket.close(1012, "restarting"))
      },
      {
        name: "a close frame without a reason",
        kind: "PeerClosed",
        reason: "disconnected: connection closed",
        end: ({ socket }) => Effect.sync(() => socket.close())
      },
      { name: "no close frame", kind: "EndOfStream", reason: "closed the connection", end: ({ vanish }) => vanish },
      {
        name: "text that is not JSON",
        kind: "ProtocolViolation",
        reason: "sent invalid JSON-RPC: not JSON",
        end: ({ socket }) => Effect.sync(() => socket.send("garbage"))
      },
      {
        name: "an invalid frame",
        kind: "ProtocolViolation",
        reason: "transport failed: Invalid WebSocket frame: invalid opcode 3",
        end: ({ request }) => Effect.sync(() => request.socket.write(Buffer.from([0x83, 0])))
      }
    ]

    for (const { name, kind, reason, end } of ends) {
      it.effect(`that ends with ${name} fails pending requests with ${kind}, and reports it once [40]${number}`, () =>
        Effect.gen(function* () {
          const { client, connection, url } = yield* connect
          const waiting = yield* Effect.forkChild(failureOf(client.request("thread/loaded/list", {})), {
            startImmediately: true
          })
          yield* connection.receive
          yield* end(connection)
          const error = yield* Fiber.join(waiting)
          const message = `remote app server at \`${url}\` ${reason}`
          assert.deepStrictEqual(error?._tag === "TransportError" && [error.reason._tag, error.detail], [kind, message])
          assert.deepStrictEqual(yield* eventsOf(client), [{ _tag: "Disconnected", message }])
          // The server has already closed.
          yield* client.shutdown
        }).pipe(Effect.scoped)
      )
    }

    it.effect(`sends a close frame when it is closed, and emits no event [43]${number}`, () =>
      Effect.gen(function* () {
        const { client, connection } = yield* connect
        yield* client.shutdown
        assert.strictEqual(yield* connection.closed, 1000)
        assert.deepStrictEqual(yield* eventsOf(client), [])
      }).pipe(Effect.scoped)
    )
  })
}

describe("a message", () => {
  it.effect("of 17 MiB in one frame is accepted [41]", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* connected()
      const asking = yield* Effect.forkChild(client.request("thread/loaded/list", {}), { startImmediately: true })
      const { id } = yield* connection.receive
      const data = ["x".repeat(17 * 1024 * 1024)]
      yield* connection.send({ id, result: { data, nextCursor: null } })
      assert.deepStrictEqual(yield* Fiber.join(asking), { data, nextCursor: null })
    }).pipe(Effect.scoped)
  )

  it.effect("of more than 128 MiB ends the connection before it is read [41]", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* connected()
      const header = Buffer.alloc(10)
      header.writeUInt8(0x81, 0)
      header.writeUInt8(127, 1)
      header.writeBigUInt64BE(128n * 1024n * 1024n + 1n, 2)
      connection.request.socket.write(header)
      const [event] = yield* eventsOf(client)
      assert.match(JSON.stringify(event), /transport failed: Max payload size exceeded/)
      assert.strictEqual(yield* connection.closed, 1009)
    }).pipe(Effect.scoped)
  )

  it.live("to a peer that does not read is not buffered, and its sender fails at the end [40]", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* connected()
      connection.socket.pause()
      const large = "x".repeat(4 * 1024 * 1024)
      const sending = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 4 }, () => failureOf(client.notify("initialized", { large }))),
          { concurrency: "unbounded" }
        ),
        { startImmediately: true }
      )
      assert.isUndefined(sending.pollUnsafe())
      yield* client.shutdown
      const kinds = (yield* Fiber.join(sending)).map((error) => error?.reason._tag)
      // The first one was written before the socket was full.
      assert.deepStrictEqual(kinds, [undefined, "Closed", "Closed", "Closed"])
    }).pipe(Effect.scoped)
  )

  it.effect("that is binary is ignored", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* connected()
      connection.socket.send(Buffer.from("{"))
      yield* connection.send({ method: "thread/closed", params: { threadId: "t" } })
      assert.deepStrictEqual(
        Option.map(yield* client.nextEvent, ({ _tag }) => _tag),
        Option.some("ServerNotification")
      )
    }).pipe(Effect.scoped)
  )

  it.effect("directly after the handshake is not lost [37]", () =>
    Effect.gen(function* () {
      const server = yield* FakeSockets.make()
      const connecting = yield* Effect.forkChild(WebSocketClient.make({ ...who, url: server.url }))
      const connection = yield* server.accept
      yield* connection.send({ method: "thread/closed", params: { threadId: "early" } })
      yield* FakeSockets.welcome(connection)
      const client = yield* Fiber.join(connecting)
      assert.deepStrictEqual(
        yield* client.nextEvent,
        Option.some({
          _tag: "ServerNotification",
          notification: { method: "thread/closed", params: { threadId: "early" } }
        })
      )
    }).pipe(Effect.scoped)
  )
})

describe("an idle connection", () => {
  it.effect("is pinged, and continues while the peer responds", () =>
    Effect.gen(function* () {
      const { connection, client } = yield* connected()
      const pinged = Promise.withResolvers<void>()
      connection.socket.once("ping", () => pinged.resolve())
      yield* TestClock.adjust("30 seconds")
      yield* Effect.promise(() => pinged.promise)
      yield* connection.send({ method: "thread/closed", params: { threadId: "t" } })
      assert.deepStrictEqual(
        Option.map(yield* client.nextEvent, ({ _tag }) => _tag),
        Option.some("ServerNotification")
      )
    }).pipe(Effect.scoped)
  )

  it.effect("to a frozen peer is given up, and closing the client does not hang", () =>
    Effect.gen(function* () {
      const { connection, client, url } = yield* connected()
      const frozen = Promise.withResolvers<void>()
      connection.socket.pause()
      connection.request.socket.once("close", () => frozen.resolve())
      yield* TestClock.adjust("40 seconds")
      assert.deepStrictEqual(yield* eventsOf(client), [
        { _tag: "Disconnected", message: `remote app server at \`${url}\` did not respond to a ping` }
      ])
      // The close frame is not answered either.
      yield* TestClock.adjust("1 second")
      connection.socket.resume()
      yield* Effect.promise(() => frozen.promise)
    }).pipe(Effect.scoped)
  )
})
