/**
 * The HTTP server in front of every WebSocket.
 *
 * Owns one HTTP server: it refuses web pages (`Origin`) and unauthorised clients, and hands over the upgraded sockets. Node's
 * server limits the size and duration of a request, and also closes a connection without a request. Does not own which requests
 * may upgrade (HttpScreen), requests without an upgrade (PlainHttp, which is loaded with the first of them), nor the traffic of
 * the sockets (SocketListener).
 *
 * ```
 *  request ─► Origin? ─403─► upgrade? ──no──► PlainHttp: probes, pages, 400, 405
 *                               └──yes──► may upgrade? ─400, 405─► authorised? ─401─► socket
 * ```
 *
 * @module
 */
import * as Http from "node:http"
import type * as Net from "node:net"
import process from "node:process"
import type { Duplex } from "node:stream"
import { isMainThread } from "node:worker_threads"
import * as WS from "@effect/platform-node/NodeWS"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Authorize } from "./auth/Authorize.ts"
import * as Frames from "./Frames.ts"
import { type Admission, headersOf, isForeign, type Page, type Reply, reply, screen } from "./HttpScreen.ts"
import type { Newcomer, Newcomers } from "./Newcomers.ts"
import { WebSocketPeer, ReasonedWebSocket } from "./WebSocketPeer.ts"
import type { ConnectionLimits } from "./ConnectionLimits.ts"

/** The address cannot be listened on. */
export class ListenFailed extends Schema.TaggedError<ListenFailed>()("ListenFailed", {
  message: Schema.String
}) {}

/** Maximum number of unsent pongs per client. A client that exceeds it is disconnected. */
const MaxPendingPongs = 128

const upgraderOptions = (maxMessageBytes: number) => ({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: maxMessageBytes,
  maxPendingAutoPongs: MaxPendingPongs,
  handleProtocols: () => false as const,
  WebSocket: ReasonedWebSocket
})

