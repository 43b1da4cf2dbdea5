/**
 * Drives another server of the protocol with the same client: the released `codex app-server`, as a child process.
 *
 *     node examples/released-server.ts                      prints its version and its models
 *     node examples/released-server.ts "explain this folder"   a turn; needs a login or a key of that server
 *
 * `CODEX_BIN` is the program, by default `codex`. Without it the example says so and ends.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Config, Console, Effect, Stream } from "effect"
import { type ClientEvent, StdioClient } from "spindle-app-server"

const program = Effect.gen(function* () {
  const codex = yield* Config.String("CODEX_BIN").pipe(Config.withDefault("codex"))
  const client = yield* StdioClient.make({
    clientName: "released-server-example",
    clientVersion: "1.0.0",
    command: [codex, "app-server"]
  })
  yield* Console.log(`version ${client.serverVersion}`)
  const { data } = yield* client.request("model/list", {})
  yield* Console.log(`models: ${data.map(({ id }) => id).join(", ")}`)

  const prompt = process.argv[2]
  if (prompt === undefined) return
  const { thread } = yield* client.request("thread/start", { sandbox: "read-only" })
  yield* client.request("turn/start", { threadId: thread.id, input: [{ type: "text", text: prompt }] })
  const show = (event: ClientEvent.ClientEvent) => {
    // Every request of the server needs an answer, or its turn waits.
    if (event._tag === "ServerRequest") {
      return client.reject(event.request, { code: -32_000, message: "this example approves nothing" })
    }
    if (event._tag !== "ServerNotification") return Effect.void
    const { method, params } = event.notification
    if (method === "error") return Console.error(`error: ${params.error.message}`)
    return method === "item/completed" && params.item.type === "agentMessage"
      ? Console.log(params.item.text)
      : Effect.void
  }
  yield* client.events.pipe(
    Stream.takeUntil((event) => event._tag === "ServerNotification" && event.notification.method === "turn/completed"),
    Stream.runForEach(show)
  )
}).pipe(
  Effect.scoped,
  Effect.catchTag("ConnectError", (error) => Console.log(`skipped: ${error.message}`))
)

program.pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
