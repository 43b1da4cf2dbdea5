/**
 * A span for each request that a handler serves.
 *
 * Loaded only when a server starts with a tracer, because reading W3C headers loads a part of the HTTP modules.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import type { TraceContext } from "../../protocol/jsonrpc/Envelope.ts"
import type { Handler, HandlerTable, RequestContext } from "./Handlers.ts"
import { mapCommit, Reply } from "./Reply.ts"

/** Maximum length of a kept tracestate, in characters. The standard requires at least 512. */
const MaxState = 512

/** The caller's span; none when the value is not W3C trace context of version 00. */
const callerOf = (trace: TraceContext | undefined): Option.Option<Tracer.ExternalSpan> => {
  const traceparent: unknown = trace?.traceparent
  return typeof traceparent === "string"
    ? HttpTraceContext.w3c(Headers.fromRecordUnsafe({ traceparent }))
    : Option.none()
}

const stateOf = (trace: TraceContext | undefined): Record<string, string> => {
  const tracestate: unknown = trace?.tracestate
  return typeof tracestate === "string" && tracestate.length <= MaxState ? { "w3c.tracestate": tracestate } : {}
}

/** A request without a span begins a new trace, which is not a child of the server's own span. */
const optionsOf = (method: string, { connection, requestId, trace }: RequestContext): Tracer.SpanOptionsNoTrace => {
  const caller = callerOf(trace)
  return {
    kind: "server",
    ...(Option.isSome(caller) ? { parent: caller.value } : { root: true }),
    attributes: {
      "rpc.system": "jsonrpc",
      "rpc.method": method,
      "rpc.jsonrpc.request_id": String(requestId),
      "spindle.connection.id": connection.id,
      "spindle.connection.origin": connection.origin,
      ...(Option.isSome(caller) ? stateOf(trace) : {})
    }
  }
}

const tracedHandler = (method: string, serve: Handler<never>): Handler<never> => {
  const name = `spindle.request ${method}`
  return (params, context) =>
    Effect.useSpan(name, optionsOf(method, context), (span) => {
      const inSpan = <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.withParentSpan(effect, span, { captureStackTrace: false })
      const served = inSpan(Effect.suspend(() => serve(params, context)))
      // The span includes what follows the response, such as a turn.
      return Effect.map(served, (value) => ((value as unknown) instanceof Reply ? mapCommit(value, inSpan) : value))
    })
}

/** Wraps each handler in a span. */
export const traced = (handlers: HandlerTable): HandlerTable =>
  // Each entry keeps its type: the wrapper reads neither parameters nor result.
  Object.fromEntries(
    Object.entries(handlers).map(([method, serve]) => [method, tracedHandler(method, serve as Handler<never>)])
  ) as HandlerTable