/** Writes the response to an upgrade request, which has no response object, and ends the socket. */
const answerRaw = (socket: Duplex, answer: Reply): void => {
  const lines = Object.entries(headersOf(answer)).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.once("finish", () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${answer.status} ${Http.STATUS_CODES[answer.status]}\r\nConnection: close\r\n${lines.join("")}\r\n${answer.text}`
  )
}

/** Maximum interval at which Node checks for slow requests, in milliseconds. */
const CheckInterval = 1000

/** Removes the time limits from an upgraded socket. */
const serverOptions = (limits: ConnectionLimits): Http.ServerOptions => {
  const timeout = Duration.toMillis(limits.requestTimeout)
  return {
    requestTimeout: timeout,
    headersTimeout: timeout,
    connectionsCheckingInterval: Math.min(timeout, CheckInterval),
    // Some health checks have no `Host`, and the release answers them.
    requireHostHeader: false
  }
}

const close = (server: Http.Server): Effect.Effect<void> =>
  Effect.callback((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })

/** A socket file is private from its creation. Worker threads cannot set the umask. */
const privately = (bind: () => void): void => {
  if (!isMainThread) return bind()
  const mask = process.umask(0o177)
  bind()
  process.umask(mask)
}

const bind = (server: Http.Server, options: Net.ListenOptions, url: string): Effect.Effect<void, ListenFailed> =>
  Effect.callback((resume) => {
    const onError = (error: Error) =>
      resume(Effect.fail(new ListenFailed({ message: `cannot listen on ${url}: ${error.message}` })))
    server.once("error", onError)
    const start = () =>
      server.listen(options, () => {
        server.off("error", onError)
        resume(Effect.void)
      })
    if (options.path === undefined) start()
    else privately(start)
  })

export interface HttpUpgradeOptions {
  readonly listen: Net.ListenOptions
  /** The address in error messages. */
  readonly url: string
  readonly admission: Admission
  readonly limits: ConnectionLimits
  /** Counts connections until they are upgraded. */
  readonly newcomers: Newcomers
  /** Pages by path, for authorised clients. */
  readonly pages: ReadonlyMap<string, Page>
  /** Called with each client, synchronously with the upgrade of its socket. */
  readonly onPeer: (peer: WebSocketPeer) => void
}

const respond = (response: Http.ServerResponse, answer: Reply): void =>
  void response.writeHead(answer.status, headersOf(answer)).end(answer.text)

function destroy(this: Duplex): void {
  this.destroy()
}

/** Counts the connections of a server that are not yet upgraded. */
const countSockets = (server: Http.Server, newcomers: Newcomers, clock: Clock.Clock) => {
  const sockets = new WeakMap<Duplex, Newcomer>()
  const forget = (socket: Duplex): void => {
    const newcomer = sockets.get(socket)
    if (newcomer !== undefined) newcomers.remove(newcomer)
    sockets.delete(socket)
  }
  function forgetThis(this: Duplex): void {
    forget(this)
  }
  server.on("connection", (socket: Duplex) => {
    const newcomer: Newcomer = { isDone: () => false, close: () => socket.destroy() }
    sockets.set(socket, newcomer)
    socket.once("close", forgetThis)
    newcomers.add(newcomer, clock.currentTimeMillisUnsafe())
  })
  return forget
}

/** Listens until the scope closes. The receiver of an upgraded socket must end it before that. */
export const listen = Effect.fnUntraced(function* (options: HttpUpgradeOptions) {
  const { admission, limits, newcomers, onPeer, pages } = options
  const upgrader = new WS.WebSocketServer(upgraderOptions(limits.maxMessageBytes))
  const server = yield* Effect.acquireRelease(
    Effect.sync(() => Http.createServer(serverOptions(limits))),
    (server) => (server.listening ? close(server) : Effect.void)
  )
  server.maxConnections = limits.maxConnections
  const forget = countSockets(server, newcomers, yield* Clock.Clock)
  const fork = yield* FiberSet.makeRuntime<never, void, never>()

  const frames = new Frames.Encoder()
  const upgrade = (request: Http.IncomingMessage, socket: Duplex, head: Buffer): void =>
    upgrader.handleUpgrade(request, socket, head, (ws) => {
      forget(socket)
      onPeer(new WebSocketPeer(ws, socket, frames))
    })

  const admit = (authorize: Authorize, request: Http.IncomingMessage, socket: Duplex, head: Buffer) =>
    authorize(request.headers.authorization).pipe(
      Effect.match({
        onFailure: ({ reason }) => answerRaw(socket, reply(401, reason)),
        onSuccess: () => upgrade(request, socket, head)
      }),
      Effect.onExit((exit) => Effect.sync(() => void (exit._tag === "Failure" && socket.destroy())))
    )

  const plain = yield* Effect.cached(
    Effect.flatMap(
      Effect.promise(() => import("./PlainHttp.ts")),
      (PlainHttp) => PlainHttp.make({ admission, pages })
    ).pipe(Scope.provide(yield* Effect.scope))
  )
  const answer = (request: Http.IncomingMessage, response: Http.ServerResponse) =>
    Effect.map(plain, (handle) => handle(request, response)).pipe(
      Effect.catchCause((cause) =>
        Effect.andThen(
          Effect.logError("plain HTTP cannot be answered", cause),
          Effect.sync(() => respond(response, reply(500)))
        )
      )
    )

  server.on("request", (request, response) => {
    if (isForeign(request.headers, admission)) respond(response, reply(403))
    else fork(answer(request, response))
  })
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", destroy)
    const answer = screen(request, admission)
    if (answer !== undefined) answerRaw(socket, answer)
    else if (admission.authorize === undefined) upgrade(request, socket, head)
    else fork(admit(admission.authorize, request, socket, head))
  })
  yield* bind(server, options.listen, options.url)
  // One connection could not be accepted. The server continues.
  server.on("error", (error) => void fork(Effect.logWarning(`${options.url}: ${error.message}`)))
  return server
})
