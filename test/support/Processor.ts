/**
 * A processor with the handlers of a test, and clients that write to it and read its responses.
 *
 * @module
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Incoming, RequestId } from "../../src/protocol/jsonrpc/Envelope.ts"
import { type ClientRequestMethod, clientRequestTable } from "../../src/protocol/Methods.ts"
import { Handlers, type HandlerTable } from "../../src/services/connection/Handlers.ts"
import * as MessageProcessor from "../../src/services/connection/MessageProcessor.ts"
import { encode } from "../../src/services/routing/OutboundMessage.ts"
import * as OutboundRouter from "../../src/services/routing/OutboundRouter.ts"
import * as ServerRequests from "../../src/services/routing/ServerRequests.ts"
import type { TieredQueueOptions } from "../../src/services/routing/TieredQueue.ts"
import type { Transport } from "../../src/services/connection/Transport.ts"
import { type OpenOptions, sessionOf } from "./Connections.ts"
import * as MemoryTransport from "./MemoryTransport.ts"
import { takeFrom } from "./Queues.ts"

/** A table in which all other methods die. */
export const tableOf = (handlers: Partial<HandlerTable>): HandlerTable => {
  const methods = Object.keys(clientRequestTable) as ReadonlyArray<ClientRequestMethod>
  const dying = Object.fromEntries(methods.map((method) => [method, () => Effect.die(`${method} was not expected`)]))
  // Every method of the table has an entry.
  return { ...dying, ...handlers } as HandlerTable
}

export interface ConnectOptions extends OpenOptions {
  /** Replaces parts of the transport in memory. */
  readonly transport?: Partial<Transport>
  /** Replaces `room`. */
  readonly outgoing?: TieredQueueOptions
}

/** A processor; `connect` opens an initialized connection, unless its session is null. */
export const makeProcessor = Effect.fnUntraced(function* (handlers: Partial<HandlerTable>) {
  const router = yield* OutboundRouter.make
  const serverRequests = yield* Effect.provideService(ServerRequests.make, OutboundRouter.OutboundRouter, router)
  const processor = yield* MessageProcessor.make.pipe(
    Effect.provideService(Handlers, tableOf(handlers)),
    Effect.provideService(OutboundRouter.OutboundRouter, router),
    Effect.provideService(ServerRequests.ServerRequests, serverRequests)
  )
  const connect = Effect.fnUntraced(function* (options: ConnectOptions = {}) {
    const { origin = "stdio" } = options
    const { closed, end, leave, send, transport } = MemoryTransport.make({ origin, ...options.transport })
    const serve = processor.serve(transport, {
      capacity: 64,
      overloadText: "Server overloaded; retry later.",
      refusals: { full: "no room", closed: "no reader" },
      outgoing: { capacity: options.room ?? 64, requestGrace: null, emitLagMarkers: false },
      ...options
    })
    // A test may leave handlers that never complete.
    const served = yield* Effect.acquireRelease(serve, ({ close }) => close({ _tag: "Gone" }, { within: 0 }))
    const { connection } = served
    const { outgoing } = connection
    if (options.session !== null) connection.initialize(sessionOf(options.session))
    return {
      connection,
      close: served.close,
      closed: served.closed,
      inputEnded: served.inputEnded,
      cancelNow: served.cancelNow,
      /** Why the connection was closed. */
      reasons: closed,
      leave,
      send: (message: Incoming) => assert.isTrue(send(message)),
      request: (id: RequestId, method: string, params: unknown = {}) =>
        assert.isTrue(send({ _tag: "Request", request: { id, method, params } })),
      /** The next message to the client. */
      next: Effect.map(takeFrom(outgoing), (message): unknown => JSON.parse(encode(message))),
      /** The number of messages that the client has not read. */
      unread: () => outgoing.stats.size,
      end
    }
  })
  return { router, serverRequests, processor, connect }
})
