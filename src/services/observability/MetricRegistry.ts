/**
 * The counts of servers, per metric registry. Servers that share a registry appear as one server.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import { type Gauge, turnsEnded, turnsStarted } from "./Metrics.ts"
import { ConnectionMetrics } from "./ConnectionMetrics.ts"
import { type Read, readGauge } from "./MetricReading.ts"
import { RequestMetrics } from "./RequestMetrics.ts"

/** Gauges that sum the values of several services. */
class Sums {
  readonly #context: Context.Context<never>
  readonly #sources = new Map<Gauge, Set<Read>>()

  constructor(context: Context.Context<never>) {
    this.#context = context
  }

  add(gauge: Gauge, read: Read): void {
    const sources = this.#sources.get(gauge) ?? this.#register(gauge)
    sources.add(read)
  }

  remove(gauge: Gauge, read: Read): void {
    this.#sources.get(gauge)?.delete(read)
  }

  #register(gauge: Gauge): Set<Read> {
    const sources = new Set<Read>()
    this.#sources.set(gauge, sources)
    readGauge(gauge, this.#context, () => Array.from(sources).reduce((sum, read) => sum + read(), 0))
    return sources
  }
}

class Meters {
  readonly requests: RequestMetrics
  readonly clients: ConnectionMetrics
  readonly sums: Sums

  constructor(registry: Metric.MetricRegistry) {
    const context = Context.make(Metric.MetricRegistry, registry)
    this.requests = new RequestMetrics(context)
    this.clients = new ConnectionMetrics(context)
    this.sums = new Sums(context)
  }
}

/** Held as long as their registries. */
const known = new WeakMap<Metric.MetricRegistry, Meters>()

const meters: Effect.Effect<Meters> = Effect.map(Metric.MetricRegistry, (registry) => {
  let found = known.get(registry)
  if (found === undefined) known.set(registry, (found = new Meters(registry)))
  return found
})

/** Counts the responses of the servers. */
export const requests: Effect.Effect<RequestMetrics> = Effect.map(meters, ({ requests }) => requests)

/** Open connections of the servers. */
export const clients: Effect.Effect<ConnectionMetrics> = Effect.map(meters, ({ clients }) => clients)

/** Creates the series of turns at zero, because a rate needs the first step too. */
export const beginTurns: Effect.Effect<void> = Effect.forEach(
  [turnsStarted, ...Object.values(turnsEnded)],
  (counter) => Metric.update(counter, 0),
  { discard: true }
)

/** Until the scope closes, the gauge includes the value of `read`, called when it is read. */
export const observe = (gauge: Gauge, read: Read): Effect.Effect<void, never, Scope.Scope> =>
  Effect.flatMap(meters, ({ sums }) =>
    Effect.acquireRelease(
      Effect.sync(() => sums.add(gauge, read)),
      () => Effect.sync(() => sums.remove(gauge, read))
    )
  )
