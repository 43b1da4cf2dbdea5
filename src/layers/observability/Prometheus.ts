/**
 * The metrics in Prometheus format.
 *
 * The formatter imports HTTP modules, so it is loaded with the first scrape.
 *
 * @module
 */
import * as Effect from "effect/Effect"

/** The content type of `text`. */
export const contentType = "text/plain; version=0.0.4; charset=utf-8"

/** All metrics in the current registry: Spindle's own and the embedding program's. */
export const text: Effect.Effect<string> = Effect.flatMap(
  Effect.promise(() => import("effect/observability/PrometheusMetrics")),
  ({ format }) => format()
)
