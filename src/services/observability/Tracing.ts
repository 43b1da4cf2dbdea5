/**
 * Spans, when they are collected.
 *
 * Creates spans only when the program has a tracer. Without one, Effect would create spans that are discarded; here the only
 * cost is the check. Spans of requests are in `RequestSpan.ts`, which is loaded with the first tracer.
 *
 * Attributes are names, ids, counts and kinds: never payloads or secrets.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Tracer from "effect/Tracer"
import type { TraceContext } from "../../protocol/jsonrpc/Envelope.ts"

/** Whether spans are collected. */
export const isActive: Effect.Effect<boolean> = Effect.contextWith((context: Context.Context<never>) =>
  Effect.succeed(Context.getOrUndefined(context, Tracer.Tracer) !== undefined)
)

/** The current span of the fiber; undefined without one, or when spans are not collected. */
export const current: Effect.Effect<Tracer.AnySpan | undefined> = Effect.contextWith(
  (context: Context.Context<never>) =>
    Effect.succeed(Context.getOrUndefined(context, Tracer.Tracer) && Context.getOrUndefined(context, Tracer.ParentSpan))
)

/** The options of a span. */
export interface SpanOf<A, E> {
  readonly name: string
  readonly options: () => Tracer.SpanOptionsNoTrace
  /** Attributes that are known only when the effect has ended. */
  readonly ended: (exit: Exit.Exit<A, E>) => Readonly<Record<string, unknown>>
}

/** Runs the effect in a new span, which ends with the effect's exit. */
export const traced = <A, E, R>(effect: Effect.Effect<A, E, R>, spanOf: SpanOf<A, E>): Effect.Effect<A, E, R> =>
  Effect.flatMap(isActive, (active): Effect.Effect<A, E, R> => {
    if (!active) return effect
    return Effect.useSpan(spanOf.name, spanOf.options(), (span) =>
      Effect.withParentSpan(effect, span, { captureStackTrace: false }).pipe(
        Effect.onExit((exit) =>
          Effect.sync(() => {
            for (const [key, value] of Object.entries(spanOf.ended(exit))) span.attribute(key, value)
          })
        )
      )
    )
  })

/** The span as W3C trace context in a request. */
export const toTraceContext = (span: Tracer.AnySpan): TraceContext => ({
  traceparent: `00-${span.traceId.padStart(32, "0")}-${span.spanId}-${span.sampled ? "01" : "00"}`
})
