/**
 * Spans, for those who collect them.
 *
 * Owns when there are any: only where the program has a tracer of its own. Without one Effect would make spans that go
 * nowhere; here nothing is made, and nothing more is paid than the question. What a request's span is, is in
 * `RequestSpan.ts`, which is loaded with the first tracer.
 *
 * Attributes are names, ids, counts and kinds: never what was said, and no secrets.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Tracer from "effect/Tracer"
import type { TraceContext } from "../../protocol/jsonrpc/Envelope.ts"

/** Whether somebody collects spans here. */
export const isActive: Effect.Effect<boolean> = Effect.contextWith((context: Context.Context<never>) =>
  Effect.succeed(Context.getOrUndefined(context, Tracer.Tracer) !== undefined)
)

/** The span that the fiber is in; undefined when it is in none, or nobody collects them. */
export const current: Effect.Effect<Tracer.AnySpan | undefined> = Effect.contextWith(
  (context: Context.Context<never>) =>
    Effect.succeed(Context.getOrUndefined(context, Tracer.Tracer) && Context.getOrUndefined(context, Tracer.ParentSpan))
)

/** What a span is, and what its end adds to it. */
export interface SpanOf<A, E> {
  readonly name: string
  readonly options: () => Tracer.SpanOptionsNoTrace
  /** Attributes that are known when the effect has ended. */
  readonly ended: (exit: Exit.Exit<A, E>) => Readonly<Record<string, unknown>>
}

/** Runs the effect in a span of its own, which ends as the effect does. */
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

/** The span as a request carries it to a server. */
export const toTraceContext = (span: Tracer.AnySpan): TraceContext => ({
  traceparent: `00-${span.traceId.padStart(32, "0")}-${span.spanId}-${span.sampled ? "01" : "00"}`
})
