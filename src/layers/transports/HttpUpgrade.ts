/**
 * The HTTP in front of every WebSocket: probes, and who may upgrade.
 *
 * Owns one HTTP server: it answers the probes, refuses what comes from web pages (`Origin`) and who may not connect, and
 * hands out the sockets that are left. The statuses and texts are the release's. Size and time of a request are limited by
 * Node's server itself, which closes a connection also when no request comes. Does not own what is said over the sockets
 * (Listener).
 *
 * ```
 *  request ─► Origin? ─403─► probe? ─200─► GET, upgrade to websocket? ─400, 405─► authorised? ─401─► socket
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
import type { Authorize } from "./auth/Authorize.ts"
import * as Frames from "./Frames.ts"
import type { Newcomer, Newcomers } from "./UninitializedClients.ts"
import { WebSocketPeer, ReasonedWebSocket } from "./WebSocketPeer.ts"
import type { ConnectionLimits } from "./StreamTransport.ts"

/** The address cannot be listened on. */
export class ListenFailed extends Schema.TaggedError<ListenFailed>()("ListenFailed", {
  message: Schema.String
}) {}

/** Who may connect. */
export interface Admission {
  /** Origins, exactly as browsers send them, that are not refused; undefined where web pages cannot get to. */
  readonly allowedOrigins: ReadonlySet<string> | undefined
  /** Undefined lets everybody in. */
  readonly authorize: Authorize | undefined
}

/** What a web page can have a browser send here under a name of its own is not answered to (DNS rebinding). */
const literalOrLocal = /^(?:localhost|[\d.]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i

/**
 * Whether a page may be shown under this `Host`: an address or `localhost`. Where a token is asked for any name will do, since
 * a web page does not have it. Programs that are no browsers may leave the header out.
 */
export const isOwnHost = (host: string | undefined, { authorize }: Admission): boolean =>
  host === undefined || authorize !== undefined || literalOrLocal.test(host)

/** Something to read for who may connect, made when it is asked for. */
export interface Page {
  readonly contentType: string
  readonly text: Effect.Effect<string>
}

/** An answer that is no upgrade. */
export interface Reply {
  readonly status: number
  readonly text: string
  readonly headers: Readonly<Record<string, string>>
}

const reply = (status: number, text = "", headers: Reply["headers"] = {}): Reply => ({ status, text, headers })

const probes: ReadonlySet<string> = new Set(["/readyz", "/healthz"])

const pathOf = (url = ""): string => url.split("?", 1)[0] ?? ""

const lists = (header: string | undefined, word: string): boolean =>
  header?.split(",").some((part) => part.trim().toLowerCase() === word) === true

const isReading = (method: string | undefined): boolean => method === "GET" || method === "HEAD"

const notToBeWritten = reply(405, "", { Allow: "GET,HEAD" })

/** What of a request decides. */
export type RequestHead = Pick<Http.IncomingMessage, "method" | "url" | "headers" | "httpVersion">

/** The answer to a request, as far as it does not depend on who asks; undefined for one that may upgrade. */
export const screen = ({ headers, httpVersion, method, url }: RequestHead, admission: Admission): Reply | undefined => {
  const { origin } = headers
  if (origin !== undefined && admission.allowedOrigins?.has(origin) === false) return reply(403)
  if (probes.has(pathOf(url))) return isReading(method) ? reply(200) : notToBeWritten
  if (method !== "GET") return reply(405, "Request method must be `GET`")
  if (!lists(headers.connection, "upgrade")) return reply(400, "Connection header did not include 'upgrade'")
  if (!lists(headers.upgrade, "websocket")) return reply(400, "`Upgrade` header did not include 'websocket'")
  if (headers["sec-websocket-version"] !== "13") {
    return reply(400, "`Sec-WebSocket-Version` header did not include '13'")
  }
  if (headers["sec-websocket-key"] === undefined) return reply(400, "`Sec-WebSocket-Key` header missing")
  // HTTP/1.0 has no upgrades (RFC 6455, 4.2.1).
  return httpVersion === "1.0" ? reply(426, "WebSocket request couldn't be upgraded") : undefined
}

const headersOf = ({ headers, text }: Reply): Record<string, string | number> => ({
  ...headers,
  ...(text === "" || "Content-Type" in headers ? {} : { "Content-Type": "text/plain; charset=utf-8" }),
  "Content-Length": Buffer.byteLength(text)
})

/** Pings of a client that may wait for their answers; one that asks more often without reading is cut off. */
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

/** A request that asked for an upgrade has no response object; its socket ends with the answer. */
const answerRaw = (socket: Duplex, answer: Reply): void => {
  const lines = Object.entries(headersOf(answer)).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.once("finish", () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${answer.status} ${Http.STATUS_CODES[answer.status]}\r\nConnection: close\r\n${lines.join("")}\r\n${answer.text}`
  )
}

/** The longest that Node may wait before it looks for requests that take too long, in milliseconds. */
const CheckInterval = 1000

/** A socket that is upgraded is under no limit of time here. */
const serverOptions = (limits: ConnectionLimits): Http.ServerOptions => {
  const timeout = Duration.toMillis(limits.requestTimeout)
  return {
    requestTimeout: timeout,
    headersTimeout: timeout,
    connectionsCheckingInterval: Math.min(timeout, CheckInterval),
    // Health checks are known to come without `Host`, and the release answers them.
    requireHostHeader: false
  }
}

const close = (server: Http.Server): Effect.Effect<void> =>
  Effect.callback((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })

/** A socket in the file system is for its owner from the moment it is there. Worker threads cannot say so. */
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
  /** How errors call the address. */
  readonly url: string
  readonly admission: Admission
  readonly limits: ConnectionLimits
  /** Where connections are counted until they are upgraded. */
  readonly newcomers: Newcomers
  /** By path. Whoever may connect may read them. */
  readonly pages: ReadonlyMap<string, Page>
  /** Called with each client, in the same turn in which its socket is upgraded. */
  readonly onPeer: (peer: WebSocketPeer) => void
}

const respond = (response: Http.ServerResponse, answer: Reply): void =>
  void response.writeHead(answer.status, headersOf(answer)).end(answer.text)

function destroy(this: Duplex): void {
  this.destroy()
}

/** Counts the connections of a server that are not upgraded. */
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

/** Listens until the scope closes. Upgraded sockets are whose they were given to, and have to end before that. */
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

  const { authorize = () => Effect.void } = admission
  const show = (page: Page, request: Http.IncomingMessage) =>
    authorize(request.headers.authorization).pipe(
      Effect.andThen(page.text),
      Effect.match({
        onFailure: ({ reason }) => reply(401, reason),
        onSuccess: (text) => reply(200, text, { "Content-Type": page.contentType })
      })
    )

  server.on("request", (request, response) => {
    const answer = screen(request, admission) ?? reply(400)
    const page = pages.get(pathOf(request.url))
    if (page === undefined || answer.status === 403) return respond(response, answer)
    if (!isOwnHost(request.headers.host, admission)) return respond(response, reply(403))
    if (!isReading(request.method)) return respond(response, notToBeWritten)
    fork(Effect.map(show(page, request), (answer) => respond(response, answer)))
  })
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", destroy)
    const answer = screen(request, admission)
    if (answer !== undefined) answerRaw(socket, answer)
    else if (admission.authorize === undefined) upgrade(request, socket, head)
    else fork(admit(admission.authorize, request, socket, head))
  })
  yield* bind(server, options.listen, options.url)
  // A connection that could not be accepted; the next may be.
  server.on("error", (error) => void fork(Effect.logWarning(`${options.url}: ${error.message}`)))
  return server
})
