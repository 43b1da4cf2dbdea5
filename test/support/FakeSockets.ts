/**
 * A fake WebSocket server on a port or a Unix socket, for tests that need real sockets.
 *
 * @module
 */
import { type WebSocket, WebSocketServer } from "@effect/platform-node/NodeWS"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { createServer, type IncomingMessage, type RequestListener } from "node:http"
import type { Duplex } from "node:stream"
import { handshake } from "./FakeServer.ts"

export interface Accepted {
  readonly socket: WebSocket
  readonly request: IncomingMessage
  /** The next message of the client. */
  readonly receive: Effect.Effect<Readonly<Record<string, unknown>>>
  readonly send: (message: object) => Effect.Effect<void>
  /** Ends the connection without a close frame. */
  readonly vanish: Effect.Effect<void>
  /** The close code from the client. */
  readonly closed: Effect.Effect<number>
}

export interface FakeSockets {
  /** The address, or the path. */
  readonly url: string
  readonly accept: Effect.Effect<Accepted>
}

export interface FakeSocketsOptions {
  readonly path?: string
  /** Handles an upgrade request; returns whether the upgrade proceeds. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex) => boolean
  /** Answers plain requests. */
  readonly request?: RequestListener
}

const accepted = (socket: WebSocket, request: IncomingMessage): Effect.Effect<Accepted> =>
  Effect.gen(function* () {
    const received = yield* Queue.unbounded<Readonly<Record<string, unknown>>>()
    const codes = yield* Queue.unbounded<number>()
    socket.on("message", (data) => Queue.offerUnsafe(received, JSON.parse(String(data))))
    socket.on("close", (code) => Queue.offerUnsafe(codes, code))
    socket.on("error", () => {})
    return {
      socket,
      request,
      receive: Queue.take(received),
      send: (message) => Effect.sync(() => socket.send(JSON.stringify(message))),
      vanish: Effect.sync(() => socket.terminate()),
      closed: Queue.take(codes)
    }
  })

export const make = Effect.fnUntraced(function* (options: FakeSocketsOptions = {}) {
  const connections = yield* Queue.unbounded<readonly [WebSocket, IncomingMessage]>()
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 256 * 1024 * 1024 })
  const http = createServer(options.request)
  http.on("upgrade", (request, socket, head) => {
    if (options.upgrade?.(request, socket) === true) return
    sockets.handleUpgrade(request, socket, head, (opened) => {
      // Paused until there is a reader.
      opened.pause()
      Queue.offerUnsafe(connections, [opened, request])
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      const listening = () => resume(Effect.void)
      if (options.path === undefined) http.listen(0, "127.0.0.1", listening)
      else http.listen(options.path, listening)
    }),
    () =>
      Effect.callback<void>((resume) => {
        for (const client of sockets.clients) client.terminate()
        http.closeAllConnections()
        http.close(() => resume(Effect.void))
      })
  )
  const address = http.address()
  const fake: FakeSockets = {
    url: typeof address === "object" && address !== null ? `ws://127.0.0.1:${address.port}` : String(address),
    accept: Effect.flatMap(Queue.take(connections), ([socket, request]) =>
      Effect.tap(
        accepted(socket, request),
        Effect.sync(() => socket.resume())
      )
    )
  }
  return fake
})

/** Answers initialize and receives `initialized`. */
export const welcome = Effect.fnUntraced(function* (connection: Accepted) {
  const initialize = yield* connection.receive
  yield* connection.send({ id: initialize["id"], result: handshake })
  yield* connection.receive
  return initialize
})
