/**
 * Clients on sockets, each with its end of a fake server.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as UnixSocketClient from "../../src/layers/clients/UnixSocketClient.ts"
import * as WebSocketClient from "../../src/layers/clients/WebSocketClient.ts"
import type { AppServerClient } from "../../src/services/client/AppServerClient.ts"
import type { ConnectError } from "../../src/services/client/MessageChannel.ts"
import * as FakeSockets from "./FakeSockets.ts"

export type Client = AppServerClient["Service"]

export const who = { clientName: "test", clientVersion: "1" } as const

export const summaryOf = (error: ConnectError | undefined) =>
  error && { kind: error.reason._tag, message: error.message }

/** A folder for a socket file; its path must be short. */
export const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "spindle-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** A client and the server's end of its connection. */
export const connected = Effect.fnUntraced(function* (options: Partial<WebSocketClient.WebSocketClientOptions> = {}) {
  const server = yield* FakeSockets.make()
  const connecting = yield* Effect.forkChild(WebSocketClient.make({ ...who, url: server.url, ...options }))
  const connection = yield* server.accept
  yield* FakeSockets.welcome(connection)
  return { url: server.url, connection, client: yield* Fiber.join(connecting) }
})

/** The same over a socket file. */
export const connectedByPath = Effect.gen(function* () {
  const path = join(yield* folder, "s")
  const server = yield* FakeSockets.make({ path })
  const connecting = yield* Effect.forkChild(UnixSocketClient.make({ ...who, path }))
  const connection = yield* server.accept
  yield* FakeSockets.welcome(connection)
  return { url: `unix://${path}`, connection, client: yield* Fiber.join(connecting) }
})

export const eventsOf = Effect.fnUntraced(function* (client: Client) {
  const events: Array<unknown> = []
  while (true) {
    const event = yield* client.nextEvent
    if (Option.isNone(event)) return events
    events.push(event.value)
  }
})
