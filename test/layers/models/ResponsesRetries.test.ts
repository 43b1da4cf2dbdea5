import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { ModelError, type ModelEvent } from "../../../src/services/model/ModelProvider.ts"
import { assistant, broken, cut, events, hanging, raw, refuse, request, wire } from "./Scripted.ts"
import { fine, fineEvents, lost, closedEarly, decoding, busy, run } from "./ScriptedRun.ts"

const retrying = (message: string, details: string, status: number | null = null): ModelEvent => ({
  _tag: "Retrying",
  error: new ModelError({
    message: `Reconnecting... ${message}`,
    info: { responseStreamDisconnected: { httpStatusCode: status } }
  }),
  details
})

/** Between 90 % and 110 % of each. */
const isAbout = (actual: ReadonlyArray<number>, expected: ReadonlyArray<number>) => {
  const close = expected.every((millis, index) => Math.abs((actual[index] ?? 0) - millis) <= millis / 10)
  assert.isTrue(close && actual.length === expected.length, `${actual.join(", ")} against ${expected.join(", ")}`)
}

describe("retries of Responses", () => {
  it.effect("repeats requests without a valid response silently", () =>
    Effect.gen(function* () {
      const { error, events, waits } = yield* run(
        [refuse(500, "boom"), broken("ECONNRESET"), refuse(503, "x", { "retry-after": "3" }), refuse(502, "x"), fine],
        { provider: { requestMaxRetries: 4 } }
      )
      assert.deepStrictEqual([error, events], [null, fineEvents])
      isAbout(waits, [200, 400, 3000, 1600])
    })
  )

  it.effect("announces each retry of a broken stream, with increasing delays", () =>
    Effect.gen(function* () {
      const { error, events, waits } = yield* run(
        [cut(wire.messageAdded("m"), wire.delta("m", "par")), raw(""), hanging([]), fine],
        { provider: { streamMaxRetries: 5, streamIdleTimeoutMs: 1000 } }
      )
      assert.strictEqual(error, null)
      assert.deepStrictEqual(events.slice(2), [
        retrying("1/5", decoding),
        retrying("2/5", closedEarly),
        retrying("3/5", `${lost}idle timeout waiting for SSE`),
        ...fineEvents
      ])
      isAbout(
        waits.map((wait, index) => (index === 2 ? wait - 1000 : wait)),
        [200, 400, 800]
      )
    })
  )

  it.effect("stops waiting for a response head after the idle timeout, and announces a retry", () =>
    Effect.gen(function* () {
      const { error, events, sent, waits } = yield* run([Effect.never, fine], {
        provider: { requestMaxRetries: 4, streamMaxRetries: 5, streamIdleTimeoutMs: 1000 }
      })
      assert.deepStrictEqual(
        [error, events],
        [null, [retrying("1/5", `${lost}idle timeout waiting for the response head`), ...fineEvents]]
      )
      assert.strictEqual(sent.length, 2)
      isAbout(
        waits.map((wait) => wait - 1000),
        [200]
      )
    })
  )

  it.effect("applies the same timeout to the response head after a redirect", () =>
    Effect.gen(function* () {
      const redirect = refuse(307, "", { location: "/elsewhere" })
      const { error, events, sent } = yield* run([redirect, Effect.never], { provider: { streamIdleTimeoutMs: 1000 } })
      const message = `${lost}idle timeout waiting for the response head`
      assert.deepStrictEqual([error, events], [new ModelError({ message, info: "other" }), []])
      assert.strictEqual(sent.length, 2)
    })
  )

  it.effect("continues from the finished items", () =>
    Effect.gen(function* () {
      const first = assistant("msg_1", "first")
      const { events, sent } = yield* run([cut(wire.done(first), wire.messageAdded("m")), fine], {
        provider: { streamMaxRetries: 1 }
      })
      assert.deepStrictEqual(events, [
        { _tag: "ItemDone", item: first },
        { _tag: "ItemStarted", itemId: "m", kind: "message" },
        retrying("1/1", decoding),
        ...fineEvents
      ])
      assert.deepStrictEqual(
        sent.map(({ body }) => body.input),
        [request.input, [...request.input, first]]
      )
    })
  )

  it.effect("requests a continuation when a stream breaks after a call", () =>
    Effect.gen(function* () {
      const { error, events, sent } = yield* run([cut(wire.call("c1")), fine], { provider: { streamMaxRetries: 1 } })
      assert.strictEqual(error, null)
      assert.deepStrictEqual(events.slice(1), [
        retrying("1/1", decoding),
        { _tag: "Completed", usage: null, endTurn: false }
      ])
      assert.strictEqual(sent.length, 1)
    })
  )

  it.effect("spends both budgets on a server that always fails, and then reports the cause", () =>
    Effect.gen(function* () {
      const { error, events, waits } = yield* run([refuse(500, "boom")], {
        provider: { requestMaxRetries: 4, streamMaxRetries: 5 }
      })
      assert.deepStrictEqual(error, new ModelError({ message: busy, info: "internalServerError" }))
      assert.deepStrictEqual(
        events,
        [1, 2, 3, 4, 5].map((n) => retrying(`${n}/5`, busy))
      )
      const silent = [200, 400, 800, 1600]
      isAbout(waits, [...silent, 200, ...silent, 400, ...silent, 800, ...silent, 1600, ...silent, 3200, ...silent])
    })
  )

  it.effect("respects retry-after of status 429, and skips the silent level", () =>
    Effect.gen(function* () {
      const { events, waits } = yield* run([refuse(429, "slow", { "retry-after": "2" }), fine], {
        provider: { requestMaxRetries: 4, streamMaxRetries: 5 }
      })
      const text = "exceeded retry limit, last status: 429 Too Many Requests"
      assert.deepStrictEqual(events, [retrying("1/5", text, 429), ...fineEvents])
      assert.deepStrictEqual(waits, [2000])
    })
  )

  it.effect("respects the delay in the text of a rate limit", () =>
    Effect.gen(function* () {
      const message = "Rate limit reached. Please try again in 1.5s."
      const { events: seen, waits } = yield* run([events(wire.failed("rate_limit_exceeded", message)), fine], {
        provider: { streamMaxRetries: 5 }
      })
      assert.deepStrictEqual(seen, [retrying("1/5", `rate limit exceeded: ${message}`), ...fineEvents])
      assert.deepStrictEqual(waits, [1500])
    })
  )

  it.effect("reports the status of a refused key while it retries", () =>
    Effect.gen(function* () {
      const { events, sent } = yield* run([refuse(401, "bad"), fine], {
        provider: { requestMaxRetries: 4, streamMaxRetries: 5 }
      })
      const text = "unexpected status 401 Unauthorized: bad, url: http://model.test/v1/responses"
      assert.deepStrictEqual(events, [retrying("1/5", text, 401), ...fineEvents])
      assert.strictEqual(sent.length, 2)
    })
  )

  it.effect("never repeats a bad request", () =>
    Effect.gen(function* () {
      const { error, sent } = yield* run([refuse(400, "bad"), fine], {
        provider: { requestMaxRetries: 4, streamMaxRetries: 5 }
      })
      assert.deepStrictEqual([error?.message, sent.length], ["bad", 1])
    })
  )

  it.effect("waits for the network outside the budgets, with increasing delays", () =>
    Effect.gen(function* () {
      const refused = broken("ECONNREFUSED")
      const { error, events, waits } = yield* run([refused, refused, refused, refused, refused, refused, fine])
      assert.strictEqual(error, null)
      assert.deepStrictEqual(events, [
        ...waits.map(() => retrying("waiting for network", "Connection failed: error sending request")),
        ...fineEvents
      ])
      assert.deepStrictEqual(waits, [5000, 10_000, 20_000, 40_000, 60_000, 60_000])
    })
  )

  it.effect("spreads the delays of many clients", () =>
    Effect.gen(function* () {
      const waits = yield* Effect.forEach(["a", "b", "c"], (seed) =>
        run([refuse(500, ""), fine], { provider: { requestMaxRetries: 1 } }).pipe(
          Effect.map(({ waits }) => waits[0]),
          Random.withSeed(seed)
        )
      )
      assert.strictEqual(new Set(waits).size, 3)
    })
  )
})
