/**
 * Clients on WebSockets, for programs that embed the server.
 *
 * Owns the options of a listener, their defaults and their check: without `auth` it listens for this machine only. Does not
 * own how clients are served (`SocketListener`), nor the flags of the command line (`WebSocket`, `AuthFlags`).
 *
 * @module
 */
import * as Net from "node:net"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { type Connections, withEngine } from "../../services/connection/Connections.ts"
import { isLoopback } from "../../services/network/Loopback.ts"
import type { Authorize } from "./auth/Authorize.ts"
import * as CapabilityToken from "./auth/CapabilityToken.ts"
import type { ConnectionLimits } from "./ConnectionLimits.ts"
import type { Page } from "./HttpScreen.ts"
import type { ListenFailed } from "./HttpUpgrade.ts"
import { authority } from "./ListenAddress.ts"
import { invalid, limitsOf, type ListenerOptionError } from "./ListenerOptions.ts"
import * as WebSocket from "./WebSocket.ts"

export { type Authorize, Unauthorized } from "./auth/Authorize.ts"
export type { Page } from "./HttpScreen.ts"
export { ListenFailed } from "./HttpUpgrade.ts"
export { ListenerOptionError } from "./ListenerOptions.ts"

/** One token for all clients, sent as `Authorization: Bearer <token>`. The server keeps only its digest. */
export interface TokenAuth {
  readonly type: "token"
  /** Printable ASCII without spaces. An empty token is refused. */
  readonly token: string | Redacted.Redacted
}

/** JSON Web Tokens that another party signs with a shared secret (HS256). Their `exp` claim is required. */
export interface SignedTokenAuth {
  readonly type: "signed-token"
  /** At least 32 bytes. */
  readonly secret: string | Redacted.Redacted
  /** The required `iss` claim. Default: any. */
  readonly issuer?: string
  /** The required `aud` claim. Default: any. */
  readonly audience?: string
  /** Maximum difference between the issuer's clock and this one, in seconds. Default: 30. */
  readonly maxClockSkewSeconds?: number
}

/** A check of the program's own. It runs before the upgrade; a defect refuses the client. */
export interface CustomAuth {
  readonly type: "custom"
  /** Gets the value of the `Authorization` header, undefined when there is none, and fails with `Unauthorized`. */
  readonly authorize: Authorize
}

/** How clients prove that they may connect. */
export type Auth = CustomAuth | SignedTokenAuth | TokenAuth

/** Options of a WebSocket listener. `{}` listens on a free port for clients on this machine. */
export interface WebSocketListenerOptions {
  /**
   * An IPv4 or IPv6 address of this machine, without brackets. An address other than `127.0.0.0/8` and `::1` requires
   * `auth`. Default: `127.0.0.1`.
   */
  readonly host?: string
  /** 0 to 65535. Default: 0, with which the system chooses a free port. */
  readonly port?: number
  /** Default: none. Every program on this machine may connect, and web pages may not. */
  readonly auth?: Auth
  /** Origins of web pages that may connect, exactly as browsers send them: `https://app.example`. Default: none. */
  readonly allowedOrigins?: ReadonlyArray<string>
  /** Pages that authorised clients may read with `GET`, by path. `/readyz` and `/healthz` always exist. Default: none. */
  readonly pages?: Readonly<Record<string, Page>>
  /** Limits of its clients. Default: `ConnectionLimits.defaultLimits`, for each limit that is not given. */
  readonly limits?: Partial<ConnectionLimits>
}

/** An open listener. */
export class WebSocketListener extends Context.Service<
  WebSocketListener,
  {
    /** The bound address, as in `127.0.0.1`. */
    readonly host: string
    /** The bound port, also when the system chose it. */
    readonly port: number
    /** `ws://<host>:<port>`. */
    readonly url: string
    /** Number of connected clients. */
    readonly clients: () => number
    /** Stops accepting clients. Connected ones stay until the scope closes. */
    readonly refuse: Effect.Effect<void>
  }
>()("spindle/WebSocketListener") {}

const textOf = (secret: string | Redacted.Redacted): string =>
  Redacted.isRedacted(secret) ? Redacted.value(secret) : secret

