import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { makeRecorder } from "../../support/Measured.ts"
import { answerTo, ok, request, scripted } from "./Scripted.ts"

const secretive = { provider: { queryParams: { key: "a-secret", "api-version": "2" } } }

describe("Responses, traced", () => {
  it.effect("sends no trace headers without a tracer", () =>
    Effect.gen(function* () {
      const { layer, sent } = scripted([ok("fine")])
      yield* Effect.provide(answerTo(request), layer)
      assert.deepStrictEqual(
        sent.flatMap(({ headers }) => Object.keys(headers).filter((name) => name === "traceparent" || name === "b3")),
        []
      )
    })
  )

  it.effect("sends trace headers with a tracer, and records neither the URL's query nor the headers", () =>
    Effect.gen(function* () {
      const { record, recorded } = makeRecorder()
      const { layer, sent } = scripted([ok("fine")], { ...secretive, env: { MOCK_KEY: "a-secret" } })
      yield* answerTo(request).pipe(Effect.provide(layer), Effect.withSpan("spindle.model_request"), record)
      const http = recorded.map(({ span }) => span).filter(({ kind }) => kind === "client")
      assert.deepStrictEqual(
        http.map(({ sampled, spanId, traceId }) => `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`),
        sent.map(({ headers }) => headers["traceparent"])
      )
      const attributes = JSON.stringify(http.map(({ attributes }) => Array.from(attributes)))
      assert.include(attributes, "http://model.test/v1/responses")
      assert.notInclude(attributes, "a-secret")
    })
  )
})
