/**
 * A tool of the program's own, beside the shell. It asks the user a question while it runs, and clients see its call as an item.
 *
 *     node examples/own-tool.ts "weather: {}"
 *     node examples/own-tool.ts "run: echo hello"
 *
 * The offline model calls the tool that the prompt names. Leave `model` out to ask the configured model server.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { AppServer, AppServerClient, Offline, Tool, Toolsets } from "spindle-app-server"

const weather: Tool.Tool = {
  spec: {
    type: "function",
    name: "weather",
    description: "The weather at a place that the user names.",
    parameters: { type: "object", properties: {}, additionalProperties: false },
    strict: false
  },
  run: ({ callId }, turn) =>
    turn
      .ask("item/tool/requestUserInput", {
        itemId: callId,
        questions: [
          { id: "place", header: "Place", question: "Which place?", isOther: true, isSecret: false, options: null }
        ],
        isBlocking: true,
        autoResolutionMs: null
      })
      .pipe(
        Effect.map(({ answers }) =>
          Tool.text(`It rains in ${answers["place"]?.answers.join() ?? "an unknown place"}.`)
        ),
        Effect.catchTag("AskFailed", (error) => Effect.succeed(Tool.failure(error.message)))
      )
}

const server = AppServer.client({
  clientName: "own-tool-example",
  clientVersion: "1.0.0",
  tools: Toolsets.besideShell([weather]),
  model: Offline.layer,
  cliOverrides: [
    ["sandbox_mode", "danger-full-access"],
    ["approval_policy", "never"]
  ]
})

const program = Effect.gen(function* () {
  const client = yield* AppServerClient.AppServerClient
  yield* client.handle("item/tool/requestUserInput", () =>
    Effect.succeed({ answers: { place: { answers: ["Bergen"] } } })
  )
  const thread = yield* client.startThread({})
  const { items, text } = yield* thread.run(process.argv[2] ?? "weather: {}")
  for (const item of items) yield* Console.log(`[${item.type}]`)
  yield* Console.log(text)
}).pipe(Effect.scoped)

program.pipe(Effect.provide(server), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
