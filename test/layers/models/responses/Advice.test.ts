import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Clock from "effect/Clock"
import { textOf } from "../../../../src/layers/models/responses/Advice.ts"
import { NetworkPatience } from "../../../../src/services/model/NetworkPatience.ts"
import { type Answer, answerTo, broken, bytes, provider, raw, refuse, request, scripted } from "../Scripted.ts"
import { run } from "../ScriptedRun.ts"

const page = (contentType: string, text: string): Answer =>
  Effect.succeed({ status: 200, headers: { "content-type": contentType }, body: Stream.succeed(bytes(text)) })

const socket = (code: string, message: string): Answer => Effect.fail(Object.assign(new Error(message), { code }))

const server = "Model server model.test (provider `mock`): "
const key = "The key came from the environment variable MOCK_KEY."
const setting = "base_url of [model_providers.mock] in /home/spindle/config.toml"

describe("the details of a failed answer", () => {
  it.effect.each<readonly [string, Answer, string]>([
    [
      "a certificate that is not trusted",
      socket("DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"),
      `no connection: self-signed certificate\n${key} The certificate of model.test is not trusted. Name the certificate of its authority with NODE_EXTRA_CA_CERTS=FILE.`
    ],
    [
      "a connection that is reset",
      broken("ECONNRESET"),
      `no connection: ECONNRESET\n${key} Check that the server runs and is reachable at model.test, and ${setting}; a proxy is set with HTTPS_PROXY.`
    ],
    [
      "a server without TLS",
      socket("EPROTO", "write EPROTO 40:error:0A00010B:SSL routines:wrong version number:tlsany_meth.c:77:\n"),
      `no connection: write EPROTO 40:error:0A00010B:SSL routines:wrong version number:tlsany_meth.c:77:\n${key} The server at model.test may have no TLS: then its address begins with http instead of https. Check ${setting}.`
    ],
    [
      "a rejected key",
      refuse(401, { error: { message: "Incorrect API key" } }),
      `status 401: Incorrect API key\n${key} Check that the key is valid for this server, and that its account may use the model.`
    ],
    [
      "an address without the API",
      refuse(404, "nothing here"),
      `status 404: nothing here\n${key} There is no Responses API, or no such model, at http://model.test/v1/responses. Check ${setting}: it often ends with /v1.`
    ],
    [
      "a rate limit, with the server's own text",
      refuse(429, { error: { message: "20 requests per minute" } }),
      `status 429: 20 requests per minute\n${key} Wait before the next request, or check the limits of the account.`
    ],
    [
      "a server with a problem",
      refuse(500, "boom"),
      `status 500: boom\n${key} The server has an internal problem. Try again later.`
    ],
    [
      "a website",
      page("text/html; charset=utf-8", "<html>"),
      `it answered with text/html; charset=utf-8 instead of an event stream\n${key} This may be a website. Check ${setting}.`
    ],
    [
      "another API",
      page("application/json", "{}"),
      `it answered with application/json instead of an event stream\n${key} The server may only have the Chat Completions API. Spindle needs the Responses API.`
    ],
    [
      "a silent server",
      Effect.never,
      `it accepted the request and sent nothing for 300 s\n${key} Check the server. The limit is stream_idle_timeout_ms of [model_providers.mock].`
    ]
  ])("name the cause and the next step: %s", ([, answer, details]) =>
    Effect.gen(function* () {
      const { error } = yield* run([answer])
      assert.strictEqual(error?.details, server + details)
    })
  )

  it.effect("are missing when only the message is known", () =>
    Effect.gen(function* () {
      const { error } = yield* run([raw("")])
      assert.isUndefined(error?.details)
    })
  )

  it.effect("do not contain the key that the server quotes", () =>
    Effect.gen(function* () {
      const { error } = yield* run([refuse(401, { error: { message: "Incorrect API key provided: mock-secret" } })], {
        env: { MOCK_KEY: "mock-secret" }
      })
      assert.notInclude(`${error?.message} ${error?.details}`, "mock-secret")
    })
  )
})

describe("the next step for a built-in provider", () => {
  const userFile = "/home/spindle/config.toml"
  const refused = { _tag: "Connection", code: "ECONNREFUSED", text: "connect ECONNREFUSED" } as const
  const unnamed = { _tag: "Connection", code: "ENOTFOUND", text: "getaddrinfo ENOTFOUND" } as const
  const silent = { _tag: "Silent", millis: 300_000 } as const
  const missing = { _tag: "Status", status: 404, text: "" } as const
  const keyless = { _tag: "Status", status: 401, text: "" } as const
  const own = `a provider of your own in ${userFile}`

  // The configuration refuses [model_providers.openai], so no text may suggest it to the user.
  it.each([
    [
      "openai",
      unnamed,
      `The name model.test does not resolve. Check openai_base_url in ${userFile}, and the network; a proxy is set with HTTPS_PROXY.`
    ],
    ["openai", silent, `Check the server. To change the limit, define ${own}, with stream_idle_timeout_ms.`],
    ["ollama", refused, `Start Ollama with \`ollama serve\`. A server at another address needs ${own}.`],
    [
      "lmstudio",
      refused,
      `Start the server of LM Studio with \`lms server start\`. A server at another address needs ${own}.`
    ],
    [
      "ollama",
      missing,
      `There is no Responses API, or no such model, at http://model.test/v1/responses. Check the model; a server at another address needs ${own}.`
    ],
    ["ollama", keyless, `The server requires a key. Define ${own}, with env_key.`]
  ] as const)("%s can be taken: %o", (id, evidence, next) => {
    const text = textOf(evidence, { provider: { ...provider, id }, keyOrigin: null, userFile })
    assert.strictEqual(text.split("\n")[1], `No key was sent. ${next}`)
  })
})

describe("a server that cannot be reached", () => {
  const unreachable = socket("ENOTFOUND", "getaddrinfo ENOTFOUND model.test")

  it.effect("is retried within the configured limit, and then the answer fails", () =>
    Effect.gen(function* () {
      const script = scripted([unreachable, unreachable, unreachable, unreachable, unreachable])
      const patient = Layer.succeed(NetworkPatience, Duration.seconds(60))
      const fiber = yield* Effect.forkChild(
        Effect.zip(Effect.provide(answerTo(request), Layer.provide(script.layer, patient)), Clock.currentTimeMillis),
        { startImmediately: true }
      )
      yield* TestClock.adjust("1 hour")
      const [{ error, events }] = yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        { requests: script.sent.length, retries: events.length, message: error?.message },
        { requests: 4, retries: 3, message: "Connection failed: error sending request" }
      )
      assert.strictEqual(
        error?.details,
        `${server}no connection: getaddrinfo ENOTFOUND model.test\n${key} The name model.test does not resolve. Check ${setting}, and the network; a proxy is set with HTTPS_PROXY.`
      )
    })
  )
})
