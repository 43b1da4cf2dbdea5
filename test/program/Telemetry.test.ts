import { assert, describe, it } from "@effect/vitest"
import { isWanted } from "../../src/program/Telemetry.ts"

const collector = "http://127.0.0.1:4318"

describe("Telemetry", () => {
  it.each([
    [{}, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "" }, false],
    [{ OTEL_SERVICE_NAME: "mine" }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: collector }, true],
    [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: collector }, true],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: collector, OTEL_SDK_DISABLED: "TRUE" }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: collector, OTEL_SDK_DISABLED: "false" }, true]
  ])("with %j is loaded: %j", (environment, expected) => {
    assert.strictEqual(isWanted(environment), expected)
  })
})
