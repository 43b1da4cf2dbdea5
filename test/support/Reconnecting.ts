/**
 * A link that reconnects after every loss, and its events in short form.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as RemoteLink from "../../src/services/client/RemoteLink.ts"
import { Extension } from "../../src/protocol/extensions/Sequence.ts"
import type { ClientEvent } from "../../src/services/client/ClientEvent.ts"
import * as FakeServer from "./FakeServer.ts"
import { takeFrom } from "./RemoteLinks.ts"

export const policy = { initialDelay: "1 second", maxDelay: "8 seconds", stableAfter: "1 minute" } as const

export const numbered = { extensions: { [Extension]: {} } }

/** A link that reconnects, and the server's end of its first connection. */
export const connected = Effect.fnUntraced(function* (more: Partial<RemoteLink.RemoteOptions> = {}) {
  const server = yield* FakeServer.make
  const options = { clientName: "test", clientVersion: "1", reconnect: policy, heartbeat: false, ...more } as const
  const connecting = yield* Effect.forkChild(RemoteLink.make(server.endpoint, options))
  const connection = yield* server.accept
  const initialize = yield* FakeServer.welcome(connection, numbered)
  const { link } = yield* Fiber.join(connecting)
  return { server, connection, link, initialize }
})

/** Loses the connection, waits for the longest pause, and accepts the next one. */
export const comeBack = Effect.fnUntraced(function* (
  server: FakeServer.FakeServer,
  connection: FakeServer.FakeConnection,
  besides: FakeServer.JsonMessage = numbered
) {
  yield* connection.lose("EndOfStream", "closed the connection")
  yield* connection.closed
  yield* TestClock.adjust(policy.maxDelay)
  const next = yield* server.accept
  yield* FakeServer.welcome(next, besides)
  return next
})

export const turnStarted = (threadId: string, turnId: string, seq?: number) => ({
  method: "turn/started",
  params: { threadId, turn: { id: turnId } },
  emittedAtMs: 0,
  ...(seq === undefined ? {} : { seq })
})

export const started = (id: unknown, threadId: string, position?: object) => ({
  id,
  result: { thread: { id: threadId } },
  ...(position === undefined ? {} : { extensions: { [Extension]: position } })
})

export const approval = (id: number, command: string) => ({
  id,
  method: "item/commandExecution/requestApproval",
  params: { threadId: "t", command }
})

export const brief = (event: ClientEvent): unknown => {
  switch (event._tag) {
    case "ServerNotification": {
      const { notification } = event
      if (notification.method === "turn/started") return notification.params.turn.id
      if (notification.method === "serverRequest/resolved") return { resolved: notification.params.requestId }
      return notification.method
    }
    case "ServerRequest":
      return { asked: event.request.id }
    default:
      return event
  }
}
export const takeN = (link: RemoteLink.RemoteLink, count: number) =>
  Effect.map(Effect.all(Array.from({ length: count }, () => takeFrom(link))), (events) => events.map(brief))

export const back = { _tag: "Reconnected", thread: null }

export const continued = (id: string, continuity: string) => ({ _tag: "Reconnected", thread: { id, continuity } })

/** Starts a thread through the link. */
export const startThread = Effect.fnUntraced(function* (
  link: RemoteLink.RemoteLink,
  connection: FakeServer.FakeConnection,
  threadId: string,
  position?: object
) {
  const starting = yield* Effect.forkChild(link.request("thread/start", {}), { startImmediately: true })
  const { id } = yield* connection.receive
  yield* connection.send(started(id, threadId, position))
  yield* Fiber.join(starting)
})
