/**
 * A transport in memory: a test sends messages and takes the client's messages from the connection's queue.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { Incoming } from "../../src/protocol/jsonrpc/Envelope.ts"
import { type CloseReason, type Transport, TransportClosed } from "../../src/services/connection/Transport.ts"

/** Opens a transport; `overrides` replaces parts of it. */
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
    /** The reasons of all calls of close. */
    closed,
    send: (message: Incoming) => Queue.offerUnsafe(input, message),
    /** Ends the client's messages. */
    end: Queue.end(input),
    /** Disconnects the client. */
    leave: Effect.sync(() => void Queue.failCauseUnsafe(input, Cause.fail(new TransportClosed({}))))
  }
}
