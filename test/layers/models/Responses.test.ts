import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import type { CodexErrorInfo } from "../../../src/protocol/v2/turn/ErrorInfo.ts"
import type { ModelProviderInfo } from "../../../src/services/config/Config.ts"
import { ModelError, ModelProvider } from "../../../src/services/model/ModelProvider.ts"
import {
  type Answer,
  answerTo,
  assistant,
  broken,
  bytes,
  Completed,
  cut,
  encode,
  events,
  hanging,
  raw,
  refuse,
  request,
  scripted,
  streamed,
  wire
} from "./Scripted.ts"
import { fine, fineEvents, lost, closedEarly, decoding, sending, busy, run } from "./ScriptedRun.ts"

describe("Responses", () => {
  it.effect("streams an answer and ends", () =>
    Effect.gen(function* () {
      const message = [wire.messageAdded("msg_1"), wire.delta("msg_1", "Hi"), wire.done(assistant("msg_1", "Hi"))]
      const { error, events: seen, sent } = yield* run([events(...message, wire.completed())])
      assert.strictEqual(error, null)
      assert.deepStrictEqual(seen, [
        { _tag: "ItemStarted", itemId: "msg_1", kind: "message" },
        { _tag: "TextDelta", itemId: "msg_1", delta: "Hi" },
        { _tag: "ItemDone", item: assistant("msg_1", "Hi") },
        Completed
      ])
      assert.deepStrictEqual(
        sent.map(({ url, headers, body }) => [url, headers["authorization"], headers["content-type"], body.input]),
        [["http://model.test/v1/responses", "Bearer secret", "application/json", request.input]]
      )
    })
  )

  it.effect("ends after the answer even if the server keeps the connection open", () =>
    Effect.gen(function* () {
      const { error, events } = yield* run([hanging([wire.done(assistant("msg_ok", "fine")), wire.completed()])])
      assert.deepStrictEqual([error, events], [null, fineEvents])
    })
  )

  describe("errors", () => {
    const failing = (name: string, answer: Answer, message: string, info: CodexErrorInfo = "other", seen = 0) =>
      it.effect(`ends with the error of the release on ${name}`, () =>
        Effect.gen(function* () {
          const { error, events, sent } = yield* run([answer, fine], {
            provider: { streamIdleTimeoutMs: 1500 },
            env: { MOCK_KEY: "the-secret-key" }
          })
          assert.deepStrictEqual([error, events.length, sent.length], [new ModelError({ message, info }), seen, 1])
        })
      )
    const badThing = '{"error":{"message":"bad thing"}}'
    const half = `${encode(wire.messageAdded("m"))}data: {"type":"response.comp`
    const partial = [wire.messageAdded("m"), wire.delta("m", "par")]
    const ping = Stream.forever(Stream.fromEffect(Effect.as(Effect.sleep("1 second"), bytes(": ping\n\n"))))

    failing("a bad request", refuse(400, badThing), badThing)
    failing(
      "a refused key",
      refuse(401, { error: { message: "no key" } }),
      "unexpected status 401 Unauthorized: no key, url: http://model.test/v1/responses",
      { httpConnectionFailed: { httpStatusCode: 401 } }
    )
    failing(
      "an unknown model",
      refuse(404, { error: { message: "no model", code: "model_not_found" } }),
      "no model",
      "modelNotFound"
    )
    failing(
      "too many requests",
      refuse(429, "slow", { "retry-after": "1" }),
      "exceeded retry limit, last status: 429 Too Many Requests",
      { responseTooManyFailedAttempts: { httpStatusCode: 429 } }
    )
    failing("an internal error", refuse(500, "boom"), busy, "internalServerError")
    failing("a connection that breaks before the answer", broken("ECONNRESET"), sending)
    failing("a connection that breaks in the answer", cut(...partial), decoding, "other", 2)
    failing("an answer that ends early", events(...partial), closedEarly, "other", 2)
    failing("half an event", raw(half), closedEarly, "other", 1)
    failing("a response that is not a stream", raw('{"a":1}'), closedEarly)
    failing("an empty answer", raw(""), closedEarly)
    failing(
      "a server that quotes the key",
      refuse(401, { error: { message: "no such key: the-secret-key" } }),
      "unexpected status 401 Unauthorized: no such key: [redacted], url: http://model.test/v1/responses",
      { httpConnectionFailed: { httpStatusCode: 401 } }
    )
    failing(
      "a failed response that quotes the key",
      events(wire.failed("server_error", "bad key the-secret-key")),
      `${lost}bad key [redacted]`
    )
    failing("a failed response", events(wire.failed("server_error", "oops")), `${lost}oops`)
    failing(
      "an incomplete response",
      events(wire.incomplete("max_output_tokens")),
      "Incomplete response returned, reason: max_output_tokens"
    )
    failing("an error event", events({ type: "error", error: { message: "x" } }), closedEarly)
    failing("a stalled stream", hanging(partial), `${lost}idle timeout waiting for SSE`, "other", 2)
    failing("a stream of nothing but comments", streamed(ping), `${lost}idle timeout waiting for SSE`)
    failing(
      "an error response that stalls",
      Effect.succeed({ status: 401, headers: {}, body: Stream.concat(Stream.succeed(bytes("no")), Stream.never) }),
      "unexpected status 401 Unauthorized: no, url: http://model.test/v1/responses",
      { httpConnectionFailed: { httpStatusCode: 401 } }
    )

    it.effect("waits for the headers as long as for an event", () =>
      Effect.gen(function* () {
        const { error, events } = yield* run([Effect.andThen(Effect.sleep("1400 millis"), fine)], {
          provider: { streamIdleTimeoutMs: 1500 }
        })
        assert.deepStrictEqual([error, events], [null, fineEvents])
      })
    )
  })

  describe("interruption", () => {
    const interrupted = (answer: (closed: Effect.Effect<void>, reached: Effect.Effect<void>) => Answer) =>
      Effect.gen(function* () {
        const closed = yield* Deferred.make<void>()
        const reached = yield* Deferred.make<void>()
        const { layer } = scripted([
          answer(
            Effect.asVoid(Deferred.succeed(closed, undefined)),
            Effect.asVoid(Deferred.succeed(reached, undefined))
          )
        ])
        const fiber = yield* Effect.forkChild(Effect.provide(answerTo(request), layer))
        yield* Deferred.await(reached)
        yield* Fiber.interrupt(fiber)
        yield* Deferred.await(closed)
      })

    it.effect("closes the connection while it waits for the headers", () =>
      interrupted((closed, reached) => Effect.onInterrupt(Effect.andThen(reached, Effect.never), () => closed))
    )

    it.effect("closes the connection in the middle of the stream", () =>
      interrupted((closed, reached) =>
        streamed(
          Stream.concat(
            Stream.succeed(bytes(encode(wire.messageAdded("m")))),
            Stream.fromEffect(Effect.andThen(reached, Effect.never))
          ).pipe(Stream.ensuring(closed))
        )
      )
    )
  })

  describe("providers", () => {
    const unsendable = (name: string, options: Parameters<typeof scripted>[1], message: string) =>
      it.effect(name, () =>
        Effect.gen(function* () {
          const { error, sent } = yield* run([fine], options)
          assert.deepStrictEqual([error, sent.length], [new ModelError({ message, info: "other" }), 0])
        })
      )

    unsendable("names the missing variable", { env: {} }, "Missing environment variable: `MOCK_KEY`.")
    unsendable(
      "explains where to get a key",
      { env: {}, provider: { envKeyInstructions: "Get one at x." } },
      "Missing environment variable: `MOCK_KEY`. Get one at x."
    )
    unsendable("takes a blank key for none", { env: { MOCK_KEY: " " } }, "Missing environment variable: `MOCK_KEY`.")
    unsendable(
      "refuses an address that it cannot send to",
      { provider: { baseUrl: "ftp://model.test" } },
      "base_url of model provider `mock` is not an http or https URL"
    )
    unsendable("reports an unknown provider", { provider: { id: "other" } }, "Model provider `mock` not found")

    it.effect("uses the account's key if the provider requires it, and none without a login", () =>
      Effect.gen(function* () {
        const key = (env: Record<string, string>, requiresOpenaiAuth: boolean) =>
          Effect.map(
            run([fine], { env, provider: { envKey: null, requiresOpenaiAuth } }),
            ({ sent }) => sent[0]?.headers["authorization"]
          )
        assert.strictEqual(yield* key({ OPENAI_API_KEY: "account" }, true), "Bearer account")
        assert.strictEqual(yield* key({ OPENAI_API_KEY: "account" }, false), undefined)
        assert.strictEqual(yield* key({}, true), undefined)
      })
    )

    it.effect("prefers the provider's own key to the account's", () =>
      Effect.gen(function* () {
        const key = (env: Record<string, string>, provider: Partial<ModelProviderInfo>) =>
          Effect.map(run([fine], { env, provider }), ({ sent }) => sent[0]?.headers["authorization"])
        const both = { OPENAI_API_KEY: "account", MOCK_KEY: "own" }
        assert.strictEqual(yield* key(both, { requiresOpenaiAuth: true }), "Bearer own")
        assert.strictEqual(yield* key({ OPENAI_API_KEY: "account" }, { requiresOpenaiAuth: true }), "Bearer account")
        const bearerToken = Redacted.make("token")
        assert.strictEqual(yield* key(both, { envKey: null, bearerToken, requiresOpenaiAuth: true }), "Bearer token")
      })
    )

    it.effect("takes headers from the environment, if they are set", () =>
      Effect.gen(function* () {
        const { sent } = yield* run([fine], {
          env: { MOCK_KEY: "secret", TEAM: "blue", BLANK: " " },
          provider: { envHeaders: { "X-Team": "TEAM", "X-None": "NONE", "X-Blank": "BLANK" } }
        })
        assert.strictEqual(sent[0]?.headers["x-team"], "blue")
        assert.isFalse("x-none" in (sent[0]?.headers ?? {}) || "x-blank" in (sent[0]?.headers ?? {}))
      })
    )
  })

  it.effect("fails a request that cannot be encoded", () =>
    Effect.gen(function* () {
      let schema: unknown = {}
      for (let level = 0; level < 50_000; level++) schema = { items: schema }
      const { layer, sent } = scripted([fine])
      const { error } = yield* Effect.provide(answerTo({ ...request, outputSchema: schema }), layer)
      const message = "the request to the model cannot be written as JSON"
      assert.deepStrictEqual([error, sent], [new ModelError({ message, info: "other" }), []])
    })
  )

  it.effect("yields to other fibers while it parses a large chunk", () =>
    Effect.gen(function* () {
      const { layer } = scripted([raw(`: ${"x".repeat(1024 * 1024)}\n${encode(wire.completed())}`)])
      let turns = 0
      const other = yield* Effect.forkChild(
        Effect.forever(
          Effect.andThen(
            Effect.sync(() => turns++),
            Effect.yieldNow
          )
        ),
        {
          startImmediately: true
        }
      )
      const before = turns
      const { error } = yield* Effect.provide(answerTo(request), layer)
      yield* Fiber.interrupt(other)
      assert.strictEqual(error, null)
      // There are 16 slices of 64 KiB.
      assert.isAtLeast(turns - before, 8)
    })
  )

  it.effect("delivers all events of a network chunk at once", () =>
    Effect.gen(function* () {
      const deltas = Array.from({ length: 100 }, (_, n) => wire.delta("m", `${n} `))
      const { layer } = scripted([events(wire.messageAdded("m"), ...deltas, wire.completed())])
      const sizes: Array<number> = []
      const model = yield* Effect.provide(ModelProvider, layer)
      yield* Stream.runForEachArray(model.stream(request), (chunk) => Effect.sync(() => sizes.push(chunk.length)))
      assert.deepStrictEqual(sizes, [102])
    })
  )
})
