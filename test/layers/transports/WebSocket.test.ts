import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as WebSocket from "../../../src/layers/transports/WebSocket.ts"
import { Toolset } from "../../../src/services/Tool.ts"
import { listening, serve, startThread, startTurn } from "../../support/Listening.ts"
import { makeServer } from "../../support/Server.ts"
import { connect, connectRaw, frame, tryConnect } from "../../support/Sockets.ts"
import type { Heard } from "../../support/WirePeer.ts"

const Text = 1
const Binary = 2
const Close = 8
const Ping = 9
const Pong = 10

const codes = ({ error, id, result }: Heard) => ({ id, code: error?.code ?? (result === undefined ? "?" : "ok") })

describe("a server on a WebSocket", () => {
  it.effect("says which port the system gave it", () =>
    Effect.gen(function* () {
      const { listener, port } = yield* listening()
      assert.isAbove(port, 0)
      assert.deepStrictEqual(WebSocket.banner(listener.bound), [
        "spindle app-server (WebSockets)",
        `  listening on: ws://127.0.0.1:${port}`,
        `  readyz: http://127.0.0.1:${port}/readyz`,
        `  healthz: http://127.0.0.1:${port}/healthz`,
        "  note: binds localhost only (use SSH port-forwarding for remote access)"
      ])
      const remote = WebSocket.banner({ _tag: "WebSocket", host: "::", port: 1 })
      assert.deepStrictEqual(
        [remote[1], remote[4]],
        ["  listening on: ws://[::]:1", "  note: websocket auth is required for non-localhost listeners"]
      )
    })
  )

  it.effect("does not let other machines in without asking who they are", () =>
    Effect.gen(function* () {
      const { services } = yield* makeServer()
      const serve = WebSocket.serve({
        listen: { _tag: "WebSocket", host: "0.0.0.0", port: 0 },
        admission: { allowedOrigins: new Set(), authorize: undefined }
      })
      const error = yield* Effect.flip(Effect.provideContext(serve, services))
      assert.strictEqual(
        error.message,
        "refusing to start non-loopback websocket listener 0.0.0.0:0 without auth; configure `--ws-auth capability-token` or `--ws-auth signed-bearer-token`"
      )
      const guarded = yield* WebSocket.serve({
        listen: { _tag: "WebSocket", host: "0.0.0.0", port: 0 },
        admission: { allowedOrigins: new Set(), authorize: () => Effect.void }
      }).pipe(Effect.provideContext(services))
      assert.isAbove(guarded.bound.port, 0)
    })
  )

  it.effect("says why it cannot listen", () =>
    Effect.gen(function* () {
      const { port, services } = yield* listening()
      const again = WebSocket.serve({
        listen: { _tag: "WebSocket", host: "127.0.0.1", port },
        admission: { allowedOrigins: new Set(), authorize: undefined }
      })
      const error = yield* Effect.flip(Effect.provideContext(again, services))
      assert.include(error.message, `cannot listen on ws://127.0.0.1:${port}: listen EADDRINUSE`)
    })
  )

  it.effect("shakes hands with each connection by itself", () =>
    Effect.gen(function* () {
      const { port } = yield* listening()
      const first = yield* connect(port)
      const second = yield* tryConnect(port)
      assert.deepStrictEqual((yield* second.request("thread/loaded/list")).error, {
        code: -32600,
        message: "Not initialized"
      })
      assert.isDefined((yield* first.request("thread/loaded/list")).result)
      yield* second.initialize
      assert.deepStrictEqual((yield* second.initialize).error, { code: -32600, message: "Already initialized" })
    })
  )

  it.effect("keeps apart what two connections call by the same id", () =>
    Effect.gen(function* () {
      const { port } = yield* listening()
      const first = yield* connect(port)
      const second = yield* connect(port)
      yield* first.send({ id: "same", method: "thread/loaded/list", params: {} })
      yield* second.send({ id: "same", method: "no/such" })
      const answers = [yield* first.until(({ id }) => id === "same"), yield* second.until(({ id }) => id === "same")]
      assert.deepStrictEqual(answers.map(codes), [
        { id: "same", code: "ok" },
        { id: "same", code: -32600 }
      ])
    })
  )

  it.effect("answers each of 10000 pipelined requests exactly once", () =>
    Effect.gen(function* () {
      const { port } = yield* listening()
      const client = yield* connectRaw(port)
      const total = 10_000
      const initialize = { id: "i", method: "initialize", params: { clientInfo: { name: "a", version: "1" } } }
      const requests = Array.from({ length: total }, (_, id) => ({ id, method: "thread/loaded/list", params: {} }))
      yield* client.write(Buffer.concat([initialize, ...requests].map((r) => frame(Text, JSON.stringify(r)))))
      const answered = new Map<unknown, number>()
      while (answered.size < total + 1) {
        const { id } = JSON.parse((yield* client.next).payload.toString()) as Heard
        if (id !== undefined) answered.set(id, (answered.get(id) ?? 0) + 1)
      }
      assert.deepStrictEqual(new Set(answered.values()), new Set([1]))
    })
  )

  it.effect("lets a thread and its turn go on when its only client has gone, for whoever comes next", () =>
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

  it.effect("goes on after frames that are no messages, and answers a ping", () =>
    Effect.gen(function* () {
      const { port } = yield* listening()
      const client = yield* connectRaw(port)
      const request = JSON.stringify({ id: 1, method: "thread/loaded/list", params: {} })
      for (const bytes of [
        frame(Binary, request),
        frame(Text, "{"),
        frame(Text, ""),
        frame(Text, `${request}\n${request}`),
        frame(Text, `[${request}]`),
        frame(Text, "null"),
        frame(Pong, "unasked"),
        frame(Ping, "are you there?")
      ]) {
        yield* client.write(bytes)
      }
      assert.deepStrictEqual(yield* client.next, { opcode: Pong, payload: Buffer.from("are you there?") })
      // In fragments, with a ping between them.
      yield* client.write(frame(Text, request.slice(0, 5), { fin: false }))
      yield* client.write(frame(Ping, "!"))
      yield* client.write(frame(0, request.slice(5, 9), { fin: false }))
      yield* client.write(frame(0, `${request.slice(9)}\n`))
      assert.deepStrictEqual(yield* client.next, { opcode: Pong, payload: Buffer.from("!") })
      const answer = yield* client.next
      assert.strictEqual(answer.payload.toString(), '{"error":{"code":-32600,"message":"Not initialized"},"id":1}')
    })
  )

  it.effect.each<[string, Buffer, number, string]>([
    ["a message that is too long", frame(Text, "x".repeat(1001)), 1009, "message is longer than the server takes"],
    [
      "fragments that are",
      Buffer.concat([frame(Text, "x".repeat(600), { fin: false }), frame(0, "x".repeat(600))]),
      1009,
      "message is longer than the server takes"
    ],
    ["text that is no UTF-8", frame(Text, Uint8Array.of(0xc3, 0x28)), 1007, "text is not UTF-8"],
    ["a frame of an unknown kind", frame(3, "x"), 1002, "malformed frame"],
    ["a compressed frame", Buffer.concat([Buffer.of(0xc1), frame(Text, "x").subarray(1)]), 1002, "malformed frame"],
    ["a frame that is not masked", Buffer.of(0x81, 1, 120), 1002, "malformed frame"]
  ])("closes with a reason for %s, and nobody else notices", ([, bytes, code, reason]) =>
    Effect.gen(function* () {
      const { port } = yield* listening({ maxMessageBytes: 1000 })
      const other = yield* connect(port)
      const client = yield* connectRaw(port)
      yield* client.write(bytes)
      const { opcode, payload } = yield* client.next
      assert.deepStrictEqual(
        { opcode, code: payload.readUInt16BE(0), reason: payload.toString("utf8", 2) },
        { opcode: Close, code, reason }
      )
      yield* client.ended
      assert.isDefined((yield* other.request("thread/loaded/list")).result)
    })
  )

  it.effect("takes a message of exactly the limit, and one of 17 MiB by default", () =>
    Effect.gen(function* () {
      const exact = yield* listening({ maxMessageBytes: 1000 })
      const request = JSON.stringify({
        id: 1,
        method: "initialize",
        params: { clientInfo: { name: "a", version: "1" } }
      })
      const client = yield* connectRaw(exact.port)
      yield* client.write(frame(Text, request.padEnd(1000)))
      assert.include((yield* client.next).payload.toString(), '"id":1')
      const usual = yield* listening()
      const large = yield* connect(usual.port)
      const answer = yield* large.request("thread/start", {
        cwd: "/spindle-test",
        padding: "x".repeat(17 * 1024 * 1024)
      })
      assert.isDefined(answer.result)
    })
  )

  it.effect("asks who is silent for a sign of life, and lets go of who gives none", () =>
    Effect.gen(function* () {
      const { listener, port } = yield* listening()
      const alive = yield* connect(port)
      const dead = yield* connectRaw(port)
      while (listener.served().length < 2) yield* Effect.yieldNow
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* dead.next).opcode, Ping)
      yield* alive.ping
      // The pong is behind this on its way.
      yield* alive.request("thread/loaded/list")
      yield* TestClock.adjust("30 seconds")
      const { opcode, payload } = yield* dead.next
      assert.deepStrictEqual([opcode, payload.toString("utf8", 2)], [Close, "no answer to a ping"])
      yield* dead.ended
      assert.isDefined((yield* alive.request("thread/loaded/list")).result)
      assert.strictEqual(listener.served().length, 1)
    })
  )

  it.effect("stops reading from a client whose answers pile up, and answers everything once it reads", () =>
    Effect.gen(function* () {
      const { listener, port } = yield* listening({ outboxCapacity: 4, ingressCapacity: 4 })
      const client = yield* connect(port)
      client.ws.pause()
      const total = 2000
      const long = "no/such".padEnd(20_000, "x")
      for (let id = 0; id < total; id++) yield* client.send({ id: `r${id}`, method: long })
      const connection = listener.served()[0]?.connection
      while ((connection?.outbox.stats.size ?? 0) < 4) yield* Effect.yieldNow
      client.ws.resume()
      const ids = new Set<unknown>()
      while (ids.size < total) ids.add((yield* client.next).id)
      assert.strictEqual(ids.size, total)
    })
  )

  it.effect("says goodbye to everybody, after the last they are told, and takes nobody more", () =>
    Effect.gen(function* () {
      const { listener, model, port, threads } = yield* listening()
      const client = yield* connect(port)
      const threadId = yield* startThread(client)
      yield* startTurn(client, threadId)
      yield* Effect.flatMap(model.next, (call) => call.finish("done"))
      yield* threads.drain
      yield* listener.dismiss("the server is shutting down")
      assert.strictEqual((yield* client.notified("turn/completed")).method, "turn/completed")
      assert.deepStrictEqual(yield* client.closed, { code: 1001, reason: "the server is shutting down" })
      assert.strictEqual(listener.served().length, 0)
      assert.deepStrictEqual((yield* tryConnect(port)).refused, { status: 0, text: "" })
    })
  )

  it.effect("forgets a client at once that goes while it is being answered, and lets the handler finish", () =>
    Effect.gen(function* () {
      const entered = yield* Deferred.make<void>()
      const gate = yield* Deferred.make<void>()
      const open = Effect.andThen(Deferred.succeed(entered, undefined), Effect.as(Deferred.await(gate), []))
      const { services, router, threads } = yield* makeServer({ tools: Layer.succeed(Toolset, { open: () => open }) })
      const listener = yield* Effect.provideContext(serve({}), services)
      const { port } = listener.bound
      const leaving = yield* connect(port)
      yield* leaving.send({ id: 1, method: "thread/start", params: {} })
      yield* Deferred.await(entered)
      yield* leaving.close
      while (router.connections().length > 0) yield* Effect.yieldNow
      assert.strictEqual(listener.served().length, 1)
      const other = yield* connect(port)
      assert.isDefined((yield* other.request("thread/loaded/list")).result)
      yield* Deferred.succeed(gate, undefined)
      while (listener.served().length > 1) yield* Effect.yieldNow
      assert.strictEqual(threads.loaded().length, 1)
    })
  )

  it.effect("lets turns go on when it is closed under a client that has stopped reading", () =>
    Effect.gen(function* () {
      const server = yield* makeServer()
      const scope = yield* Scope.make()
      const listener = yield* serve({ outboxCapacity: 8 }).pipe(
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
      const outbox = listener.served()[0]?.connection.outbox
      while ((outbox?.stats.waited ?? 0) === 0) yield* Effect.yieldNow
      yield* Scope.close(scope, Exit.void)
      yield* call.finish()
      yield* server.threads.drain
      assert.deepStrictEqual(server.router.connections(), [])
    })
  )

  it.effect(
    "leaves nothing of a thousand clients that come and go",
    () =>
      Effect.gen(function* () {
        const { listener, port, router } = yield* listening()
        const sockets = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length
        const before = sockets()
        const visit = (index: number) =>
          Effect.gen(function* () {
            const client = yield* index % 2 === 0 ? connect(port) : tryConnect(port)
            // Some say goodbye, some vanish, some in the middle of a request.
            if (index % 3 === 0) yield* client.send({ id: 9, method: "model/list", params: {} })
            if (index % 5 !== 0) yield* client.close
          }).pipe(Effect.scoped)
        yield* Effect.forEach(Array.from({ length: 1000 }).keys(), visit, { concurrency: 50, discard: true })
        while (listener.served().length > 0 || sockets() > before) yield* Effect.yieldNow
        assert.deepStrictEqual(router.connections(), [])
        yield* listener.isEmpty
      }),
    20_000
  )
})
