import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as UnixSocketClient from "../../../src/layers/clients/UnixSocketClient.ts"
import * as WebSocketClient from "../../../src/layers/clients/WebSocketClient.ts"
import type { AppServerClient } from "../../../src/services/AppServerClient.ts"
import type { ConnectError } from "../../../src/services/remote/Duplex.ts"
import * as FakeSockets from "../../support/FakeSockets.ts"

type Client = AppServerClient["Service"]

const who = { clientName: "test", clientVersion: "1" } as const

const failureOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.result(effect), (result) => (Result.isFailure(result) ? result.failure : undefined))

const told = (error: ConnectError | undefined) => error && { kind: error.kind, message: error.message }

/** A folder for a socket file; its path has to be short. */
const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "spindle-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** A client and the server's end of its connection. */
const connected = Effect.fnUntraced(function* (options: Partial<WebSocketClient.WebSocketClientOptions> = {}) {
  const server = yield* FakeSockets.make()
  const connecting = yield* Effect.forkChild(WebSocketClient.make({ ...who, url: server.url, ...options }))
  const connection = yield* server.accept
  yield* FakeSockets.welcome(connection)
  return { url: server.url, connection, client: yield* Fiber.join(connecting) }
})

/** The same through a socket file. */
const connectedByPath = Effect.gen(function* () {
  const path = join(yield* folder, "s")
  const server = yield* FakeSockets.make({ path })
  const connecting = yield* Effect.forkChild(UnixSocketClient.make({ ...who, path }))
  const connection = yield* server.accept
  yield* FakeSockets.welcome(connection)
  return { url: `unix://${path}`, connection, client: yield* Fiber.join(connecting) }
})

describe("a token", () => {
  const refused = [
    "ws://example.com",
    "ws://10.0.0.1:4500",
    "ws://128.0.0.1",
    "ws://[::2]:1/rpc",
    "ws://localhost.evil"
  ]

  for (const url of refused) {
    it.effect(`is not sent to ${url}, and nothing is opened [35]`, () =>
      Effect.gen(function* () {
        const error = yield* failureOf(WebSocketClient.make({ ...who, url, token: "secret" }))
        assert.deepStrictEqual(told(error), {
          kind: "InvalidInput",
          message: `remote auth tokens require \`wss://\` or loopback \`ws://\` URLs; got \`${url}\``
        })
      }).pipe(Effect.scoped)
    )
  }

  const accepted = ["wss://example.com", "ws://localhost:1", "ws://127.0.0.1", "ws://127.1.2.3:9/x", "ws://[::1]:4500"]

  for (const url of accepted) {
    it.effect(`may be sent to ${url} [35]`, () =>
      Effect.gen(function* () {
        const endpoint = yield* WebSocketClient.endpointOf({ ...who, url, token: "secret" })
        assert.strictEqual(endpoint.label, url)
      })
    )
  }

  it.effect("is sent as a bearer, and no other header says anything of it [35]", () =>
    Effect.gen(function* () {
      const { connection } = yield* connected({ token: Redacted.make("s3cret") })
      const { headers } = connection.request
      assert.strictEqual(headers.authorization, "Bearer s3cret")
      assert.isUndefined(headers["sec-websocket-extensions"])
    }).pipe(Effect.scoped)
  )

  it.effect("that is not given sends no header", () =>
    Effect.gen(function* () {
      const { connection } = yield* connected()
      assert.isUndefined(connection.request.headers.authorization)
    }).pipe(Effect.scoped)
  )

  it.effect("or a password in the address is not repeated in messages", () =>
    Effect.gen(function* () {
      const url = "ws://ada:pw@example.com:4500/rpc?token=t0ken#f"
      const error = yield* failureOf(WebSocketClient.make({ ...who, url, token: "secret" }))
      assert.strictEqual(
        error?.message,
        "remote auth tokens require `wss://` or loopback `ws://` URLs; got `ws://example.com:4500/rpc`"
      )
    }).pipe(Effect.scoped)
  )

  it.effect.prop(
    "is sent to no host by a plain address but those of this machine [35]",
    [
      Arbitrary.array(Arbitrary.schema(Schema.Literals([0, 1, 10, 126, 127, 128, 192, 255])), {
        minLength: 4,
        maxLength: 4
      })
    ],
    ([numbers]) =>
      Effect.gen(function* () {
        const url = `ws://${numbers.join(".")}:1`
        const allowed = Result.isSuccess(
          yield* Effect.result(WebSocketClient.endpointOf({ ...who, url, token: "secret" }))
        )
        assert.strictEqual(allowed, numbers[0] === 127)
      })
  )
})

