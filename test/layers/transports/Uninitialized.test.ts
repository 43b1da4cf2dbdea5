import * as Net from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { Budget, ReadBudget } from "../../../src/layers/transports/ReadBudget.ts"
import { listening } from "../../support/Listening.ts"
import { connect, connectRaw, exchange, frame, tryConnect } from "../../support/Sockets.ts"
import type { ReceivedMessage } from "../../support/WirePeer.ts"

const Text = 1
const MiB = 1024 * 1024

const initialize = frame(
  Text,
  JSON.stringify({ id: "i", method: "initialize", params: { clientInfo: { name: "a", version: "1" } } })
)

/** A request of about this many bytes, and not less. */
const list = (id: number, bytes = 0) =>
  frame(Text, JSON.stringify({ id, method: "thread/loaded/list", params: {}, padding: "x".repeat(bytes) }))

/** Advances the clock until this has happened, so that a closing server does not wait for the client. */
const eventually = Effect.fnUntraced(function* <A>(effect: Effect.Effect<A>) {
  const fiber = yield* Effect.forkChild(effect)
  while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("100 millis")
  return yield* Fiber.join(fiber)
})

/** A raw TCP connection. */
const openTcp = Effect.fnUntraced(function* (port: number, bytes = "") {
  const ended = yield* Deferred.make<string>()
  const connected = yield* Deferred.make<void>()
  const socket = yield* Effect.acquireRelease(
    Effect.sync(() => Net.connect(port, "127.0.0.1")),
    (socket) => Effect.sync(() => socket.destroy())
  )
  let text = ""
  socket.on("data", (chunk) => (text += chunk.toString("latin1")))
  socket.on("error", () => {})
  socket.on("connect", () => Deferred.doneUnsafe(connected, Exit.void))
  socket.on("close", () => Deferred.doneUnsafe(ended, Exit.succeed(text.split("\r\n", 1)[0] ?? "")))
  yield* Deferred.await(connected)
  socket.write(bytes)
  return { ended: Deferred.await(ended) }
})

const answers = Effect.fnUntraced(function* (client: Effect.Success<ReturnType<typeof connectRaw>>, count: number) {
  const ids: Array<unknown> = []
  while (ids.length < count) {
    const { id } = JSON.parse((yield* client.next).payload.toString()) as ReceivedMessage
    if (id !== undefined) ids.push(id)
  }
  return ids
})

const closeFrame = ({ opcode, payload }: { readonly opcode: number; readonly payload: Buffer }) => [
  opcode,
  payload.readUInt16BE(0),
  payload.toString("utf8", 2)
]

const tooLong = [8, 1009, "message before initialize exceeds the size limit"]

describe("a client on a WebSocket that is not initialized", () => {
  it.effect("may send a message of 1 MiB, and a longer one closes its connection", () =>
    Effect.gen(function* () {
      const { port } = yield* listening()
      const client = yield* connectRaw(port)
      yield* client.write(list(1, MiB - 100))
      assert.deepStrictEqual(yield* answers(client, 1), [1])
      yield* client.write(list(2, MiB))
      assert.deepStrictEqual(closeFrame(yield* client.next), tooLong)
      yield* eventually(client.ended)
    })
  )

  it.effect.each<[string, Buffer]>([
    ["a frame that is not complete", list(1, 4 * MiB).subarray(0, 2 * MiB)],
    [
      "fragments without an end",
      Buffer.concat(
        Array.from({ length: 40 }, (_, at) => frame(at === 0 ? Text : 0, "x".repeat(65_000), { fin: false }))
      )
    ]
  ])("is not listened to for the rest of %s", ([, bytes]) =>
    Effect.gen(function* () {
      const { port } = yield* listening()
      const client = yield* connectRaw(port)
      yield* client.write(bytes)
      assert.deepStrictEqual(closeFrame(yield* client.next), tooLong)
      yield* eventually(client.ended)
    })
  )

  it.effect("may send long messages in the same write as initialize", () =>
    Effect.gen(function* () {
      const { port } = yield* listening()
      const client = yield* connectRaw(port)
      yield* client.write(Buffer.concat([initialize, list(1, 3 * MiB), list(2), list(3, 2 * MiB)]))
      assert.sameMembers(yield* answers(client, 4), ["i", 1, 2, 3])
    })
  )

  it.effect("may not send long messages after a failed initialize", () =>
    Effect.gen(function* () {
      const { port } = yield* listening()
      const client = yield* connectRaw(port)
      yield* client.write(Buffer.concat([frame(Text, '{"id":1,"method":"initialize","params":{}}'), list(2, 3 * MiB)]))
      let last = yield* client.next
      while (last.opcode === Text) last = yield* client.next
      assert.deepStrictEqual(closeFrame(last), tooLong)
      yield* eventually(client.ended)
    })
  )

  it.effect("is closed after a minute; an initialized one stays", () =>
    Effect.gen(function* () {
      const { port } = yield* listening()
      const silent = yield* tryConnect(port)
      const idle = yield* connect(port)
      yield* TestClock.adjust("59 seconds")
      assert.isDefined((yield* silent.request("thread/loaded/list")).error, "a refused request is no initialize")
      assert.deepStrictEqual(yield* eventually(silent.closed), { code: 1008, reason: "no initialize in time" })
      assert.isAtMost(yield* Clock.currentTimeMillis, 67_000)
      assert.isDefined((yield* idle.request("thread/loaded/list")).result)
    })
  )

  it.effect("is closed for the next when there are too many", () =>
    Effect.gen(function* () {
      const { port } = yield* listening({ maxUninitialized: 3 })
      const first = yield* connect(port)
      const silent = [yield* tryConnect(port), yield* tryConnect(port), yield* tryConnect(port)]
      const next = yield* connect(port)
      const crowded = { code: 1013, reason: "too many connections without initialize" }
      assert.deepStrictEqual(yield* eventually(silent[0]!.closed), crowded)
      for (const client of [first, next]) assert.isDefined((yield* client.request("thread/loaded/list")).result)
      yield* silent[2]!.initialize
    })
  )
})

