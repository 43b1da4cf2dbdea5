import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as NodeSmallFiles from "../../../src/layers/files/NodeSmallFiles.ts"
import * as Default from "../../../src/layers/models/Default.ts"
import type { ModelProviderInfo } from "../../../src/services/config/Config.ts"
import { ModelError, type ModelEvent, ModelProvider } from "../../../src/services/model/ModelProvider.ts"
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
import { listening } from "../../support/LocalServer.ts"

const answer = [wire.created, wire.done(assistant("msg_ok", "fine")), wire.completed()].map(encode).join("")
const events: Array<ModelEvent> = [{ _tag: "ItemDone", item: assistant("msg_ok", "fine") }, Completed]
const fine = { events, error: null }

/** A real server on its own port; `sockets` are the connections with requests, `closed` completes when the first ends. */
const server = (respond: (request: IncomingMessage, response: ServerResponse) => void) =>
  Effect.gen(function* () {
    const sockets = new Set<unknown>()
    const closed = yield* Deferred.make<void>()
    const port = yield* listening(() =>
      createServer((request, response) => {
        sockets.add(request.socket)
        request.socket.once("close", () => Deferred.doneUnsafe(closed, Exit.void))
        request.resume()
        request.on("end", () => respond(request, response))
      })
    )
    return { port, sockets, closed: Deferred.await(closed) }
  })

const model = (info: Partial<ModelProviderInfo>, env: Record<string, string>) =>
  Default.layer.pipe(
    Layer.provide(configLayer(effective({ ...provider, ...info }))),
    Layer.provide(authLayer({ MOCK_KEY: "secret", ...env })),
    Layer.provide(NodeSmallFiles.layer)
  )

/** A provider that may be OpenAI's. */
const openai = (info: Partial<ModelProviderInfo> = {}): Partial<ModelProviderInfo> => ({
  id: "openai",
  baseUrl: "https://api.openai.com/v1",
  envKey: "OPENAI_API_KEY",
  requiresOpenaiAuth: true,
  ...info
})

const whatNext =
  "or name another model_provider in /home/spindle/config.toml or with -c model_provider=ID.\n" +
  'To try Spindle without a model server, choose the offline model: --offline, or model_provider = "offline".'

const noAccount = (id: string) =>
  new ModelError({
    message:
      "unexpected status 401 Unauthorized: Missing bearer or basic authentication in header, url: https://api.openai.com/v1/responses",
    info: { httpConnectionFailed: { httpStatusCode: 401 } },
    details: `There is no API key for the model provider \`${id}\`: the program that runs the server has none.\nGive it one, ${whatNext}`
  })

const noVariable = (instructions = "") =>
  new ModelError({
    message: `Missing environment variable: \`OTHER_KEY\`.${instructions}`,
    info: "other",
    details: `The model provider \`mock\` takes its key from the environment variable OTHER_KEY, which is not set.${instructions}\nSet OTHER_KEY, ${whatNext}`
  })

const unknown = new ModelError({ message: "Model provider `mock` not found", info: "other" })

/** The errors of a provider's thread before a request and at a request. */
const readyAndAsked = (info: ModelProviderInfo | undefined) =>
  Effect.gen(function* () {
    const { ready } = yield* ModelProvider
    const provider = info?.id ?? "mock"
    const before = yield* (
      ready?.(provider, info).pipe(Effect.as("ready" as const), Effect.catch(Effect.succeed)) ??
        Effect.die("no such member")
    )
    const asked = yield* answerTo({ ...request, provider, ...(info === undefined ? {} : { providerInfo: info }) })
    return { before, asked }
  })

