/**
 * Metrics and spans of one test, in a comparable form.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

/** Runs the effect with its own metric registry. */
export const measured = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => Effect.provideService(effect, Metric.MetricRegistry, new Map()))

const labelsOf = (attributes: Metric.Metric.AttributeSet | undefined): string => {
  const labels = Object.entries(attributes ?? {}).filter(([key]) => key !== "unit")
  return labels.length === 0 ? "" : ` ${labels.map(([, value]) => value).join(" ")}`
}

/** The series with this prefix, by name and labels. A histogram is its count and sum. Zero series are omitted. */
export const series = (prefix: string): Effect.Effect<Record<string, number | readonly [number, number]>> =>
  Effect.map(Metric.snapshot, (snapshot) => {
    const found: Record<string, number | readonly [number, number]> = {}
    for (const { attributes, id, ...metric } of snapshot) {
      if (!id.startsWith(`spindle_${prefix}`)) continue
      const key = `${id.slice("spindle_".length)}${labelsOf(attributes)}`
      if (metric.type === "Counter" && metric.state.count !== 0) found[key] = Number(metric.state.count)
      if (metric.type === "Gauge" && metric.state.value !== 0) found[key] = Number(metric.state.value)
      if (metric.type === "Histogram") found[key] = [metric.state.count, metric.state.sum]
    }
    return found
  })

/** A span, and its exit. */
export interface Recorded {
  readonly span: Tracer.NativeSpan
  exit: Exit.Exit<unknown, unknown> | undefined
}

/** A tracer that records every span. */
export const makeRecorder = () => {
  const recorded: Array<Recorded> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      const entry: Recorded = { span, exit: undefined }
      recorded.push(entry)
      const end = span.end.bind(span)
      span.end = (time, exit) => {
        entry.exit = exit
        end(time, exit)
      }
      return span
    }
  })
  return {
    recorded,
    record: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provideService(effect, Tracer.Tracer, tracer),
    named: (name: string): Recorded => {
      const found = recorded.filter(({ span }) => span.name === name)
      if (found.length !== 1) {
        throw new Error(`${found.length} spans ${name} among ${recorded.map(({ span }) => span.name).join(", ")}`)
      }
      return found[0]!
    }
  }
}

/** The id of the span's parent; null when there is none. */
export const parentOf = ({ span }: Recorded): string | null =>
  Option.match(span.parent, { onNone: () => null, onSome: ({ spanId }) => spanId })
