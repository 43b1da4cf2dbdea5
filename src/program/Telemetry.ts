/**
 * Whether the program exports telemetry to an OpenTelemetry collector.
 *
 * Only checks the variables; the exporter is loaded on demand, because it would double the start time.
 *
 * @module
 */
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RequestTiming } from "../services/observability/Metrics.ts"
import { Version } from "../services/config/ServerIdentity.ts"

const endpoints = [
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
  "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
  "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"
]

/** Whether the variables name a collector. An empty variable counts as not set. */
export const isWanted = (environment: Readonly<Record<string, string | undefined>>): boolean =>
  endpoints.some((name) => (environment[name] ?? "") !== "") &&
  environment["OTEL_SDK_DISABLED"]?.toLowerCase() !== "true"

/** Exports traces, metrics and logs to `OTEL_EXPORTER_OTLP_ENDPOINT`. Its logger is added to the existing ones. */
export const layer: Layer.Layer<never> = Layer.unwrap(
  Effect.suspend(() =>
    isWanted(process.env)
      ? Effect.map(
          Effect.promise(() => import("../layers/observability/Otlp.ts")),
          (otlp) => Layer.merge(otlp.layer(process.env, Version), Layer.succeed(RequestTiming, true))
        )
      : Effect.succeed(Layer.empty)
  )
)
