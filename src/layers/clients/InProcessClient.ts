/**
 * The client of a server in the same process.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ParamsInputOf } from "../../protocol/Methods.ts"
import * as AppServerClient from "../../services/client/AppServerClient.ts"
import type { TransportReason } from "../../services/client/ClientError.ts"
import { Config } from "../../services/config/Config.ts"
import { type Connections, withEngine } from "../../services/connection/Connections.ts"
import * as InProcess from "../../services/connection/InProcess.ts"
import { userAgent } from "../../services/config/ServerIdentity.ts"
import { ServerInfo } from "../../services/config/ServerInfo.ts"
import type { RequestError } from "../../services/routing/RequestError.ts"

/** The client's identity and options. The name is sent to the model server and stored in threads; it has no default. */
export interface InProcessClientOptions extends Omit<
  InProcess.InProcessOptions,
  "initialize" | "unsupported" | "refusals"
> {
  /** The program's name, which the model server gets and threads record. */
  readonly clientName: string
  /** The program's version. */
  readonly clientVersion: string
  /** Enables experimental methods and fields. Default: false. */
  readonly experimentalApi?: boolean
  /** Notifications that the server should not send, by exact name. */
  readonly optOutNotificationMethods?: ReadonlyArray<string>
}

/** The embedding program manages tokens itself, so a refresh request is refused without asking the caller. */
const unsupported = {
  "account/chatgptAuthTokens/refresh": {
    code: ErrorCode.Unsupported,
    message: "chatgpt auth token refresh is not supported for in-process app-server clients"
  }
}

const eventQueueFull = "in-process app-server event queue is full"

const initializeParams = (options: InProcessClientOptions): ParamsInputOf<"initialize"> => ({
  clientInfo: { name: options.clientName, version: options.clientVersion },
  capabilities: {
    experimentalApi: options.experimentalApi ?? false,
    ...(options.optOutNotificationMethods?.length
      ? { optOutNotificationMethods: options.optOutNotificationMethods }
      : {})
  }
})

const workerClosed = "in-process app-server worker channel is closed"

const toClientError =
  (method: string) =>
  (error: InProcess.InProcessError | RequestError): AppServerClient.TransportError | AppServerClient.ServerError => {
    if (error._tag === "InProcessError") return toTransportError(method)(error)
    return new AppServerClient.ServerError({
      method,
      code: error.code,
      detail: error.message,
      ...(error.data === undefined ? {} : { data: error.data })
    })
  }

const reasonOf = ({ reason }: InProcess.InProcessError): TransportReason => {
  switch (reason._tag) {
    case "Overloaded":
    case "Closed":
      return reason
    case "InvalidMessage":
    case "HandshakeFailed":
      return { _tag: "InvalidRequest" }
  }
}

const toTransportError = (method: string) => (error: InProcess.InProcessError) =>
  new AppServerClient.TransportError({
    method,
    reason: reasonOf(error),
    detail: error.reason._tag === "Closed" ? workerClosed : error.message
  })

const linkOf = (handle: InProcess.InProcessHandle): AppServerClient.Link => {
  let nextId = 1
  const { whenRoom } = handle
  return {
    request: (method, params) =>
      Effect.mapError(whenRoom.requestUnknown({ id: nextId++, method, params }), toClientError(method)),
    notify: (method, params) => Effect.mapError(whenRoom.notify({ method, params }), toTransportError(method)),
    respond: (id, result) => Effect.mapError(whenRoom.respondToServerRequest(id, result), toTransportError("resolve")),
    reject: (id, error) => Effect.mapError(whenRoom.failServerRequest(id, error), toTransportError("reject")),
    poll: handle.pollEvent,
    ready: handle.eventReady,
    // From then on no producer waits for the client; events that were already published can still be read.
    close: handle.shutdown
  }
}

const connect = Effect.fnUntraced(function* (options: InProcessClientOptions) {
  const config = yield* Config
  const info = yield* ServerInfo
  const handle = yield* InProcess.start({
    ...options,
    ownsServer: options.ownsServer ?? false,
    initialize: initializeParams(options),
    unsupported,
    refusals: { full: eventQueueFull, closed: eventQueueFull }
  })
  return yield* AppServerClient.make(linkOf(handle), {
    userAgent: userAgent(info, options.clientName),
    codexHome: config.home
  })
})

/** A connected client within the scope. See `layer`. */
export const make = (
  options: InProcessClientOptions
): Effect.Effect<AppServerClient.AppServerClient["Service"], InProcess.InProcessError, Connections | Scope.Scope> =>
  withEngine(connect(options))

/**
 * A connected client of a server in this process. The connection ends with the layer's scope; the server continues for
 * others, unless `ownsServer` is true.
 *
 * Needs a server: see `AppServer.layer`; `AppServer.client` provides both. Fails with `InProcessError` when `initialize` is
 * refused or the server has stopped.
 *
 * @example
 * ```ts
 * import * as NodeServices from "@effect/platform-node/NodeServices"
 * import * as Layer from "effect/Layer"
 * import { AppServer, InProcessClient, WebSocketListener } from "spindle-app-server"
 *
 * // One server for this program and for clients on a socket.
 * export const shared = Layer.mergeAll(
 *   InProcessClient.layer({ clientName: "my-program", clientVersion: "1.0.0" }),
 *   WebSocketListener.layer({ port: 4500 })
 * ).pipe(Layer.provide(AppServer.layer({})), Layer.provide(NodeServices.layer))
 * ```
 */
export const layer = (
  options: InProcessClientOptions
): Layer.Layer<AppServerClient.AppServerClient, InProcess.InProcessError, Connections> =>
  Layer.effect(AppServerClient.AppServerClient, make(options))
