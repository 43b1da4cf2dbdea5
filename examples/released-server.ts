/**
 * Drives another server of the protocol with the same client: the released `codex app-server`, as a child process.
 *
 *     node examples/released-server.ts                      prints its version and its models
 *     node examples/released-server.ts "explain this folder"   a turn; needs a login or a key of that server
 *
 * `CODEX_BIN` is the program, by default `codex`. Without it the example prints a message and ends.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Config, Console, Effect } from "effect"
import { StdioClient } from "spindle-app-server"

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
  const thread = yield* client.startThread({ sandbox: "read-only" })
  // `run` rejects requests for approval, because this program has no handler for them.
  const { text } = yield* thread.run(prompt)
  yield* Console.log(text)
}).pipe(
  Effect.scoped,
  Effect.catchTag("ConnectError", (error) => Console.log(`skipped: ${error.message}`))
)

program.pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
