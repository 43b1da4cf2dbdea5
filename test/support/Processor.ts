/**
 * A processor over handlers that a test brings, and clients that write to it and read its answers.
 *
 * @module
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { Incoming, RequestId } from "../../src/protocol/jsonrpc/Envelope.ts"
import { type ClientRequestMethod, clientRequestTable } from "../../src/protocol/Methods.ts"
import { answersInOrder } from "../../src/services/connection/Connection.ts"
import { Handlers, type HandlerTable } from "../../src/services/connection/Handlers.ts"
import * as MessageProcessor from "../../src/services/connection/MessageProcessor.ts"
import { encode } from "../../src/services/routing/OutboundMessage.ts"
import * as OutboundRouter from "../../src/services/routing/OutboundRouter.ts"
import * as TieredQueue from "../../src/services/routing/TieredQueue.ts"
import * as ServerRequests from "../../src/services/routing/ServerRequests.ts"
import { type OpenOptions, sessionOf } from "./Connections.ts"

/** A table in which the methods that a test says nothing of die. */
export const tableOf = (handlers: Partial<HandlerTable>): HandlerTable => {
  const methods = Object.keys(clientRequestTable) as ReadonlyArray<ClientRequestMethod>
  const dying = Object.fromEntries(methods.map((method) => [method, () => Effect.die(`${method} is not expected`)]))
  // Every method of the table has an entry.
  return { ...dying, ...handlers } as HandlerTable
}

/** A processor; `connect` opens a connection that has shaken hands, unless its session is null. */
export const makeProcessor = Effect.fnUntraced(function* (handlers: Partial<HandlerTable>) {
  const router = yield* OutboundRouter.make
  const serverRequests = yield* Effect.provideService(ServerRequests.make, OutboundRouter.OutboundRouter, router)
  const processor = yield* MessageProcessor.make.pipe(
    Effect.provideService(Handlers, tableOf(handlers)),
    Effect.provideService(OutboundRouter.OutboundRouter, router),
    Effect.provideService(ServerRequests.ServerRequests, serverRequests)
  )
  const connect = Effect.fnUntraced(function* (options: OpenOptions = {}) {
    const outgoing = yield* TieredQueue.make({
      capacity: options.room ?? 64,
      requestGrace: null,
      emitLagMarkers: false
    })
    const served = yield* processor.serve({
      origin: "stdio",
      capacity: 64,
      overloadText: "Server overloaded; retry later.",
      refusals: { full: "no room", closed: "nobody reads" },
      ...options,
      outgoing,
      answers: answersInOrder(outgoing)
    })
    const { connection } = served
    if (options.session !== null) connection.initialize(sessionOf(options.session))
    const send = (message: Incoming) => assert.isTrue(Queue.offerUnsafe(connection.ingress, message))
    return {
      ...served,
      send,
      request: (id: RequestId, method: string, params: unknown = {}) =>
        send({ _tag: "Request", request: { id, method, params } }),
      /** The next thing the client is told. */
      next: Effect.map(outgoing.take, (message): unknown => JSON.parse(encode(message))),
      /** What the client has been told and has not read. */
      unread: () => outgoing.stats.size,
      end: Queue.end(connection.ingress)
    }
  })
  return { router, serverRequests, processor, connect }
})