describe("connecting", () => {
  for (const url of ["http://localhost", "localhost:1", "", "unix:///tmp/x"]) {
    it.effect(`to "${url}" is refused as no address`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(told(yield* failureOf(WebSocketClient.make({ ...who, url }))), {
          kind: "InvalidInput",
          message: "invalid remote app server URL; expected `ws://HOST:PORT` or `wss://HOST:PORT`"
        })
      }).pipe(Effect.scoped)
    )
  }

  it.effect("gives up after 10 seconds, and its message is not that of the handshake [36]", () =>
    Effect.gen(function* () {
      const server = yield* silent
      const connecting = yield* Effect.forkChild(failureOf(WebSocketClient.make({ ...who, url: server.url })))
      yield* server.reached
      yield* TestClock.adjust("9999 millis")
      assert.isUndefined(connecting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(told(yield* Fiber.join(connecting)), {
        kind: "TimedOut",
        message: `timed out connecting to remote app server at \`${server.url}\``
      })
      yield* server.left
    }).pipe(Effect.scoped)
  )

  it.effect("waits 10 seconds for the answer to initialize [36]", () =>
    Effect.gen(function* () {
      const server = yield* FakeSockets.make()
      const connecting = yield* Effect.forkChild(failureOf(WebSocketClient.make({ ...who, url: server.url })))
      const connection = yield* server.accept
      yield* connection.hear
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(told(yield* Fiber.join(connecting)), {
        kind: "TimedOut",
        message: `timed out waiting for initialize response from \`${server.url}\``
      })
      assert.strictEqual(yield* connection.closed, 1000)
    }).pipe(Effect.scoped)
  )

  it.effect("fails where nobody listens, and may be tried again", () =>
    Effect.gen(function* () {
      const error = yield* failureOf(WebSocketClient.make({ ...who, url: "ws://127.0.0.1:9" }))
      assert.strictEqual(error?.kind, "Unreachable")
      assert.isTrue(error?.isRetryable)
      assert.match(
        error?.message ?? "",
        /^failed to connect to remote app server at `ws:\/\/127\.0\.0\.1:9`: .*ECONNREFUSED/
      )
    }).pipe(Effect.scoped)
  )

  const refusals = [
    {
      status: 401,
      body: "missing websocket bearer token",
      kind: "Unauthorized",
      words: "HTTP 401: missing websocket bearer token"
    },
    { status: 403, body: "", kind: "Unauthorized", words: "HTTP 403" },
    { status: 404, body: "", kind: "InvalidData", words: "HTTP 404" },
    { status: 503, body: "later", kind: "Unreachable", words: "HTTP 503: later" },
    { status: 429, body: "", kind: "Unreachable", words: "HTTP 429" }
  ] as const

  for (const { status, body, kind, words } of refusals) {
    it.effect(`that is answered with ${status} fails as ${kind}, with what the server says`, () =>
      Effect.gen(function* () {
        const server = yield* FakeSockets.make({
          upgrade: (_, socket) => {
            socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`)
            return true
          }
        })
        assert.deepStrictEqual(told(yield* failureOf(WebSocketClient.make({ ...who, url: server.url }))), {
          kind,
          message: `failed to connect to remote app server at \`${server.url}\`: ${words}`
        })
      }).pipe(Effect.scoped)
    )
  }

  it.effect("to what does not speak HTTP fails for good", () =>
    Effect.gen(function* () {
      const server = yield* FakeSockets.make({
        upgrade: (_, socket) => {
          socket.end("SSH-2.0-OpenSSH\r\n")
          return true
        }
      })
      assert.strictEqual((yield* failureOf(WebSocketClient.make({ ...who, url: server.url })))?.kind, "InvalidData")
    }).pipe(Effect.scoped)
  )

  it.effect("by a path that is not there fails, and may be tried again", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "none")
      const error = yield* failureOf(UnixSocketClient.make({ ...who, path }))
      assert.strictEqual(error?.kind, "Unreachable")
      assert.match(error?.message ?? "", /^failed to connect to remote app server at `unix:\/\/.*ENOENT/)
    }).pipe(Effect.scoped)
  )
})

/** Listens, and says nothing. */
const silent = Effect.gen(function* () {
  const reached = Promise.withResolvers<void>()
  const left = Promise.withResolvers<void>()
  const server = createServer((socket) => {
    reached.resolve()
    socket.on("error", () => {}).on("close", () => left.resolve())
    socket.resume()
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () => Effect.sync(() => server.close())
  )
  const address = server.address()
  return {
    url: `ws://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    reached: Effect.promise(() => reached.promise),
    left: Effect.promise(() => left.promise)
  }
})

