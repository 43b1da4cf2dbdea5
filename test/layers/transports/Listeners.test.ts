import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as AppServer from "../../../src/layers/AppServer.ts"
import * as InProcessClient from "../../../src/layers/clients/InProcessClient.ts"
import * as UnixSocketClient from "../../../src/layers/clients/UnixSocketClient.ts"
import * as WebSocketClient from "../../../src/layers/clients/WebSocketClient.ts"
import * as Offline from "../../../src/layers/models/Offline.ts"
import * as UnixSocketListener from "../../../src/layers/transports/UnixSocketListener.ts"
import * as WebSocketListener from "../../../src/layers/transports/WebSocketListener.ts"
import { AppServerClient } from "../../../src/services/client/AppServerClient.ts"
import { Connections } from "../../../src/services/connection/Connections.ts"
import { secret, sign } from "../../support/Jwts.ts"
import { optionsOf } from "../../support/Server.ts"
import { eventsOf, folder, who } from "../../support/SocketClients.ts"

const server = AppServer.layer(optionsOf({ model: Offline.layer })).pipe(Layer.provideMerge(NodeServices.layer))

/** Opens a listener in a scope of its own, which the test may close. */
const opened = Effect.fnUntraced(function* <A, E, R>(layer: Layer.Layer<A, E, R>) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const services = yield* Scope.provide(Layer.build(layer), scope)
  return { services, end: Scope.close(scope, Exit.void) }
})

const webSocket = (options: WebSocketListener.WebSocketListenerOptions = {}) =>
  Effect.map(opened(WebSocketListener.layer(options).pipe(Layer.provide(server))), ({ end, services }) => ({
    ...Context.get(services, WebSocketListener.WebSocketListener),
    end
  }))

const loaded = (client: AppServerClient["Service"]) =>
  Effect.map(client.request("thread/loaded/list", {}), ({ data }) => data)

/** `connected`, or the reason why not. */
const outcome = (url: string, token?: string) =>
  WebSocketClient.make({ ...who, url, ...(token === undefined ? {} : { token }) }).pipe(
    Effect.scoped,
    Effect.match({ onSuccess: () => "connected", onFailure: (error) => error.message })
  )

