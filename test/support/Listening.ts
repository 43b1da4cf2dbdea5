/**
 * A server that listens for WebSockets, with a scripted model.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { SocketListener } from "../../src/layers/transports/SocketListener.ts"
import * as WebSocket from "../../src/layers/transports/WebSocket.ts"
import * as ConnectionLimits from "../../src/layers/transports/ConnectionLimits.ts"
import { closeAll } from "../../src/services/connection/MessageProcessor.ts"
import { makeServer, userInput } from "./Server.ts"
import { connectRaw, frame, type SocketClient, type Where } from "./Sockets.ts"
import type { ReceivedMessage } from "./WirePeer.ts"

/** Opens a listener on a free port, without authentication. */
export const serve = (limits: Partial<ConnectionLimits.ConnectionLimits>) =>
  WebSocket.serve({
    listen: { _tag: "WebSocket", host: "127.0.0.1", port: 0 },
    admission: { allowedOrigins: new Set(), authorize: undefined },
    limits: { ...ConnectionLimits.defaultLimits, ...limits }
  })

/** A server that listens on its own port. */
export const listening = Effect.fnUntraced(function* (limits: Partial<ConnectionLimits.ConnectionLimits> = {}) {
  const server = yield* makeServer()
  const listener = yield* Effect.provideContext(serve(limits), server.services)
  return { ...server, listener, port: listener.bound.port }
})

/** Stops accepting clients, lets connected ones read what was published, and closes their connections. */
export const dismiss = (listener: Pick<SocketListener, "refuse" | "served">, message: string): Effect.Effect<void> =>
  Effect.andThen(
    listener.refuse,
    Effect.suspend(() => closeAll(listener.served(), { _tag: "Stopping", message }))
  )

/** The id of a new thread. */
export const startThread = (client: SocketClient) =>
  Effect.map(client.request("thread/start"), ({ result }) => (result as { thread: { id: string } }).thread.id)

export const startTurn = (client: SocketClient, threadId: string, text = "go") =>
  client.request("turn/start", { threadId, input: userInput(text) })

/** Sends this number of requests at once. Returns how many of them were answered how often, after all responses. */
export const answersTo = Effect.fnUntraced(function* (where: Where, total: number) {
  const client = yield* connectRaw(where)
  const initialize = { id: "i", method: "initialize", params: { clientInfo: { name: "a", version: "1" } } }
  const requests = Array.from({ length: total }, (_, id) => ({ id, method: "thread/loaded/list", params: {} }))
  // The response to the last request follows those to the others.
  const messages = [initialize, ...requests, { id: "last", method: "thread/loaded/list", params: {} }]
  yield* client.write(Buffer.concat(messages.map((message) => frame(1, JSON.stringify(message)))))
  const answered = new Map<unknown, number>()
  while (answered.size < total + 2) {
    const { id } = JSON.parse((yield* client.next).payload.toString()) as ReceivedMessage
    if (id !== undefined) answered.set(id, (answered.get(id) ?? 0) + 1)
  }
  const counts = new Map<number, number>()
  for (const { id } of requests) counts.set(answered.get(id) ?? 0, (counts.get(answered.get(id) ?? 0) ?? 0) + 1)
  return counts
})
