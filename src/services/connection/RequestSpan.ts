/**
 * A span for each request that a handler serves.
 *
 * Loaded when a server starts with a tracer, and not otherwise: reading W3C headers brings a part of the HTTP modules.
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

/** Of a tracestate that is kept; the standard asks for 512 at least. */
const MaxState = 512

/** The caller's span; none for what is not W3C trace context of version 00, whatever it is. */
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

/** A caller that names no span of its own begins a trace: not one of those the server was built in. */
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
      // What follows the answer, such as a turn, is part of the request too.
      return Effect.map(served, (value) => ((value as unknown) instanceof Reply ? mapCommit(value, inSpan) : value))
    })
}

/** The same handlers, each call in its span. */
export const traced = (handlers: HandlerTable): HandlerTable =>
  // Each entry keeps the type of its method: what is put around it looks at neither parameters nor result.
  Object.fromEntries(
    Object.entries(handlers).map(([method, serve]) => [method, tracedHandler(method, serve as Handler<never>)])
  ) as HandlerTable
