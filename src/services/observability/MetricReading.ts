/**
 * Series that are read and never written: their value is asked for when somebody looks.
 *
 * @module
 */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type { Counter, Gauge } from "./Metrics.ts"

/** Asked at each look. */
export type Read = () => number

const ignore = () => {}

/** Puts a gauge into the context's registry. */
export const readGauge = (gauge: Gauge, context: Context.Context<never>, read: Read): void => {
  Metric.registerUnsafe(gauge, context, { get: () => ({ value: read() }), update: ignore, modify: ignore })
}

/** Puts a counter into the context's registry. */
export const readCounter = (counter: Counter, context: Context.Context<never>, read: Read): void => {
  const get = () => ({ count: read(), incremental: true })
  Metric.registerUnsafe(counter, context, { get, update: ignore, modify: ignore })
}
