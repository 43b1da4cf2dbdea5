/**
 * Metrics whose value is computed when they are read.
 *
 * @module
 */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type { Counter, Gauge } from "./Metrics.ts"

/** Called at each read. */
export type Read = () => number

const ignore = () => {}

/** Adds a gauge to the context's registry. */
export const readGauge = (gauge: Gauge, context: Context.Context<never>, read: Read): void => {
  Metric.registerUnsafe(gauge, context, { get: () => ({ value: read() }), update: ignore, modify: ignore })
}

/** Adds a counter to the context's registry. */
export const readCounter = (counter: Counter, context: Context.Context<never>, read: Read): void => {
  const get = () => ({ count: read(), incremental: true })
  Metric.registerUnsafe(counter, context, { get, update: ignore, modify: ignore })
}
