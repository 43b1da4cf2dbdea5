/**
 * The handler table: exactly one handler per client request.
 *
 * Owns the contract between the processor and the handlers. The handlers are in `layers/handlers`, one module per resource;
 * `HandlerTable` has a member for every method of the table, so a method without a handler does not compile.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Extensions, RequestId, TraceContext } from "../../protocol/jsonrpc/Envelope.ts"
import type { ClientRequestMethod, ParamsOf, ResultOf } from "../../protocol/Methods.ts"
import type { Connection } from "./Connection.ts"
import type { Reply } from "./Reply.ts"
import type { ServiceError } from "./ServiceError.ts"

/** The request that a handler serves. */
export interface RequestContext {
  readonly connection: Connection
  readonly requestId: RequestId
  readonly trace: TraceContext | undefined
  /** Other members of the client's envelope, for extensions that it opted into. */
  readonly extensions: Extensions | undefined
}

/**
 * Serves one method. It returns the result, or a `Reply` when more must happen right after the response. It is interrupted
 * when the caller cancels the request.
 */
export type Handler<M extends ClientRequestMethod> = (
  params: ParamsOf<M>,
  context: RequestContext
) => Effect.Effect<ResultOf<M> | Reply<ResultOf<M>>, ServiceError>

/** A handler for every method of the table. */
export type HandlerTable = { readonly [M in ClientRequestMethod]: Handler<M> }

/** The handlers of one resource. */
export type HandlersFor<M extends ClientRequestMethod> = Pick<HandlerTable, M>

export class Handlers extends Context.Service<Handlers, HandlerTable>()("spindle/Handlers") {}
