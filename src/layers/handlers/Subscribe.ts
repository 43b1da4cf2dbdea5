/**
 * A connection that begins to follow a thread, in the step in which its request is answered.
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

/** What belongs to the answer of a client that has subscribed. */
export interface Subscribed {
  /** The client's position in the thread's log, for clients that asked for it. */
  readonly extensions: Extensions | undefined
  /** Belongs right behind the answer: what the client missed, then the requests that wait for an answer. */
  readonly following: Effect.Effect<void>
}

/** Waits for no room: the messages are bounded, and what is sent to other clients must not wait for this one. */
const placeAll = (connection: Connection, messages: ReadonlyArray<OutboundMessage>): Effect.Effect<void> =>
  Effect.sync(() => {
    for (const message of messages) connection.outgoing.offerUnsafe(message)
  })

/**
 * Subscribes at once; to be called in the step of the answer, so that the client misses nothing and receives nothing twice.
 * `after` is where a client that comes back left off. `otherwise` is sent in the place of what it missed when that is not
 * known.
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
