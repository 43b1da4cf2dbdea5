/**
 * Helpers that read a client's events.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { ClientEvent } from "../../src/services/client/ClientEvent.ts"
import * as ModelServer from "../support/ModelServer.ts"
import type { Client } from "./Subject.ts"

export const userInput = (text: string) => [{ type: "text" as const, text }]

const nextEvent = (client: Client): Effect.Effect<ClientEvent> => Effect.map(client.nextEvent, Option.getOrThrow)

/** Reads events until one matches, and returns all of them, that one included. */
export const until = Effect.fnUntraced(function* (client: Client, found: (event: ClientEvent) => boolean) {
  const events: Array<ClientEvent> = []
  while (true) {
    const event = yield* nextEvent(client)
    events.push(event)
    if (found(event)) return events
  }
})

export const isNotification = (method: string) => (event: ClientEvent) =>
  event._tag === "ServerNotification" && event.notification.method === method

export const turnEnds = isNotification("turn/completed")

export const isDelta = isNotification("item/agentMessage/delta")

/** The client's transcript in short form: the methods of turns and items, with the kind of item. */
export const transcriptOf = (events: ReadonlyArray<ClientEvent>): ReadonlyArray<string> =>
  events.flatMap((event) => {
    if (event._tag === "ServerRequest") return [event.request.method]
    if (event._tag !== "ServerNotification") return []
    const { notification } = event
    switch (notification.method) {
      case "turn/started":
      case "serverRequest/resolved":
        return [notification.method]
      case "turn/completed":
        return [`turn/completed ${notification.params.turn.status}`]
      case "item/started":
      case "item/completed":
        return [`${notification.method} ${notification.params.item.type}`]
      case "item/agentMessage/delta":
        return [`delta ${notification.params.delta}`]
      default:
        return []
    }
  })

export const deltasOf = (events: ReadonlyArray<ClientEvent>): ReadonlyArray<string> =>
  events.flatMap((event) =>
    event._tag === "ServerNotification" && event.notification.method === "item/agentMessage/delta"
      ? [event.notification.params.delta]
      : []
  )

/** Runs a turn in which the model streams these texts, and returns its events. */
export const turn = Effect.fnUntraced(function* (client: Client, threadId: string, ...words: ReadonlyArray<string>) {
  const speaking = yield* Effect.forkChild(ModelServer.reply(...words))
  yield* client.request("turn/start", { threadId, input: userInput("hello") })
  const events = yield* until(client, turnEnds)
  yield* Fiber.join(speaking)
  return events
})