const signedToken = Effect.fnUntraced(function* (auth: SignedTokenAuth) {
  const SignedBearerToken = yield* Effect.promise(() => import("./auth/SignedBearerToken.ts"))
  const text: unknown = textOf(auth.secret)
  const secret = new TextEncoder().encode(typeof text === "string" ? text : "")
  if (secret.length < SignedBearerToken.MinSecretBytes) {
    return yield* invalid("auth.secret", `it must have at least ${SignedBearerToken.MinSecretBytes} bytes`)
  }
  const { audience, issuer, maxClockSkewSeconds = SignedBearerToken.DefaultClockSkewSeconds } = auth
  for (const [name, value] of Object.entries({ audience, issuer })) {
    if (value?.trim() === "") return yield* invalid(`auth.${name}`, "it is empty; omit it to accept any")
  }
  if (!Number.isSafeInteger(maxClockSkewSeconds) || maxClockSkewSeconds < 0) {
    return yield* invalid("auth.maxClockSkewSeconds", "it must be a whole number of seconds, zero or more")
  }
  return SignedBearerToken.authorize({
    secret: Redacted.make(secret, { label: "websocket auth secret" }),
    issuer,
    audience,
    maxClockSkewSeconds
  })
})

const authorizeBy = (auth: Auth): Effect.Effect<Authorize, ListenerOptionError> => {
  switch (auth.type) {
    case "token": {
      const token = textOf(auth.token)
      // A variable that is not set may reach this place although its type excludes that.
      return typeof token === "string" && /^[\x21-\x7e]+$/.test(token)
        ? Effect.succeed(CapabilityToken.authorize(CapabilityToken.digestOf(Redacted.make(token))))
        : invalid("auth.token", !token ? "it is empty" : "it must be printable ASCII without spaces")
    }
    case "signed-token":
      return signedToken(auth)
    case "custom":
      return typeof auth.authorize === "function"
        ? Effect.succeed(auth.authorize)
        : invalid("auth.authorize", "it must be a function")
    default:
      return invalid("auth.type", "expected `token`, `signed-token` or `custom`")
  }
}

const addressOf = Effect.fnUntraced(function* ({ auth, host = "127.0.0.1", port = 0 }: WebSocketListenerOptions) {
  if (!Net.isIP(host)) {
    return yield* invalid("host", `${JSON.stringify(host)} is not an IP address; use 127.0.0.1 or ::1 for this machine`)
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    return yield* invalid("port", "it must be a whole number from 0 to 65535")
  }
  if (auth === undefined && !isLoopback(host)) {
    return yield* invalid("auth", `other machines can reach ${host}, so \`auth\` is required; or listen on 127.0.0.1`)
  }
  return { host, port }
})

const open = Effect.fnUntraced(function* (options: WebSocketListenerOptions) {
  const { host, port } = yield* addressOf(options)
  const authorize = options.auth === undefined ? undefined : yield* authorizeBy(options.auth)
  const limits = yield* limitsOf(options.limits)
  const listener = yield* WebSocket.serve({
    listen: { _tag: "WebSocket", host, port },
    admission: { allowedOrigins: new Set(options.allowedOrigins), authorize },
    limits,
    pages: new Map(Object.entries(options.pages ?? {}))
  }).pipe(Effect.catchTag("UnsafeListen", Effect.die))
  const { bound, refuse, served } = listener
  return WebSocketListener.of({
    host: bound.host,
    port: bound.port,
    url: `ws://${authority(bound)}`,
    clients: () => served().length,
    refuse
  })
})

/**
 * Listens until the scope closes. Use it instead of `layer` for several addresses.
 *
 * Fails with `ListenerOptionError` for an invalid option, with `ListenFailed` when the address cannot be bound.
 */
export const make = (
  options: WebSocketListenerOptions = {}
): Effect.Effect<WebSocketListener["Service"], ListenerOptionError | ListenFailed, Connections | Scope.Scope> =>
  withEngine(open(options))

/**
 * Accepts clients of a server on WebSockets, one JSON document per frame, until the layer's scope closes.
 *
 * The layer fails with `ListenerOptionError` for an invalid option, with `ListenFailed` when the address cannot be bound.
 * When the scope closes, clients receive what was published and are disconnected with a reason.
 *
 * @example
 * ```ts
 * import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
 * import * as NodeServices from "@effect/platform-node/NodeServices"
 * import * as Layer from "effect/Layer"
 * import { AppServer, WebSocketListener } from "spindle-app-server"
 *
 * WebSocketListener.layer({ port: 4500 }).pipe(
 *   Layer.provide(AppServer.layer({})),
 *   Layer.provide(NodeServices.layer),
 *   Layer.launch,
 *   NodeRuntime.runMain
 * )
 * ```
 */
export const layer = (
  options: WebSocketListenerOptions = {}
): Layer.Layer<WebSocketListener, ListenerOptionError | ListenFailed, Connections> =>
  Layer.effect(WebSocketListener, make(options))
