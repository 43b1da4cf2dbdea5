/**
 * Exports traces, metrics and logs to an OpenTelemetry collector, configured by the standard `OTEL_` variables.
 *
 * Owns what the standard leaves to the service: its name, and the warning about an unsupported protocol. Importing this
 * module loads an HTTP client; check `isWanted` in `program/Telemetry.ts` first.
 *
 * @module
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as OtlpLogger from "effect/observability/OtlpLogger"
import * as OtlpMetrics from "effect/observability/OtlpMetrics"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"

/** Variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>

type Signal = "TRACES" | "METRICS" | "LOGS"

const signals: ReadonlyArray<Signal> = ["TRACES", "METRICS", "LOGS"]

/** Time limit of the last export in milliseconds. An unreachable collector must not delay every exit. */
const LastExport = "1000"

/** The defaults: all signals are exported, under this service's name. */
const defaultsOf = (environment: Environment, version: string): Record<string, string> => {
  const attributes = environment["OTEL_RESOURCE_ATTRIBUTES"] ?? ""
  const isNamed = /(?:^|,)\s*service\.name\s*=/.test(attributes)
  return {
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_LOGS_EXPORTER: "otlp",
    OTEL_BSP_EXPORT_TIMEOUT: LastExport,
    OTEL_METRIC_EXPORT_TIMEOUT: LastExport,
    OTEL_BLRP_EXPORT_TIMEOUT: LastExport,
    OTEL_SERVICE_VERSION: version,
    ...(isNamed ? {} : { OTEL_SERVICE_NAME: "spindle" })
  }
}

const protocolOf = (environment: Environment, signal: Signal): string =>
  environment[`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`] ?? environment["OTEL_EXPORTER_OTLP_PROTOCOL"] ?? "http/protobuf"

const serializationOf = (environment: Environment, signal: Signal) =>
  protocolOf(environment, signal) === "http/json" ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf

const exporterOf = (signal: Signal, attributes: Record<string, unknown>) => {
  const resource = { attributes }
  switch (signal) {
    case "TRACES":
      return OtlpTracer.layerFromConfig({ resource })
    case "METRICS":
      return OtlpMetrics.layerFromConfig({ resource })
    case "LOGS":
      return OtlpLogger.layerFromConfig({ resource })
  }
}

/** Distinguishes several servers on one machine that have no configured names. */
const instanceOf = Effect.fnUntraced(function* (environment: Environment) {
  if (environment["OTEL_RESOURCE_ATTRIBUTES"]?.includes("service.instance.id") === true) return {}
  const random = yield* SecureRandom.SecureRandom
  return { "service.instance.id": yield* random.uuidV7() }
})

const unknownProtocols = (environment: Environment): ReadonlyArray<string> =>
  Array.from(new Set(signals.map((signal) => protocolOf(environment, signal)))).filter(
    (protocol) => protocol !== "http/json" && protocol !== "http/protobuf"
  )

const exporters = Effect.fnUntraced(function* (environment: Environment) {
  for (const protocol of unknownProtocols(environment)) {
    yield* Effect.logWarning(`the OTLP protocol ${protocol} is not supported; using http/protobuf`)
  }
  const instance = yield* instanceOf(environment)
  const layers = signals.map((signal) =>
    Layer.provide(exporterOf(signal, instance), serializationOf(environment, signal))
  )
  return Layer.mergeAll(Layer.empty, ...layers)
})

/** A malformed variable does not stop the server. Its value is not logged, because it may be a key. */
const unreadable = () =>
  Layer.effectDiscard(Effect.logWarning("telemetry is disabled: an OTEL_* variable is malformed"))

/**
 * Exports while the scope is open. At the end, buffered data is sent within `OTEL_EXPORTER_OTLP_TIMEOUT`, or one second by
 * default. An unreachable collector is retried later and has no other effect.
 */
export const layer = (environment: Environment, version: string): Layer.Layer<never> => {
  const provider = ConfigProvider.fromEnvRecord({ ...defaultsOf(environment, version), ...environment })
  return Layer.unwrap(exporters(environment)).pipe(
    Layer.provide([FetchHttpClient.layer, SecureRandom.layerWebCrypto, ConfigProvider.layer(provider)]),
    Layer.catchCause(unreadable)
  )
}
