import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { createServer } from "node:net"
import { join } from "node:path"
import * as UnixSocketClient from "../../../src/layers/clients/UnixSocketClient.ts"
import * as WebSocketClient from "../../../src/layers/clients/WebSocketClient.ts"
import * as FakeSockets from "../../support/FakeSockets.ts"
import { summaryOf, folder, connected, who } from "../../support/SocketClients.ts"
import { failureOf } from "../../support/Failures.ts"

/** Accepts connections and sends nothing. */
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

describe("a token", () => {
  const refused = [
    "ws://example.com",
    "ws://10.0.0.1:4500",
    "ws://128.0.0.1",
    "ws://[::2]:1/rpc",
    "ws://localhost.evil"
  ]

  for (const url of refused) {
    it.effect(`is not sent to ${url}, and no connection is opened [35]`, () =>
      Effect.gen(function* () {
        const error = yield* failureOf(WebSocketClient.make({ ...who, url, token: "secret" }))
        assert.deepStrictEqual(summaryOf(error), {
          kind: "InvalidOptions",
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

  it.effect("is sent as a bearer token and in no other header [35]", () =>
    Effect.gen(function* () {
      const { connection } = yield* connected({ token: Redacted.make("s3cret") })
      const { headers } = connection.request
      assert.strictEqual(headers.authorization, "Bearer s3cret")
      assert.isUndefined(headers["sec-websocket-extensions"])
    }).pipe(Effect.scoped)
  )

  it.effect("is optional: without it, no header is sent", () =>
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
    "is sent over ws:// to loopback addresses only [35]",
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
    it.effect(`to "${url}" is refused as an invalid address`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(summaryOf(yield* failureOf(WebSocketClient.make({ ...who, url }))), {
          kind: "InvalidOptions",
          message: "invalid remote app server URL; expected `ws://HOST:PORT` or `wss://HOST:PORT`"
        })
      }).pipe(Effect.scoped)
    )
  }

  it.effect("gives up after 10 seconds, with another message than the handshake's timeout [36]", () =>
    Effect.gen(function* () {
      const server = yield* silent
      const connecting = yield* Effect.forkChild(failureOf(WebSocketClient.make({ ...who, url: server.url })))
      yield* server.reached
      yield* TestClock.adjust("9999 millis")
      assert.isUndefined(connecting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(summaryOf(yield* Fiber.join(connecting)), {
        kind: "TimedOut",
        message: `timed out connecting to remote app server at \`${server.url}\``
      })
      yield* server.left
    }).pipe(Effect.scoped)
  )

  it.effect("waits 10 seconds for the response to initialize [36]", () =>
    Effect.gen(function* () {
      const server = yield* FakeSockets.make()
      const connecting = yield* Effect.forkChild(failureOf(WebSocketClient.make({ ...who, url: server.url })))
      const connection = yield* server.accept
      yield* connection.receive
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(summaryOf(yield* Fiber.join(connecting)), {
        kind: "TimedOut",
        message: `timed out waiting for initialize response from \`${server.url}\``
      })
      assert.strictEqual(yield* connection.closed, 1000)
    }).pipe(Effect.scoped)
  )

  it.effect("fails when nothing listens, and can be retried", () =>
    Effect.gen(function* () {
      const error = yield* failureOf(WebSocketClient.make({ ...who, url: "ws://127.0.0.1:9" }))
      assert.strictEqual(error?.reason._tag, "Unreachable")
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
      reason: "HTTP 401: missing websocket bearer token"
    },
    { status: 403, body: "", kind: "Unauthorized", reason: "HTTP 403" },
    { status: 404, body: "", kind: "ProtocolViolation", reason: "HTTP 404" },
    { status: 503, body: "later", kind: "Unreachable", reason: "HTTP 503: later" },
    { status: 429, body: "", kind: "Unreachable", reason: "HTTP 429" }
  ] as const

  for (const { status, body, kind, reason } of refusals) {
    it.effect(`that is answered with ${status} fails as ${kind}, with the server's text`, () =>
      Effect.gen(function* () {
        const server = yield* FakeSockets.make({
          upgrade: (_, socket) => {
            socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`)
            return true
          }
        })
        assert.deepStrictEqual(summaryOf(yield* failureOf(WebSocketClient.make({ ...who, url: server.url }))), {
          kind,
          message: `failed to connect to remote app server at \`${server.url}\`: ${reason}`
        })
      }).pipe(Effect.scoped)
    )
  }

  it.effect("to a server that does not speak HTTP fails permanently", () =>
    Effect.gen(function* () {
      const server = yield* FakeSockets.make({
        upgrade: (_, socket) => {
          socket.end("SSH-2.0-OpenSSH\r\n")
          return true
        }
      })
      assert.strictEqual(
        (yield* failureOf(WebSocketClient.make({ ...who, url: server.url })))?.reason._tag,
        "ProtocolViolation"
      )
    }).pipe(Effect.scoped)
  )

  it.effect("to a missing socket file fails, and can be retried", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "none")
      const error = yield* failureOf(UnixSocketClient.make({ ...who, path }))
      assert.strictEqual(error?.reason._tag, "Unreachable")
      assert.match(error?.message ?? "", /^failed to connect to remote app server at `unix:\/\/.*ENOENT/)
    }).pipe(Effect.scoped)
  )
})