describe("a WebSocket listener", () => {
  it.live("listens on a free port of this machine by default, and reports the address", () =>
    Effect.gen(function* () {
      const listener = yield* webSocket()
      assert.strictEqual(listener.host, "127.0.0.1")
      assert.isAbove(listener.port, 0)
      assert.strictEqual(listener.url, `ws://127.0.0.1:${listener.port}`)
      assert.strictEqual(listener.clients(), 0)
      const client = yield* WebSocketClient.make({ ...who, url: listener.url })
      assert.deepStrictEqual(yield* loaded(client), [])
      assert.strictEqual(listener.clients(), 1)
    })
  )

  it.live("disconnects its clients with a reason when its scope closes, and is closed afterwards", () =>
    Effect.gen(function* () {
      const services = yield* Layer.build(server)
      const listener = yield* opened(WebSocketListener.layer().pipe(Layer.provide(Layer.succeedContext(services))))
      const { url } = Context.get(listener.services, WebSocketListener.WebSocketListener)
      const client = yield* WebSocketClient.make({ ...who, url })
      yield* listener.end
      const events = yield* eventsOf(client)
      assert.include(JSON.stringify(events.at(-1)), "the server is going away")
      assert.include(yield* outcome(url), "ECONNREFUSED")
    })
  )

  it.live("refuses new clients and keeps connected ones after `refuse`", () =>
    Effect.gen(function* () {
      const listener = yield* webSocket()
      const client = yield* WebSocketClient.make({ ...who, url: listener.url })
      yield* listener.refuse
      assert.include(yield* outcome(listener.url), "ECONNREFUSED")
      assert.deepStrictEqual(yield* loaded(client), [])
    })
  )

  it.live("shares one server with other listeners and with clients in the process", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "s")
      const { services } = yield* opened(
        Layer.mergeAll(InProcessClient.layer(who), WebSocketListener.layer(), UnixSocketListener.layer({ path })).pipe(
          Layer.provide(server)
        )
      )
      const inProcess = Context.get(services, AppServerClient)
      const { url } = Context.get(services, WebSocketListener.WebSocketListener)
      const { thread } = yield* inProcess.request("thread/start", {})
      const remote = yield* WebSocketClient.make({ ...who, url })
      const local = yield* UnixSocketClient.make({ ...who, path })
      assert.deepStrictEqual(
        yield* Effect.forEach([inProcess, remote, local], loaded),
        Array.from({ length: 3 }, () => [thread.id])
      )
    })
  )

  const tokens = [
    { name: "a token", auth: { type: "token", token: Redacted.make("s3cret") }, right: "s3cret" },
    { name: "a token as text", auth: { type: "token", token: "s3cret" }, right: "s3cret" },
    {
      name: "a signed token",
      auth: { type: "signed-token", secret, audience: "me" },
      right: sign({ exp: 4_000_000_000, aud: "me" })
    },
    {
      name: "a check of the program",
      auth: {
        type: "custom",
        authorize: (header) =>
          header === "Bearer mine"
            ? Effect.void
            : Effect.fail(new WebSocketListener.Unauthorized({ reason: "invalid websocket bearer token" }))
      },
      right: "mine"
    }
  ] as const satisfies ReadonlyArray<{ name: string; auth: WebSocketListener.Auth; right: string }>
  it.live.each(tokens)("admits clients with $name, and refuses others", ({ auth, right }) =>
    Effect.gen(function* () {
      const { url } = yield* webSocket({ auth })
      const refused = yield* Effect.forEach([undefined, "wrong", `${right}x`], (token) => outcome(url, token))
      for (const reason of refused) assert.include(reason, "401")
      assert.strictEqual(yield* outcome(url, right), "connected")
    })
  )

  it.live("refuses the client, and continues, when the check of the program dies", () =>
    Effect.gen(function* () {
      let calls = 0
      const authorize = () => (calls++ === 0 ? Effect.die("a defect") : Effect.void)
      const { url } = yield* webSocket({ auth: { type: "custom", authorize } })
      assert.notStrictEqual(yield* outcome(url), "connected")
      assert.strictEqual(yield* outcome(url), "connected")
    })
  )

  const invalid: ReadonlyArray<readonly [option: string, options: object]> = [
    ["host", { host: "localhost" }],
    ["host", { host: "" }],
    ["host", { host: "[::1]" }],
    ["host", { host: "127.1" }],
    ["port", { port: 65_536 }],
    ["port", { port: -1 }],
    ["port", { port: 1.5 }],
    ["port", { port: Number.NaN }],
    ["port", { port: "80" }],
    ["auth", { host: "0.0.0.0" }],
    ["auth", { host: "::" }],
    ["auth", { host: "::ffff:127.0.0.1" }],
    ["auth", { host: "192.168.1.1" }],
    ["auth.token", { auth: { type: "token", token: "" } }],
    ["auth.token", { auth: { type: "token", token: "two words" } }],
    ["auth.token", { auth: { type: "token", token: Redacted.make("line\nbreak") } }],
    ["auth.token", { auth: { type: "token" } }],
    ["auth.secret", { auth: { type: "signed-token" } }],
    ["auth.authorize", { auth: { type: "custom" } }],
    ["auth.secret", { auth: { type: "signed-token", secret: "short" } }],
    ["auth.issuer", { auth: { type: "signed-token", secret, issuer: " " } }],
    ["auth.audience", { auth: { type: "signed-token", secret, audience: "" } }],
    ["auth.maxClockSkewSeconds", { auth: { type: "signed-token", secret, maxClockSkewSeconds: -1 } }],
    ["auth.maxClockSkewSeconds", { auth: { type: "signed-token", secret, maxClockSkewSeconds: Number.NaN } }],
    ["auth.type", { auth: { type: "password" } }],
    ["limits.maxConnections", { limits: { maxConnections: 0 } }],
    ["limits.outgoingBytes", { limits: { outgoingBytes: Number.POSITIVE_INFINITY } }],
    ["limits.initializeTimeout", { limits: { initializeTimeout: "soon" } }],
    ["limits.stallGrace", { limits: { stallGrace: 0 } }],
    ["limits.backlog.messages", { limits: { backlog: { messages: 0, bytes: 1 } } }]
  ]
  it.effect.each(invalid)("names an invalid option and listens nowhere: %s, case %#", ([option, options]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(WebSocketListener.make(options))
      assert.deepInclude(error, { _tag: "ListenerOptionError", option })
      assert.notInclude(error.message, "two words")
    }).pipe(Effect.provideService(Connections, Connections.of({ engine: Context.empty() as never })))
  )

  it.live("listens for other machines with a token", () =>
    Effect.gen(function* () {
      const { port } = yield* webSocket({ host: "0.0.0.0", auth: { type: "token", token: "s3cret" } })
      assert.strictEqual(yield* outcome(`ws://127.0.0.1:${port}`, "s3cret"), "connected")
    })
  )

  it.live("reports an address in use", () =>
    Effect.gen(function* () {
      const { port } = yield* webSocket()
      const error = yield* Effect.flip(webSocket({ port }))
      assert.strictEqual(error._tag, "ListenFailed")
      assert.include(error.message, "EADDRINUSE")
    })
  )

  it.live("serves pages to clients of this machine", () =>
    Effect.gen(function* () {
      const pages = { "/hello": { contentType: "text/plain", text: Effect.succeed("hello") } }
      const { port } = yield* webSocket({ pages })
      const response = yield* Effect.promise(() => fetch(`http://127.0.0.1:${port}/hello`))
      assert.strictEqual(yield* Effect.promise(() => response.text()), "hello")
    })
  )
})

describe("a Unix socket listener", () => {
  it.live("listens on the given file, and removes it at the end", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "s")
      const { end, services } = yield* opened(UnixSocketListener.layer({ path }).pipe(Layer.provide(server)))
      const { clients, url } = Context.get(services, UnixSocketListener.UnixSocketListener)
      assert.strictEqual(url, `unix://${path}`)
      const client = yield* UnixSocketClient.make({ ...who, path })
      assert.deepStrictEqual(yield* loaded(client), [])
      assert.strictEqual(clients(), 1)
      yield* end
      assert.isFalse(existsSync(path))
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.live("reports a file that it cannot use", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "file")
      writeFileSync(file, "mine")
      const errorOf = (path: string) =>
        Effect.map(
          Effect.result(opened(UnixSocketListener.layer({ path }).pipe(Layer.provide(server)))),
          Result.match({ onFailure: ({ _tag }) => _tag, onSuccess: () => "opened" })
        )
      assert.deepStrictEqual(yield* Effect.forEach([file, `${file}${"x".repeat(200)}`, "", "a\0b"], errorOf), [
        "UnixSocketError",
        "UnixSocketError",
        "ListenerOptionError",
        "ListenerOptionError"
      ])
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
