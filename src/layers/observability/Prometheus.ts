/**
 * The metrics as Prometheus reads them.
 *
 * The formatter brings HTTP modules with it and is loaded with the first scrape.
 *
 * @module
 */
import * as Effect from "effect/Effect"

/** Of what `text` gives. */
export const contentType = "text/plain; version=0.0.4; charset=utf-8"

/** Everything that is counted in the registry of who runs this, Spindle's own and the embedding program's. */
export const text: Effect.Effect<string> = Effect.flatMap(
  Effect.promise(() => import("effect/observability/PrometheusMetrics")),
  ({ format }) => format()
)
