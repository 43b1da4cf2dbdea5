/**
 * A server that listens for WebSockets, with a scripted model.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as WebSocket from "../../src/layers/transports/WebSocket.ts"
import * as Wire from "../../src/layers/transports/Wire.ts"
import { makeServer, say } from "./Server.ts"
import type { SocketClient } from "./Sockets.ts"

/** Opens a listener on a port that the system chooses; whoever comes is let in. */
export const serve = (limits: Partial<Wire.WireLimits>) =>
  WebSocket.serve({
    listen: { _tag: "WebSocket", host: "127.0.0.1", port: 0 },
    admission: { allowedOrigins: new Set(), authorize: undefined },
    limits: { ...Wire.defaultLimits, ...limits }
  })

/** A server that listens on a port of its own. */
export const listening = Effect.fnUntraced(function* (limits: Partial<Wire.WireLimits> = {}) {
  const server = yield* makeServer()
  const listener = yield* Effect.provideContext(serve(limits), server.services)
  return { ...server, listener, port: listener.bound.port }
})

/** The id of a new thread. */
export const startThread = (client: SocketClient) =>
  Effect.map(client.request("thread/start"), ({ result }) => (result as { thread: { id: string } }).thread.id)

export const startTurn = (client: SocketClient, threadId: string, text = "go") =>
  client.request("turn/start", { threadId, input: say(text) })
