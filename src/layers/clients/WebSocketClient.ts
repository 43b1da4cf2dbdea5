/**
 * The client of a server over a WebSocket: `ws://` or `wss://`.
 *
 * Owns the check of the addresses to which a token may be sent. A token gives full access to the server, so it is sent only
 * over TLS or within this machine.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { AppServerClient } from "../../services/client/AppServerClient.ts"
import { bounded, ConnectError, type Endpoint } from "../../services/client/MessageChannel.ts"
import * as RemoteLink from "../../services/client/RemoteLink.ts"
import { isLoopback } from "../../services/network/Loopback.ts"

/** The address and its token, and the options of every client of a remote server. */
export interface WebSocketClientOptions extends RemoteLink.RemoteOptions {
  /** `ws://HOST:PORT/PATH` or `wss://…`. */
  readonly url: string
  /** Sent as `Authorization: Bearer`, only to `wss://` or to `ws://` on this machine. */
  readonly token?: string | Redacted.Redacted
}

/** The address for messages, without user, password, query and fragment, which may contain secrets. */
const labelOf = (text: string, url: URL): string => {
  const hasSecrets = url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== ""
  return bounded(hasSecrets ? `${url.protocol}//${url.host}${url.pathname}` : text)
}

const isLocal = ({ hostname }: URL): boolean =>
  hostname === "localhost" || isLoopback(hostname.replace(/^\[(.*)\]$/, "$1"))

const invalidInput = (message: string): ConnectError =>
  new ConnectError({ reason: { _tag: "InvalidOptions" }, message })

/** Validates the options and returns their endpoint. Opens no connection. */
export const endpointOf = (options: WebSocketClientOptions): Effect.Effect<Endpoint, ConnectError> =>
  Effect.suspend(() => {
    const url = URL.parse(options.url)
    if (url === null || (url.protocol !== "ws:" && url.protocol !== "wss:")) {
      return Effect.fail(invalidInput("invalid remote app server URL; expected `ws://HOST:PORT` or `wss://HOST:PORT`"))
    }
    const label = labelOf(options.url, url)
    const token = Redacted.isRedacted(options.token) ? Redacted.value(options.token) : options.token
    if (token !== undefined && url.protocol === "ws:" && !isLocal(url)) {
      return Effect.fail(
        invalidInput(`remote auth tokens require \`wss://\` or loopback \`ws://\` URLs; got \`${label}\``)
      )
    }
    const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` }
    url.hash = ""
    // Loaded when a connection is opened, not with the library.
    const open = Effect.flatMap(
      Effect.promise(() => import("./webSocket/WebSocketChannel.ts")),
      (sockets) => sockets.open({ label, url: url.href, headers })
    )
    return Effect.succeed({ label, open })
  })

/** A connected client. The connection ends with the scope. Fails for invalid options. */
export const make = (
  options: WebSocketClientOptions
): Effect.Effect<AppServerClient["Service"], ConnectError, Scope.Scope> =>
  Effect.flatMap(endpointOf(options), (endpoint) => RemoteLink.client(endpoint, options))

/** A connected client; the connection ends with the layer's scope. */
export const layer = (options: WebSocketClientOptions): Layer.Layer<AppServerClient, ConnectError> =>
  Layer.effect(AppServerClient, make(options))
