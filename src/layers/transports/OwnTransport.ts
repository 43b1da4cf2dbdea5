/**
 * Serves the client of a transport that an embedding program implements (`Transport`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type Connections, withEngine } from "../../services/connection/Connections.ts"
import { DefaultDeadline } from "../../services/connection/Deadline.ts"
import type { CloseReason, Transport } from "../../services/connection/Transport.ts"
import type { ConnectionLimits } from "./ConnectionLimits.ts"
import { limitsOf, type ListenerOptionError } from "./ListenerOptions.ts"
import * as ServeTransport from "./ServeTransport.ts"

export { ListenerOptionError } from "./ListenerOptions.ts"

/** A client that is served on a transport. */
export interface ServedClient {
  /** Waits until the client's input has ended and was handled, or until reading ended otherwise. */
  readonly inputEnded: Effect.Effect<void>
  /** Waits until the connection has ended. */
  readonly closed: Effect.Effect<void>
  /** Ends the connection within five seconds, and waits for its end. Interrupting the wait does not undo it. */
  readonly close: (reason: CloseReason) => Effect.Effect<void>
}

/** Options of a served client. */
export interface OwnTransportOptions {
  /** Limits of the client. Default: `ConnectionLimits.defaultLimits`, for each limit that is not given. */
  readonly limits?: Partial<ConnectionLimits>
}

const farewell: CloseReason = { _tag: "Stopping", message: "the server is going away" }

/**
 * Serves a client until the scope closes.
 *
 * Fails with `ListenerOptionError` for an invalid limit. A transport that fails with `TransportClosed` ends only its own
 * connection, and so does one that dies: its defect is logged.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import { OwnTransport, type Transport } from "spindle-app-server"
 *
 * export const serve = (transport: Transport.Transport) =>
 *   OwnTransport.serve(transport).pipe(
 *     Effect.flatMap(({ closed }) => closed),
 *     Effect.scoped
 *   )
 * ```
 */
export const serve = (
  transport: Transport,
  options: OwnTransportOptions = {}
): Effect.Effect<ServedClient, ListenerOptionError, Connections | Scope.Scope> =>
  Effect.flatMap(limitsOf(options.limits), (limits) =>
    Effect.acquireRelease(
      Effect.map(withEngine(ServeTransport.serve(transport, limits)), (served): ServedClient => ({
        inputEnded: served.inputEnded,
        closed: served.closed,
        close: (reason) => served.close(reason, { within: DefaultDeadline })
      })),
      ({ close }) => close(farewell)
    )
  )
