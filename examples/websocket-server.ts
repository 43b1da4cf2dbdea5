/**
 * A server on a WebSocket with a token. Any client of the protocol can connect, also from other machines.
 *
 *     TOKEN=secret node examples/websocket-server.ts --host 0.0.0.0 --port 4500
 *     TOKEN=secret node examples/websocket-server.ts --try "say: hello"        connects to itself once, and ends
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Config, Console, Effect, Layer, Option, Redacted } from "effect"
import { Command, Flag } from "effect/cli"
import { AppServer, Offline, WebSocketClient, WebSocketListener } from "spindle-app-server"

const listener = Effect.fn(function* (host: string, port: number) {
  const token = yield* Config.Redacted("TOKEN")
  // Other machines reach the server only with a token; without `auth` it listens on this machine alone.
  return WebSocketListener.layer({ host, port, auth: { type: "token", token } })
})

/** A client over the network, with the same calls as one in the process. */
const tryIt = Effect.fn(function* (url: string, prompt: string) {
  const token = Redacted.value(yield* Config.Redacted("TOKEN"))
  const client = yield* WebSocketClient.make({ clientName: "try", clientVersion: "1.0.0", url, token })
  const thread = yield* client.startThread({})
  const { text } = yield* thread.run(prompt)
  yield* Console.log(text)
}, Effect.scoped)

const command = Command.make(
  "websocket-server",
  {
    host: Flag.String("host").pipe(Flag.withDefault("127.0.0.1")),
    port: Flag.Int("port").pipe(Flag.withDefault(0)),
    prompt: Flag.String("try").pipe(Flag.optional)
  },
  Effect.fn(function* ({ host, port, prompt }) {
    const server = Layer.unwrap(listener(host, port)).pipe(
      // Leave `model` out to use the configured model server.
      Layer.provide(AppServer.layer({ model: Offline.layer }))
    )
    const serve = Effect.gen(function* () {
      const { url } = yield* WebSocketListener.WebSocketListener
      yield* Console.error(`listening on ${url}`)
      return yield* Option.match(prompt, { onNone: () => Effect.never, onSome: (text) => tryIt(url, text) })
    })
    // Ctrl-C closes the scope: turns are interrupted, and clients are disconnected with a reason.
    yield* Effect.provide(serve, server)
  })
)

Command.run(command, { version: "1.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
