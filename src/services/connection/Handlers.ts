/**
 * What serves the methods of the table: one handler per client request, and no more.
 *
 * Owns the contract between the processor and the handlers. The handlers are in `layers/handlers`, one module per subject;
 * `HandlerTable` has a member for every method of the table, so a method that nobody serves does not compile.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Extensions, RequestId, TraceContext } from "../../protocol/jsonrpc/Envelope.ts"
import type { ClientRequestMethod, ParamsOf, ResultOf } from "../../protocol/Methods.ts"
import type { Connection } from "./Connection.ts"
import type { OutboundMessage } from "../routing/OutboundMessage.ts"
import type { Wait } from "../routing/TieredQueue.ts"
import type { ServiceError } from "./ServiceError.ts"

/** Returned by a handler that has answered through its context, because something had to follow the answer. */
export interface Answered {
  readonly _tag: "spindle/Answered"
}
export const Answered: Answered = { _tag: "spindle/Answered" }

/** The request a handler serves. */
export interface RequestContext<Result = unknown> {
  readonly connection: Connection
  readonly requestId: RequestId
  readonly trace: TraceContext | undefined
  /** What the client's envelope carries besides, for extensions it opted into. */
  readonly extensions: Extensions | undefined
  /**
   * Answers now. What the handler sends to this connection afterwards arrives after the answer. The first answer counts;
   * return `Answered` from the handler.
   */
  respond(result: Result): Effect.Effect<void>
  /**
   * Answers at once and puts `following` right behind the answer, so that nothing comes between. The result is what has to be
   * waited for (`settled`).
   */
  respondNow(result: Result, following?: ReadonlyArray<OutboundMessage>, extensions?: Extensions): Wait
}

/** Serves one method. What it returns is the answer; interrupted when the caller no longer wants it. */
export type Handler<M extends ClientRequestMethod> = (
  params: ParamsOf<M>,
  context: RequestContext<ResultOf<M>>
) => Effect.Effect<ResultOf<M> | Answered, ServiceError>

/** A handler for every method of the table. */
export type HandlerTable = { readonly [M in ClientRequestMethod]: Handler<M> }

/** The handlers of one subject. */
export type HandlersFor<M extends ClientRequestMethod> = Pick<HandlerTable, M>

export class Handlers extends Context.Service<Handlers, HandlerTable>()("spindle/Handlers") {}
