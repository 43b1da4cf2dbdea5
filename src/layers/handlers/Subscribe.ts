/**
 * Subscribes a connection to a thread in the step that sends its response.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { Extension, type Position } from "../../protocol/extensions/Sequence.ts"
import type { Extensions } from "../../protocol/jsonrpc/Envelope.ts"
import type { Connection } from "../../services/connection/Connection.ts"
import type { OutboundMessage } from "../../services/routing/OutboundMessage.ts"
import type { OutboundRouter } from "../../services/routing/OutboundRouter.ts"
import type { ServerRequests } from "../../services/routing/ServerRequests.ts"

/** The services that decide what a connection receives. */
export interface Routing {
  readonly router: OutboundRouter["Service"]
  readonly serverRequests: ServerRequests["Service"]
}

/** The additions to the response of a client that has subscribed. */
export interface Subscribed {
  /** The client's position in the thread's log, for clients that opted in. */
  readonly extensions: Extensions | undefined
  /** Runs right after the response: sends the missed notifications, then the pending requests. */
  readonly following: Effect.Effect<void>
}

/** Waits for no room: the messages are bounded, and what is sent to other clients must not wait for this one. */
const placeAll = (connection: Connection, messages: ReadonlyArray<OutboundMessage>): Effect.Effect<void> =>
  Effect.sync(() => {
    for (const message of messages) connection.outgoing.offerUnsafe(message)
  })

/**
 * Subscribes synchronously. Call it in the step of the response, so that the client misses nothing and receives nothing
 * twice. `after` is the last position that a returning client has seen. `otherwise` is sent instead when the missed
 * notifications are unknown.
 */
export const subscribe = (
  { router, serverRequests }: Routing,
  connection: Connection,
  threadId: string,
  after?: Position,
  otherwise: ReadonlyArray<OutboundMessage> = []
): Subscribed => {
  const missed = after === undefined ? undefined : router.missed(threadId, connection, after)
  router.subscribe(threadId, connection)
  const following = placeAll(connection, [...(missed ?? otherwise), ...serverRequests.askAgain(threadId, connection)])
  if (connection.session?.sequenced !== true) return { extensions: undefined, following }
  const position = router.position(threadId)
  const resync = after === undefined ? {} : { resync: missed === undefined }
  return { extensions: { [Extension]: { ...position, ...resync } }, following }
}
