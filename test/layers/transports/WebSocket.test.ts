import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as WebSocket from "../../../src/layers/transports/WebSocket.ts"
import { makeServer } from "../../support/Server.ts"
import { answersTo, dismiss, listening, startThread, startTurn } from "../../support/Listening.ts"
import { connect, tryConnect } from "../../support/Sockets.ts"
import type { ReceivedMessage } from "../../support/WirePeer.ts"

const codes = ({ error, id, result }: ReceivedMessage) => ({
  id,
  code: error?.code ?? (result === undefined ? "?" : "ok")
})

describe("a server on a WebSocket", () => {
  it.effect("reports the port that the system chose", () =>
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

  it.effect("does not listen for other machines without authentication [49]", () =>
    Effect.gen(function* () {
      const { services } = yield* makeServer()
      for (const [host, authority] of [
        ["0.0.0.0", "0.0.0.0:0"],
        ["::", "[::]:0"]
      ] as const) {
        const open = WebSocket.serve({
          listen: { _tag: "WebSocket", host, port: 0 },
          admission: { allowedOrigins: new Set(), authorize: undefined }
        })
        const error = yield* Effect.flip(Effect.provideContext(open, services))
        assert.strictEqual(
          error.message,
          `refusing to start non-loopback websocket listener ${authority} without auth; configure \`--ws-auth capability-token\` or \`--ws-auth signed-bearer-token\``
        )
      }
      const guarded = yield* WebSocket.serve({
        listen: { _tag: "WebSocket", host: "0.0.0.0", port: 0 },
        admission: { allowedOrigins: new Set(), authorize: () => Effect.void }
      }).pipe(Effect.provideContext(services))
      assert.isAbove(guarded.bound.port, 0)
    })
  )

  it.effect("reports why it cannot listen", () =>
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

  it.effect("performs the handshake per connection", () =>
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

  it.effect("distinguishes equal ids of two connections [59]", () =>
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
      assert.deepStrictEqual(yield* answersTo(port, 10_000), new Map([[1, 10_000]]))
    })
  )

  it.effect("stops reading from a client whose responses are backing up, and answers everything once it reads", () =>
    Effect.gen(function* () {
      const { listener, port } = yield* listening({ outgoingCapacity: 4, ingressCapacity: 4 })
      const client = yield* connect(port)
      client.ws.pause()
      const total = 2000
      const long = "no/such".padEnd(20_000, "x")
      for (let id = 0; id < total; id++) yield* client.send({ id: `r${id}`, method: long })
      const connection = listener.served()[0]?.connection
      while ((connection?.outgoing.stats.size ?? 0) < 4) yield* Effect.yieldNow
      client.ws.resume()
      const ids = new Set<unknown>()
      while (ids.size < total) ids.add((yield* client.next).id)
      assert.strictEqual(ids.size, total)
    })
  )

  it.effect("closes all clients after their last messages, and accepts no more", () =>
    Effect.gen(function* () {
      const { listener, model, port, threads } = yield* listening()
      const client = yield* connect(port)
      const threadId = yield* startThread(client)
      yield* startTurn(client, threadId)
      yield* Effect.flatMap(model.next, (call) => call.finish("done"))
      yield* threads.drain
      yield* dismiss(listener, "the server is shutting down")
      assert.strictEqual((yield* client.notified("turn/completed")).method, "turn/completed")
      assert.deepStrictEqual(yield* client.closed, { code: 1001, reason: "the server is shutting down" })
      assert.strictEqual(listener.served().length, 0)
      assert.deepStrictEqual((yield* tryConnect(port)).refused, { status: 0, text: "" })
    })
  )
})
