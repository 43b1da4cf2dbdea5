/**
 * A transport in memory: a test sends messages and takes what the client gets from the connection's queue.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { Incoming } from "../../src/protocol/jsonrpc/Envelope.ts"
import { type CloseReason, type Transport, TransportClosed } from "../../src/services/connection/Transport.ts"

/** Opens one. With `overrides` a part of it behaves otherwise. */
export const make = (overrides: Partial<Transport> = {}) => {
  const input = Effect.runSync(Queue.unbounded<Incoming, Cause.Done | TransportClosed>())
  const closed: Array<CloseReason> = []
  const transport: Transport = {
    origin: "stdio",
    evictable: false,
    read: Queue.takeAll(input),
    write: undefined,
    close: (reason) => Effect.sync(() => void closed.push(reason)),
    unread: () => Queue.sizeUnsafe(input),
    ...overrides
  }
  return {
    transport,
    /** Why the connection was closed, once for each time. */
    closed,
    send: (message: Incoming) => Queue.offerUnsafe(input, message),
    /** The client has sent everything. */
    end: Queue.end(input),
    /** The client is gone. */
    leave: Effect.sync(() => void Queue.failCauseUnsafe(input, Cause.fail(new TransportClosed({}))))
  }
}
