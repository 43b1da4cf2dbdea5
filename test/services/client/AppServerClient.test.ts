import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as AppServer from "../../../src/layers/AppServer.ts"
import * as InProcessClient from "../../../src/layers/clients/InProcessClient.ts"
import {
  AppServerClient,
  type ClientError,
  DecodeError,
  type Link,
  make,
  ServerError,
  TransportError
} from "../../../src/services/client/AppServerClient.ts"
import { RequestNotPending } from "../../../src/services/client/ClientError.ts"
import type { ClientEvent } from "../../../src/services/client/ClientEvent.ts"
import * as MemoryFiles from "../../support/MemoryFiles.ts"
import { cwd, home, makeServer, nameOf, optionsOf, userInput } from "../../support/Server.ts"
import { asking } from "../../support/Tools.ts"

/** A complete server with a client. */
const setUp = Effect.fnUntraced(function* (options: Partial<InProcessClient.InProcessClientOptions> = {}) {
  const server = yield* makeServer({ toolbox: [asking] })
  const client = yield* Effect.provideContext(
    InProcessClient.make({ clientName: "me", clientVersion: "1", ...options }),
    server.services
  )
  const next = Effect.map(client.nextEvent, Option.getOrThrow)
  const until = Effect.fnUntraced(function* (name: string) {
    const names: Array<string> = []
    do names.push(nameOf(yield* next))
    while (names.at(-1) !== name)
    return names
  })
  /** The next approval that the server requests. */
  const approval = Effect.gen(function* () {
    while (true) {
      const event = yield* next
      if (event._tag !== "ServerRequest") continue
      if (event.request.method !== "item/commandExecution/requestApproval") return assert.fail(event.request.method)
      return event.request
    }
  })
  return { ...server, approval, client, next, until }
})

const silent: Link = {
  request: () => Effect.never,
  notify: () => Effect.void,
  respond: () => Effect.void,
  reject: () => Effect.void,
  poll: () => undefined,
  ready: Effect.never,
  close: Effect.void
}

/** A client over a link that the test provides. */
const over = (link: Partial<Link>) =>
  make({ ...silent, ...link }, { userAgent: "me/0.169.0 (Linux; x86_64) spindle/0.1.0", codexHome: "/h" })