describe("a TCP connection without a request", () => {
  it.live.each<[string, string, string]>([
    ["that is silent", "", "HTTP/1.1 408 Request Timeout"],
    ["with half a request", "GET / HTTP/1.1\r\nHost: a\r\n", "HTTP/1.1 408 Request Timeout"],
    ["with half a body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx", "HTTP/1.1 405 Method Not Allowed"]
  ])("%s is closed", ([, bytes, status]) =>
    Effect.scoped(
      Effect.gen(function* () {
        const { port } = yield* listening({ requestTimeout: "50 millis" })
        const { ended } = yield* openTcp(port, bytes)
        assert.strictEqual(yield* ended, status)
      })
    )
  )

  it.effect("is closed for clients when there are too many", () =>
    Effect.gen(function* () {
      const { port } = yield* listening({ maxUninitialized: 5 })
      const silent = yield* Effect.forEach(Array.from({ length: 50 }), () => openTcp(port))
      const client = yield* connect(port)
      assert.isDefined((yield* client.request("thread/loaded/list")).result)
      yield* Effect.forEach(silent.slice(0, 45), ({ ended }) => ended, { concurrency: "unbounded" })
    })
  )

  it.effect("is closed at once beyond the connections that a listener may have", () =>
    Effect.gen(function* () {
      const { port } = yield* listening({ maxConnections: 1 })
      const client = yield* connect(port)
      assert.strictEqual(yield* exchange(port, "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"), "")
      assert.isDefined((yield* client.request("thread/loaded/list")).result)
    })
  )
})

describe("clients on WebSockets with incomplete messages", () => {
  it.effect("are closed when they exceed the budget, and others are served", () =>
    Effect.gen(function* () {
      const { port } = yield* listening()
      const hogs = yield* Effect.forEach(Array.from({ length: 5 }), () => connectRaw(port))
      const client = yield* connect(port)
      for (const hog of hogs) {
        yield* hog.write(Buffer.concat([initialize, list(1, 4 * MiB).subarray(0, MiB)]))
        assert.deepStrictEqual(yield* answers(hog, 1), ["i"])
      }
      const closing = yield* Effect.forEach(hogs, (hog) => Effect.forkChild(hog.next))
      assert.isDefined((yield* client.request("thread/loaded/list")).result)
      const long = yield* connectRaw(port)
      yield* long.write(Buffer.concat([initialize, list(2, 2 * MiB)]))
      const answering = yield* Effect.forkChild(answers(long, 2))
      assert.sameMembers(yield* eventually(Fiber.join(answering)), ["i", 2])
      const closed = closing.flatMap((fiber) => {
        const exit = fiber.pollUnsafe()
        return exit !== undefined && Exit.isSuccess(exit) ? [closeFrame(exit.value)] : []
      })
      assert.isNotEmpty(closed)
      for (const each of closed) assert.deepStrictEqual(each, [8, 1013, "too much is being sent to the server at once"])
    }).pipe(Effect.provideService(Budget, new ReadBudget(5 * MiB)))
  )
})