const ways = [
  { name: "over a WebSocket", connect: connected() },
  { name: "over a Unix socket", connect: connectedByPath }
]

for (const { name, connect } of ways) {
  const number = name === "over a Unix socket" ? " [44]" : ""

  describe(`a client ${name}`, () => {
    it.effect(`knows who it talks to, asks and is told${number}`, () =>
      Effect.gen(function* () {
        const { client, connection } = yield* connect
        assert.deepStrictEqual([client.serverVersion, client.codexHome], ["0.169.0", "/home/fake"])
        const asking = yield* Effect.forkChild(client.request("thread/loaded/list", {}), { startImmediately: true })
        assert.deepStrictEqual(yield* connection.hear, { id: 1, method: "thread/loaded/list", params: {} })
        yield* connection.say({ method: "thread/closed", params: { threadId: "t" }, emittedAtMs: 0 })
        yield* connection.say({ id: 1, result: { data: ["t"], nextCursor: null } })
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
      readonly words: string
      readonly end: (connection: FakeSockets.Accepted) => Effect.Effect<void>
    }> = [
      {
        name: "a goodbye with a reason",
        kind: "ConnectionAborted",
        words: "disconnected: restarting",
        end: ({ socket }) => Effect.sync(() => socket.close(1012, "restarting"))
      },
      {
        name: "a goodbye without one",
        kind: "ConnectionAborted",
        words: "disconnected: connection closed",
        end: ({ socket }) => Effect.sync(() => socket.close())
      },
      { name: "no goodbye", kind: "UnexpectedEof", words: "closed the connection", end: ({ vanish }) => vanish },
      {
        name: "what is no JSON",
        kind: "InvalidData",
        words: "sent invalid JSON-RPC: not JSON",
        end: ({ socket }) => Effect.sync(() => socket.send("garbage"))
      },
      {
        name: "a frame that breaks the protocol",
        kind: "InvalidData",
        words: "transport failed: Invalid WebSocket frame: invalid opcode 3",
        end: ({ request }) => Effect.sync(() => request.socket.write(Buffer.from([0x83, 0])))
      }
    ]

    for (const { name, kind, words, end } of ends) {
      it.effect(`that ends with ${name} fails with ${kind} who waits, and says so once [40]${number}`, () =>
        Effect.gen(function* () {
          const { client, connection, url } = yield* connect
          const waiting = yield* Effect.forkChild(failureOf(client.request("thread/loaded/list", {})), {
            startImmediately: true
          })
          yield* connection.hear
          yield* end(connection)
          const error = yield* Fiber.join(waiting)
          const message = `remote app server at \`${url}\` ${words}`
          assert.deepStrictEqual(error?._tag === "TransportError" && [error.kind, error.detail], [kind, message])
          assert.deepStrictEqual(yield* eventsOf(client), [{ _tag: "Disconnected", message }])
          // The server is gone already.
          yield* client.shutdown
        }).pipe(Effect.scoped)
      )
    }

    it.effect(`says goodbye when it is done, and tells no event [43]${number}`, () =>
      Effect.gen(function* () {
        const { client, connection } = yield* connect
        yield* client.shutdown
        assert.strictEqual(yield* connection.closed, 1000)
        assert.deepStrictEqual(yield* eventsOf(client), [])
      }).pipe(Effect.scoped)
    )
  })
}

const eventsOf = Effect.fnUntraced(function* (client: Client) {
  const events: Array<unknown> = []
  while (true) {
    const event = yield* client.nextEvent
    if (Option.isNone(event)) return events
    events.push(event.value)
  }
})

describe("a message", () => {
  it.effect("of 17 MiB in one frame is taken [41]", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* connected()
      const asking = yield* Effect.forkChild(client.request("thread/loaded/list", {}), { startImmediately: true })
      const { id } = yield* connection.hear
      const data = ["x".repeat(17 * 1024 * 1024)]
      yield* connection.say({ id, result: { data, nextCursor: null } })
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

  it.live("to a peer that does not read is not piled up, and its sender is let go at the end [40]", () =>
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
      const kinds = (yield* Fiber.join(sending)).map((error) => error?.kind)
      // The first found the socket empty.
      assert.deepStrictEqual(kinds, [undefined, "BrokenPipe", "BrokenPipe", "BrokenPipe"])
    }).pipe(Effect.scoped)
  )

  it.effect("that is binary is ignored", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* connected()
      connection.socket.send(Buffer.from("{"))
      yield* connection.say({ method: "thread/closed", params: { threadId: "t" } })
      assert.deepStrictEqual(
        Option.map(yield* client.nextEvent, ({ _tag }) => _tag),
        Option.some("ServerNotification")
      )
    }).pipe(Effect.scoped)
  )

  it.effect("right behind the handshake is not lost [37]", () =>
    Effect.gen(function* () {
      const server = yield* FakeSockets.make()
      const connecting = yield* Effect.forkChild(WebSocketClient.make({ ...who, url: server.url }))
      const connection = yield* server.accept
      yield* connection.say({ method: "thread/closed", params: { threadId: "early" } })
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

describe("a quiet connection", () => {
  it.effect("is pinged, and lives while it answers", () =>
    Effect.gen(function* () {
      const { connection, client } = yield* connected()
      const pinged = Promise.withResolvers<void>()
      connection.socket.once("ping", () => pinged.resolve())
      yield* TestClock.adjust("30 seconds")
      yield* Effect.promise(() => pinged.promise)
      yield* connection.say({ method: "thread/closed", params: { threadId: "t" } })
      assert.deepStrictEqual(
        Option.map(yield* client.nextEvent, ({ _tag }) => _tag),
        Option.some("ServerNotification")
      )
    }).pipe(Effect.scoped)
  )

  it.effect("whose peer is frozen is given up, and the client does not hang on it when it goes", () =>
    Effect.gen(function* () {
      const { connection, client, url } = yield* connected()
      const frozen = Promise.withResolvers<void>()
      connection.socket.pause()
      connection.request.socket.once("close", () => frozen.resolve())
      yield* TestClock.adjust("40 seconds")
      assert.deepStrictEqual(yield* eventsOf(client), [
        { _tag: "Disconnected", message: `remote app server at \`${url}\` gave no sign of life` }
      ])
      // The goodbye is not answered either.
      yield* TestClock.adjust("1 second")
      connection.socket.resume()
      yield* Effect.promise(() => frozen.promise)
    }).pipe(Effect.scoped)
  )
})
