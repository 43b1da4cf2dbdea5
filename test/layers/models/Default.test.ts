import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Default from "../../../src/layers/models/Default.ts"
import type { EffectiveConfig, ModelProviderInfo } from "../../../src/services/Config.ts"
import { ModelError, type ModelEvent } from "../../../src/services/ModelProvider.ts"
import { ModelChoice } from "../../../src/services/ModelChoice.ts"
import {
  answerTo,
  assistant,
  authLayer,
  Completed,
  configLayer,
  effective,
  encode,
  provider,
  request,
  wire
} from "./Scripted.ts"

const answer = [wire.created, wire.done(assistant("msg_ok", "fine")), wire.completed()].map(encode).join("")
const events: Array<ModelEvent> = [{ _tag: "ItemDone", item: assistant("msg_ok", "fine") }, Completed]
const fine = { events, error: null }

/** A real server on a port of its own; `sockets` are the connections it was asked through, `closed` when the first ends. */
const server = (respond: (request: IncomingMessage, response: ServerResponse) => void) =>
  Effect.gen(function* () {
    const sockets = new Set<unknown>()
    const closed = yield* Deferred.make<void>()
    const listening = yield* Effect.acquireRelease(
      Effect.callback<Server>((resume) => {
        const server = createServer((request, response) => {
          sockets.add(request.socket)
          request.socket.once("close", () => Deferred.doneUnsafe(closed, Exit.void))
          request.resume()
          request.on("end", () => respond(request, response))
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.callback<void>((resume) => {
          server.closeAllConnections()
          server.close(() => resume(Effect.void))
        })
    )
    const address = listening.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    return { port, sockets, closed: Deferred.await(closed) }
  })

const model = (info: Partial<ModelProviderInfo>, env: Record<string, string>, config: Partial<EffectiveConfig> = {}) =>
  Default.layer.pipe(
    Layer.provide(configLayer({ ...effective({ ...provider, ...info }), ...config })),
    Layer.provide(authLayer({ MOCK_KEY: "secret", ...env }))
  )

const unconfigured = { providerConfigured: false }

const noticeAndFirstWords = Effect.gen(function* () {
  const choice = yield* ModelChoice
  const notice = yield* choice.notice
  const { events } = yield* answerTo(request)
  return { notice, isOffline: events.some((event) => event._tag === "TextDelta" && event.delta === "offline ") }
})

describe("Default", () => {
  it.effect("asks the configured provider, through a connection that is kept until the layer is closed", () =>
    Effect.gen(function* () {
      const { port, sockets, closed } = yield* server((_, response) => response.end(answer))
      yield* Effect.gen(function* () {
        assert.deepStrictEqual(yield* answerTo(request), fine)
        assert.deepStrictEqual(yield* answerTo(request), fine)
        assert.deepStrictEqual(yield* (yield* ModelChoice).notice, Option.none())
      }).pipe(Effect.provide(model({ baseUrl: `http://127.0.0.1:${port}/v1` }, {})))
      assert.strictEqual(sockets.size, 1)
      yield* closed
    })
  )

  it.effect("reaches this machine in spite of a proxy", () =>
    Effect.gen(function* () {
      const { port } = yield* server((_, response) => response.end(answer))
      const dead = { HTTP_PROXY: "http://127.0.0.1:9", HTTPS_PROXY: "http://127.0.0.1:9", http_proxy: "not a proxy" }
      const layer = model({ baseUrl: `http://127.0.0.1:${port}/v1` }, { ...dead, NO_PROXY: "example.com" })
      assert.deepStrictEqual(yield* Effect.provide(answerTo(request), layer), fine)
    })
  )

  it.effect("goes through the proxy to other machines", () =>
    Effect.gen(function* () {
      const urls: Array<string | undefined> = []
      const { port } = yield* server((request, response) => {
        urls.push(request.url)
        response.end(answer)
      })
      const layer = model({ baseUrl: "http://model.test/v1" }, { http_proxy: `http://127.0.0.1:${port}` })
      assert.deepStrictEqual(yield* Effect.provide(answerTo(request), layer), fine)
      assert.deepStrictEqual(urls, ["http://model.test/v1/responses"])
    })
  )

  it.effect("follows a redirect", () =>
    Effect.gen(function* () {
      const { port } = yield* server((request, response) => {
        if (request.url === "/new") response.end(answer)
        else response.writeHead(307, { location: "/new" }).end()
      })
      const layer = model({ baseUrl: `http://127.0.0.1:${port}/v1` }, {})
      assert.deepStrictEqual(yield* Effect.provide(answerTo(request), layer), fine)
    })
  )

  it.effect("fails on a redirect to something that is no HTTP server", () =>
    Effect.gen(function* () {
      const { port } = yield* server((_, response) =>
        response.writeHead(302, { location: "file:///etc/hostname" }).end()
      )
      const { error } = yield* Effect.provide(answerTo(request), model({ baseUrl: `http://127.0.0.1:${port}/v1` }, {}))
      const message = "stream disconnected before completion: redirect target uses unsupported URL scheme: file"
      assert.deepStrictEqual(error, new ModelError({ message, info: "other" }))
    })
  )

  it.effect("sends no key to where another origin redirects", () =>
    Effect.gen(function* () {
      const headers: Array<IncomingMessage["headers"]> = []
      const other = yield* server((request, response) => {
        headers.push(request.headers)
        response.end(answer)
      })
      const { port } = yield* server((request, response) => {
        headers.push(request.headers)
        response.writeHead(307, { location: `http://127.0.0.1:${other.port}/v1/responses` }).end()
      })
      const info = {
        baseUrl: `http://127.0.0.1:${port}/v1`,
        headers: { "x-static": "a-secret" },
        envHeaders: { "api-key": "KEY" }
      }
      const layer = model(info, { MOCK_KEY: "a-secret", KEY: "a-secret" })
      assert.deepStrictEqual(yield* Effect.provide(answerTo(request), layer), fine)
      assert.deepStrictEqual(
        headers.map((sent) => Object.values(sent).filter((value) => String(value).includes("a-secret")).length),
        [3, 0]
      )
    })
  )

  it.effect("takes headers up to 256 KiB, and says whose are larger", () =>
    Effect.gen(function* () {
      const { port } = yield* server((request, response) => {
        const kib = Number(/\d+/.exec(request.url ?? ""))
        response.writeHead(200, { "x-large": "x".repeat(kib * 1024) }).end(answer)
      })
      const asked = (kib: number) =>
        Effect.provide(answerTo(request), model({ baseUrl: `http://127.0.0.1:${port}/${kib}` }, {}))
      assert.deepStrictEqual(yield* asked(250), fine)
      const message = `stream disconnected before completion: the response headers of 127.0.0.1:${port} exceed the size limit`
      assert.deepStrictEqual(yield* asked(260), { events: [], error: new ModelError({ message, info: "other" }) })
    })
  )

  it.effect("says what a real socket did", () =>
    Effect.gen(function* () {
      const { port } = yield* server((request, response) => {
        if (request.url?.startsWith("/cut") === true) {
          response.write(encode(wire.messageAdded("m")), () => response.socket?.resetAndDestroy())
        } else response.socket?.destroy()
      })
      const errorAt = (path: string) =>
        Effect.map(
          Effect.provide(answerTo(request), model({ baseUrl: `http://127.0.0.1:${port}${path}` }, {})),
          ({ error }) => error?.message
        )
      assert.strictEqual(yield* errorAt("/refuse"), "stream disconnected before completion: error sending request")
      assert.strictEqual(
        yield* errorAt("/cut"),
        "stream disconnected before completion: Transport error: network error: error decoding response body"
      )
    })
  )

  it.effect("answers itself where nothing is configured, and says why", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Effect.provide(noticeAndFirstWords, model({}, {}, unconfigured)), {
        notice: Option.some(
          "No model is configured, so the offline model answers. To talk to a real one, set OPENAI_API_KEY, or name a model_provider in /home/spindle/config.toml."
        ),
        isOffline: true
      })
    })
  )

  it.effect("asks a real model as soon as there is a key, or where a thread names a provider", () =>
    Effect.gen(function* () {
      const { port } = yield* server((_, response) => response.end(answer))
      const baseUrl = `http://127.0.0.1:${port}/v1`
      assert.deepStrictEqual(
        yield* Effect.provide(noticeAndFirstWords, model({ baseUrl }, { OPENAI_API_KEY: "key" }, unconfigured)),
        { notice: Option.none(), isOffline: false }
      )
      const other = model({ baseUrl }, {}, { ...unconfigured, modelProvider: "openai" })
      assert.deepStrictEqual(yield* Effect.provide(answerTo(request), other), fine)
    })
  )
})