describe("Default", () => {
  it.effect("uses the configured provider over a connection that is kept until the layer closes", () =>
    Effect.gen(function* () {
      const { port, sockets, closed } = yield* server((_, response) => response.end(answer))
      yield* Effect.gen(function* () {
        assert.deepStrictEqual(yield* answerTo(request), fine)
        assert.deepStrictEqual(yield* answerTo(request), fine)
      }).pipe(Effect.provide(model({ baseUrl: `http://127.0.0.1:${port}/v1` }, {})))
      assert.strictEqual(sockets.size, 1)
      yield* closed
    })
  )

  it.effect("connects to this machine without the proxy", () =>
    Effect.gen(function* () {
      const { port } = yield* server((_, response) => response.end(answer))
      const dead = { HTTP_PROXY: "http://127.0.0.1:9", HTTPS_PROXY: "http://127.0.0.1:9", http_proxy: "not a proxy" }
      const layer = model({ baseUrl: `http://127.0.0.1:${port}/v1` }, { ...dead, NO_PROXY: "example.com" })
      assert.deepStrictEqual(yield* Effect.provide(answerTo(request), layer), fine)
    })
  )

  it.effect("uses the proxy for other machines", () =>
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

  it.effect("fails on a redirect to a URL that is not HTTP", () =>
    Effect.gen(function* () {
      const { port } = yield* server((_, response) =>
        response.writeHead(302, { location: "file:///etc/hostname" }).end()
      )
      const { error } = yield* Effect.provide(answerTo(request), model({ baseUrl: `http://127.0.0.1:${port}/v1` }, {}))
      const message = "stream disconnected before completion: redirect target uses unsupported URL scheme: file"
      assert.deepStrictEqual(error, new ModelError({ message, info: "other" }))
    })
  )

  it.effect("sends no key to another origin after a redirect", () =>
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

  it.effect("accepts headers up to 256 KiB, and names the host of larger ones", () =>
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

  it.effect("reports the failure of a real socket", () =>
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

  const missing = (name: string, info: Partial<ModelProviderInfo>, error: ModelError) =>
    it.effect(`sends no request, and advises what to do, ${name}`, () =>
      Effect.gen(function* () {
        const all = { ...provider, ...info }
        assert.deepStrictEqual(yield* Effect.provide(readyAndAsked(all), model(info, { MOCK_KEY: " " })), {
          before: error,
          asked: { events: [], error }
        })
      })
    )
  missing("where OpenAI's own server would be asked without a key", openai(), noAccount("openai"))
  missing(
    "for OpenAI's server under another name",
    { baseUrl: "https://api.openai.com/v1", envKey: null },
    noAccount("mock")
  )
  missing("where the variable of the provider is not set", { envKey: "OTHER_KEY" }, noVariable())
  missing("with the provider's text", { envKey: "OTHER_KEY", envKeyInstructions: "Ask Ada." }, noVariable(" Ask Ada."))

  it.effect("does not use the offline model for an unknown provider", () =>
    Effect.gen(function* () {
      const { asked, before } = yield* Effect.provide(readyAndAsked(undefined), model({ id: "other" }, {}))
      assert.deepStrictEqual({ asked, before }, { before: unknown, asked: { events: [], error: unknown } })
    })
  )

  it.effect.each([
    ["the account's key", openai(), { OPENAI_API_KEY: "key" }],
    ["the provider's own key", {}, {}],
    ["no key, which another server may not need", { envKey: null }, {}],
    ["no key, which the account's server may not need at another address", openai(), {}]
  ] as const)("asks a server with %s", ([, info, keys]) =>
    Effect.gen(function* () {
      const { port } = yield* server((_, response) => response.end(answer))
      const all = { ...provider, ...info, baseUrl: `http://127.0.0.1:${port}/v1` }
      assert.deepStrictEqual(yield* Effect.provide(readyAndAsked(all), model(all, keys)), {
        before: "ready",
        asked: fine
      })
    })
  )

  it.effect("accepts an authorization header instead of a key", () =>
    Effect.gen(function* () {
      const ready = (info: Partial<ModelProviderInfo>) =>
        ModelProvider.use(
          (model) => model.ready?.("openai", { ...provider, ...info }) ?? Effect.die("no such member")
        ).pipe(Effect.provide(model(info, { SECRET: "Bearer x" })))
      yield* ready(openai({ headers: { Authorization: "Bearer x" } }))
      yield* ready(openai({ envHeaders: { AUTHORIZATION: "SECRET" } }))
      assert.deepStrictEqual(
        yield* Effect.flip(ready(openai({ envHeaders: { Authorization: "NONE" } }))),
        noAccount("openai")
      )
    })
  )

  it.effect("selects the offline model only by its own name, without a key", () =>
    Effect.gen(function* () {
      const { before, asked } = yield* readyAndAsked({ ...provider, id: "offline", baseUrl: "", envKey: null })
      assert.deepStrictEqual([before, asked.error], ["ready", null])
      assert.isTrue(asked.events.some((event) => event._tag === "TextDelta" && event.delta === "offline "))
      const { answersAs } = yield* ModelProvider
      assert.deepStrictEqual(
        ["offline", "openai", "Offline", "offline ", ""].map((id) => answersAs?.(id)),
        [{ provider: "offline", model: "offline" }, undefined, undefined, undefined, undefined]
      )
    }).pipe(Effect.provide(model({}, {})))
  )
})
