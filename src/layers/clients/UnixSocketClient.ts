/**
 * The client of a server on this machine over a Unix socket. The protocol is WebSocket.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { AppServerClient } from "../../services/client/AppServerClient.ts"
import type { ConnectError, Endpoint } from "../../services/client/MessageChannel.ts"
import * as RemoteLink from "../../services/client/RemoteLink.ts"

/** The socket file, and the options of every client of a remote server. */
export interface UnixSocketClientOptions extends RemoteLink.RemoteOptions {
  /** Path of the socket file. */
  readonly path: string
}

/** The handshake needs a host and a path; the server ignores them. */
const Url = "ws://localhost/rpc"

/** Where the client connects to. Opens no connection. */
export const endpointOf = ({ path }: UnixSocketClientOptions): Endpoint => {
  const label = `unix://${path}`
  return {
    label,
    // Loaded when a connection is opened, not with the library.
    open: Effect.flatMap(
      Effect.promise(() => import("./webSocket/WebSocketChannel.ts")),
      (sockets) => sockets.open({ label, url: Url, headers: {}, path })
    )
  }
}

/** A connected client. The connection ends with the scope. */
export const make = (
  options: UnixSocketClientOptions
): Effect.Effect<AppServerClient["Service"], ConnectError, Scope.Scope> =>
  RemoteLink.client(endpointOf(options), options)

/** A connected client; the connection ends with the layer's scope. */
export const layer = (options: UnixSocketClientOptions): Layer.Layer<AppServerClient, ConnectError> =>
  Layer.effect(AppServerClient, make(options))
