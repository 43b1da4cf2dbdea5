/**
 * A server with a thread, and helpers for both.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ClientEvent } from "../../src/services/client/ClientEvent.ts"
import { RequestError } from "../../src/services/routing/RequestError.ts"
import { type Client, cwd, makeServer, nameOf, userInput, type ServerOptions } from "./Server.ts"

/** A server with a client and a thread that the client is subscribed to. */
export const makeThread = Effect.fnUntraced(function* (options: ServerOptions = {}) {
  const server = yield* makeServer(options)
  const client = yield* server.connect({ capabilities: { experimentalApi: true } })
  const { thread } = yield* client.request("thread/start", { cwd })
  yield* client.notified("thread/started")
  const threadId = thread.id
  const start = (text: string) => client.request("turn/start", { threadId, input: userInput(text) })
  /** A turn from its start to its end. */
  const turn = Effect.fnUntraced(function* (text: string, answer: string) {
    yield* start(text)
    yield* server.model.reply(answer)
    return yield* client.notified("turn/completed")
  })
  return { ...server, client, thread, threadId, start, turn }
})

export const invalid = (message: string) => new RequestError({ code: -32600, message })

export const paramsOf = (event: ClientEvent | undefined): unknown =>
  event?._tag === "ServerNotification" ? event.notification.params : undefined

/** The events that the client has not read. */
export const unread = Effect.fnUntraced(function* (client: Client) {
  yield* client.handle.shutdown
  const names: Array<string> = []
  for (;;) {
    const event = yield* client.handle.nextEvent
    if (event._tag === "None") return names
    names.push(nameOf(event.value))
  }
})
