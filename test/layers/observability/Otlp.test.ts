import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Otlp from "../../../src/layers/observability/Otlp.ts"
import { measured } from "../../support/Measured.ts"

interface Sent {
  readonly url: string
  readonly headers: Headers
  readonly body: string
}

const json = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.test:4318", OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }

/** What a collector received from a program with a span, a metric and a log, sorted by URL, and what was logged. */
const exported = Effect.fnUntraced(function* (environment: Otlp.Environment) {
  const sent: Array<Sent> = []
  const logged: Array<string> = []
  const fetch: typeof globalThis.fetch = async (url, init) => {
    sent.push({
      url: String(url),
      headers: new Headers(init?.headers),
      body: await new Response(init?.body ?? null).text()
    })
    return new Response("{}")
  }
  const program = Effect.gen(function* () {
    yield* Effect.log("a fact")
    yield* Metric.update(Metric.counter("spindle_facts_total", { incremental: true }), 1)
  })
  const result = yield* Effect.withSpan(program, "spindle.test").pipe(
    Effect.as("done"),
    Effect.provide(Otlp.layer(environment, "7.1")),
    Effect.provideService(FetchHttpClient.Fetch, fetch),
    Effect.provide(Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])),
    measured
  )
  assert.strictEqual(result, "done")
  return { logged, sent: sent.sort((a, b) => a.url.localeCompare(b.url)) }
})

/** The resource's attributes in a JSON body. */
const resourceOf = ({ body }: Sent): Record<string, string> => {
  interface Attribute {
    readonly key: string
    readonly value: { readonly stringValue: string }
  }
  const [of] = Object.values<ReadonlyArray<{ readonly resource: { readonly attributes: ReadonlyArray<Attribute> } }>>(
    JSON.parse(body)
  )
  return Object.fromEntries((of?.[0]?.resource.attributes ?? []).map(({ key, value }) => [key, value.stringValue]))
}

describe("Otlp", () => {
  it.effect("sends logs, metrics and traces when the program ends, with the configured headers", () =>
    Effect.gen(function* () {
      const { logged, sent } = yield* exported({ ...json, OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20b,x-other=c" })
      assert.deepStrictEqual(
        sent.map(({ headers, url }) => [
          url,
          headers.get("content-type"),
          headers.get("x-key"),
          headers.get("x-other")
        ]),
        ["logs", "metrics", "traces"].map((signal) => [
          `http://collector.test:4318/v1/${signal}`,
          "application/json",
          "a b",
          "c"
        ])
      )
      assert.deepStrictEqual(
        sent.map(({ body }) => ["a fact", "spindle_facts_total", "spindle.test"].map((what) => body.includes(what))),
        [
          [true, false, false],
          [false, true, false],
          [false, false, true]
        ]
      )
      // Its logger is added to the existing ones.
      assert.deepStrictEqual(logged, ["a fact"])
    })
  )

  it.effect("has this service's name and version, and an id per server", () =>
    Effect.gen(function* () {
      const { sent } = yield* exported(json)
      const resources = sent.map(resourceOf)
      const [first = {}] = resources
      assert.deepInclude(first, { "service.name": "spindle", "service.version": "7.1" })
      assert.match(first["service.instance.id"] ?? "", /^[0-9a-f-]{36}$/)
      assert.deepStrictEqual(resources, [first, first, first])
      const other = yield* exported(json)
      assert.notStrictEqual(other.sent.map(resourceOf)[0]?.["service.instance.id"], first["service.instance.id"])
    })
  )

  it.effect.each([
    { OTEL_SERVICE_NAME: "mine", OTEL_RESOURCE_ATTRIBUTES: "service.instance.id=one" },
    { OTEL_RESOURCE_ATTRIBUTES: "service.name=mine,service.instance.id=one" }
  ])("uses the name in %j", (environment) =>
    Effect.gen(function* () {
      const { sent } = yield* exported({ ...json, ...environment })
      for (const resource of sent.map(resourceOf)) {
        assert.deepInclude(resource, { "service.name": "mine", "service.instance.id": "one" })
      }
    })
  )

  it.effect("sends protobuf unless configured otherwise, for all signals or one", () =>
    Effect.gen(function* () {
      const { sent } = yield* exported({
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.test:4318/base",
        OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: "http/json"
      })
      assert.deepStrictEqual(
        sent.map(({ headers, url }) => [url, headers.get("content-type")]),
        [
          ["http://collector.test:4318/base/v1/logs", "application/json"],
          ["http://collector.test:4318/base/v1/metrics", "application/x-protobuf"],
          ["http://collector.test:4318/base/v1/traces", "application/x-protobuf"]
        ]
      )
    })
  )

  it.effect("warns about a protocol that it does not support", () =>
    Effect.gen(function* () {
      const { logged, sent } = yield* exported({ ...json, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" })
      assert.deepStrictEqual(logged, ["the OTLP protocol grpc is not supported; using http/protobuf", "a fact"])
      assert.strictEqual(sent.length, 3)
    })
  )

  it.effect("omits a disabled signal", () =>
    Effect.gen(function* () {
      const { sent } = yield* exported({ ...json, OTEL_TRACES_EXPORTER: "none", OTEL_LOGS_EXPORTER: "none" })
      assert.deepStrictEqual(
        sent.map(({ url }) => url),
        ["http://collector.test:4318/v1/metrics"]
      )
    })
  )

  it.effect("exports nothing, and logs no value, when a variable is malformed", () =>
    Effect.gen(function* () {
      const { logged, sent } = yield* exported({ ...json, OTEL_EXPORTER_OTLP_ENDPOINT: "a-secret" })
      assert.deepStrictEqual(sent, [])
      assert.deepStrictEqual(logged, ["telemetry is disabled: an OTEL_* variable is malformed", "a fact"])
    })
  )
})
