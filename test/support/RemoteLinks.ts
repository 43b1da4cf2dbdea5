/**
 * A link to a fake server, and its events in short form.
 *
 * @module
 */
import { assert } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { ClientEvent } from "../../src/services/client/ClientEvent.ts"
import * as RemoteLink from "../../src/services/client/RemoteLink.ts"
import * as FakeServer from "./FakeServer.ts"

export const options = { clientName: "test", clientVersion: "1", heartbeat: false } as const

/** A link to a fake server, and the server's end of it. */
export const connected = Effect.fnUntraced(function* (more: Partial<RemoteLink.RemoteOptions> = {}) {
  const server = yield* FakeServer.make
  const connecting = yield* Effect.forkChild(RemoteLink.make(server.endpoint, { ...options, ...more }))
  const connection = yield* server.accept
  yield* FakeServer.welcome(connection)
  const { link, handshake } = yield* Fiber.join(connecting)
  return { server, connection, link, handshake }
})

export const delta = (index: number) => ({
  method: "item/agentMessage/delta",
  params: { threadId: "t", turnId: "u", itemId: "i", delta: String(index) },
  emittedAtMs: 0
})

export const warning = (message: string) => ({ method: "warning", params: { threadId: "t", message }, emittedAtMs: 0 })

export const usage = (total: number) => ({
  method: "thread/tokenUsage/updated",
  params: { threadId: "t", turnId: "u", tokenUsage: { total } },
  emittedAtMs: 0
})

export const approval = (id: number) => ({
  id,
  method: "item/commandExecution/requestApproval",
  params: { threadId: "t" }
})

/** An event in short form. */
export const brief = (event: ClientEvent): unknown => {
  switch (event._tag) {
    case "ServerNotification":
      return event.notification.method === "item/agentMessage/delta"
        ? event.notification.params.delta
        : event.notification.method
    case "ServerRequest":
      return event.request.id
    case "Lagged":
      return { lagged: event.skipped }
    default:
      return event
  }
}

/** The next event; fails with `Done` after the last one. */
export const takeFrom = (link: RemoteLink.RemoteLink): Effect.Effect<ClientEvent, Cause.Done> =>
  Effect.suspend(() => {
    const event = link.poll()
    return event === undefined ? Effect.andThen(link.ready, takeFrom(link)) : Effect.succeed(event)
  })

export const takeN = (link: RemoteLink.RemoteLink, count: number) =>
  Effect.map(Effect.all(Array.from({ length: count }, () => takeFrom(link))), (events) => events.map(brief))

/** All events up to the end. */
export const takeAll = Effect.fnUntraced(function* (link: RemoteLink.RemoteLink) {
  const events: Array<unknown> = []
  while (true) {
    const exit = yield* Effect.exit(takeFrom(link))
    if (Exit.isFailure(exit)) {
      assert.isTrue(exit.cause.reasons.every((reason) => reason._tag === "Fail" && Cause.isDone(reason.error)))
      return events
    }
    events.push(brief(exit.value))
  }
})