describe("AppServerClient", () => {
  describe("a request that fails", () => {
    const wouldBlock = new TransportError({ method: "model/list", reason: { _tag: "Overloaded" }, detail: "full" })
    const refused = new ServerError({ method: "model/list", code: -32600, detail: "no" })
    const detailed = new ServerError({ method: "model/list", code: 7, detail: "no", data: { reason: "why" } })

    const fails = (link: Partial<Link>) =>
      Effect.flatMap(over(link), (client) => Effect.flip(client.request("model/list", {})))

    it.effect("reports whether the transport, the server or the response failed, and the method [26]", () =>
      Effect.gen(function* () {
        const errors = [
          yield* fails({ request: () => Effect.fail(wouldBlock) }),
          yield* fails({ request: () => Effect.fail(detailed) }),
          yield* fails({ request: () => Effect.succeed({ data: "not a list" }) })
        ]
        assert.deepStrictEqual(
          errors.map(({ _tag, method }) => [_tag, method]),
          [
            ["TransportError", "model/list"],
            ["ServerError", "model/list"],
            ["DecodeError", "model/list"]
          ]
        )
        const [transport, server, decode] = errors as [ClientError, ClientError, ClientError]
        assert.strictEqual(transport, wouldBlock)
        assert.strictEqual(server, detailed)
        assert.isTrue(decode instanceof DecodeError && Schema.isSchemaError(decode.cause))
      })
    )

    it("is described in one sentence that begins with the method [27]", () => {
      const decode = new DecodeError({ method: "model/list", detail: "wrong", cause: undefined })
      assert.deepStrictEqual(
        [wouldBlock, refused, detailed, decode].map(({ message }) => message),
        [
          "model/list transport error: full",
          "model/list failed: no (code -32600)",
          'model/list failed: no (code 7), data: {"reason":"why"}',
          "model/list response decode error: wrong"
        ]
      )
    })

    it.effect("reports the server's error [26]", () =>
      Effect.gen(function* () {
        const { client } = yield* setUp()
        assert.deepStrictEqual(
          yield* Effect.flip(client.request("thread/read", { threadId: "no" })),
          new ServerError({
            method: "thread/read",
            code: -32600,
            detail:
              "invalid thread id: invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found `n` at 1"
          })
        )
      })
    )
  })

  it.effect("knows the server's version and home from the handshake", () =>
    Effect.gen(function* () {
      const { serverVersion, codexHome } = yield* over({})
      assert.deepStrictEqual([serverVersion, codexHome], ["0.169.0", "/h"])
      const nowhere = yield* make(silent, { userAgent: "nameless", codexHome: "" })
      assert.deepStrictEqual([nowhere.serverVersion, nowhere.codexHome], ["", null])
    })
  )

  it.effect("sends requests with and without parameters, typed by method", () =>
    Effect.gen(function* () {
      const { client } = yield* setUp()
      assert.isNull((yield* client.request("configRequirements/read")).requirements)
      const { thread } = yield* client.request("thread/start", { cwd, ephemeral: true })
      assert.deepStrictEqual([thread.cwd, thread.ephemeral, thread.originator], [cwd, true, "me"])
      assert.deepStrictEqual([client.serverVersion, client.codexHome], ["0.169.0", home])
    })
  )

  it.effect("is a layer: a server with its client; the server ends with the client", () =>
    Effect.gen(function* () {
      const { requestHandle } = yield* Effect.gen(function* () {
        const client = yield* AppServerClient
        assert.deepStrictEqual(yield* client.request("thread/loaded/list", {}), { data: [], nextCursor: null })
        return client
      }).pipe(
        Effect.provide(
          AppServer.client({ ...optionsOf({}), clientName: "me", clientVersion: "1" }).pipe(
            Layer.provide(MemoryFiles.make().layer)
          )
        )
      )
      const error = yield* Effect.flip(requestHandle.request("thread/loaded/list", {}))
      assert.strictEqual(error._tag, "TransportError")
    })
  )

  describe("a consumer that is too slow", () => {
    const closing = (threadId: string) => ["thread/closed", { threadId }, threadId] as const
    const warning = (message: string) => ["warning", { threadId: null, message }, null] as const

    it.effect("receives the kept events, the number of dropped ones, and then every lossless event [28] [29]", () =>
      Effect.gen(function* () {
        const { client, router, next } = yield* setUp({ channelCapacity: 1 })
        yield* router.notify(...warning("kept"))
        for (const message of ["a", "b", "c"]) yield* router.notify(...warning(message))
        const telling = yield* Effect.forkChild(
          Effect.forEach(["x", "y", "z"], (threadId) => router.notify(...closing(threadId))),
          { startImmediately: true }
        )
        const events: Array<ClientEvent> = []
        for (let count = 0; count < 5; count++) events.push(yield* next)
        yield* Fiber.join(telling)
        assert.deepStrictEqual<unknown>(events, [
          { _tag: "ServerNotification", notification: { method: "warning", params: warning("kept")[1] } },
          { _tag: "Lagged", skipped: 3 },
          ...["x", "y", "z"].map((threadId) => ({
            _tag: "ServerNotification",
            notification: { method: "thread/closed", params: { threadId } }
          }))
        ])
        // The dropped events have been reported.
        yield* router.notify(...warning("later"))
        assert.strictEqual(nameOf(yield* next), "warning")
        yield* client.shutdown
      })
    )

    it.effect("makes the server withdraw its request, once [30]", () =>
      Effect.gen(function* () {
        const { client, router, serverRequests, next } = yield* setUp({ channelCapacity: 1 })
        router.subscribe("t", router.connections()[0]!)
        yield* router.notify(...warning("kept"))
        const call = { threadId: "t", turnId: "u", callId: "c", namespace: null, tool: "x", arguments: {} }
        const asked = yield* serverRequests.ask("t", "item/tool/call", call)
        const refused = yield* Effect.forkChild(Effect.flip(asked.answer))
        yield* TestClock.adjust("5 seconds")
        const error = yield* Fiber.join(refused)
        assert.deepStrictEqual(
          { code: error.code, message: error.message },
          { code: -32001, message: "in-process app-server event queue is full" }
        )
        const late = yield* Effect.flip(
          client.reject({ id: asked.id, method: "item/tool/call" }, { code: 1, message: "" })
        )
        assert.deepStrictEqual(late, new RequestNotPending({ method: "item/tool/call", requestId: asked.id }))
        assert.strictEqual(yield* Effect.flip(asked.answer), error)
        assert.strictEqual(nameOf(yield* next), "warning")
        yield* router.notify(...closing("t"))
        assert.strictEqual(nameOf(yield* next), "thread/closed")
      })
    )

    it.effect("does not delay the end, although the server waits for it to read [33]", () =>
      Effect.gen(function* () {
        const { client, router } = yield* setUp({ channelCapacity: 1 })
        const telling = yield* Effect.forkChild(
          Effect.forEach(["x", "y", "z"], (threadId) => router.notify(...closing(threadId))),
          { startImmediately: true }
        )
        assert.isUndefined(telling.pollUnsafe())
        yield* client.shutdown
        yield* Fiber.join(telling)
        // What was published before is there, and what was published after is not.
        const closings = [yield* client.nextEvent, yield* client.nextEvent]
        assert.deepStrictEqual(
          closings.map((event) => nameOf(Option.getOrThrow(event))),
          ["thread/closed", "thread/closed"]
        )
        assert.isTrue(Option.isNone(yield* client.nextEvent))
      })
    )
  })

  it.effect("can send other requests while one waits for the user [31]", () =>
    Effect.gen(function* () {
      const { approval, client, model, next, until } = yield* setUp()
      const { thread } = yield* client.request("thread/start", { cwd })
      yield* client.request("turn/start", { threadId: thread.id, input: userInput("work") })
      yield* model.call(["ask", "c1"])
      const asked = yield* approval
      const other = yield* client.request("thread/start", { cwd })
      yield* client.request("turn/start", { threadId: other.thread.id, input: userInput("meanwhile") })
      yield* model.reply("done")
      assert.include(yield* until("turn/completed"), "item/agentMessage/delta")
      yield* client.respond(asked, { decision: "accept" })
      assert.strictEqual(nameOf(yield* next), "serverRequest/resolved")
      yield* model.reply("done too")
      yield* until("turn/completed")
    })
  )

  it.effect("refuses to refresh tokens without asking its user [32]", () =>
    Effect.gen(function* () {
      const { router, serverRequests, next } = yield* setUp()
      router.subscribe("t", router.connections()[0]!)
      const asked = yield* serverRequests.ask("t", "account/chatgptAuthTokens/refresh", { reason: "unauthorized" })
      const error = yield* Effect.flip(asked.answer)
      assert.deepStrictEqual(
        { code: error.code, message: error.message },
        { code: -32000, message: "chatgpt auth token refresh is not supported for in-process app-server clients" }
      )
      yield* router.notify("thread/closed", { threadId: "t" }, "t")
      assert.strictEqual(nameOf(yield* next), "thread/closed")
    })
  )

  it.effect("refuses a server request with the caller's error", () =>
    Effect.gen(function* () {
      const { client, router, serverRequests, until } = yield* setUp()
      router.subscribe("t", router.connections()[0]!)
      const call = { threadId: "t", turnId: "u", callId: "c", namespace: null, tool: "x", arguments: {} }
      const asked = yield* serverRequests.ask("t", "item/tool/call", call)
      yield* until("request item/tool/call")
      yield* client.reject({ id: asked.id, method: "item/tool/call" }, { code: 5, message: "not now" })
      const error = yield* Effect.flip(asked.answer)
      assert.deepStrictEqual({ code: error.code, message: error.message }, { code: 5, message: "not now" })
    })
  )

  describe("its end", () => {
    const gone = (method: string) =>
      new TransportError({
        method,
        reason: { _tag: "Closed" },
        detail: "in-process app-server worker channel is closed"
      })

    it.effect("ends every handle; until then handles work like the client [34]", () =>
      Effect.gen(function* () {
        const { approval, client, model } = yield* setUp()
        const { thread } = yield* client.request("thread/start", { cwd })
        yield* client.request("turn/start", { threadId: thread.id, input: userInput("work") })
        yield* model.call(["ask", "c1"])
        const asked = yield* approval
        const handles = [client.requestHandle, { ...client.requestHandle }]
        for (const handle of handles) {
          assert.deepStrictEqual((yield* handle.request("thread/loaded/list", {})).data, [thread.id])
        }
        yield* client.shutdown
        for (const handle of handles) {
          assert.deepStrictEqual(yield* Effect.flip(handle.request("model/list", {})), gone("model/list"))
        }
        assert.deepStrictEqual(yield* Effect.flip(client.request("model/list", {})), gone("model/list"))
        assert.deepStrictEqual(yield* Effect.flip(client.notify("x")), gone("x"))
        assert.deepStrictEqual(yield* Effect.flip(client.respond(asked, { decision: "accept" })), gone("resolve"))
        assert.deepStrictEqual(yield* Effect.flip(client.reject(asked, { code: 1, message: "m" })), gone("reject"))
      })
    )

    it.effect("ends its events, also for a waiting consumer, and happens once [24]", () =>
      Effect.gen(function* () {
        const { client } = yield* setUp()
        const reading = yield* Effect.forkChild(Stream.runCollect(client.events), { startImmediately: true })
        yield* client.shutdown
        yield* client.shutdown
        assert.deepStrictEqual(yield* Fiber.join(reading), [])
        assert.isTrue(Option.isNone(yield* client.nextEvent))
      })
    )
  })
})
