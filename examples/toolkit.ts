/**
 * A toolkit of effect/ai, used unchanged: its schemas, its handlers, and a tool that asks before it runs. Clients see
 * each call as an item.
 *
 *     node examples/toolkit.ts 'add: {"numbers":[1,2,3]}'
 *     node examples/toolkit.ts 'forget: {"what":"the keys"}'       asks for approval, and is approved here
 *
 * The offline model calls the tool that the prompt names. Leave `model` out to use the configured model server.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Layer, Schema } from "effect"
import { Tool, Toolkit } from "effect/ai"
import { AppServer, AppServerClient, Offline } from "spindle-app-server"
import * as Toolkits from "spindle-app-server/Toolkits"

class Unknown extends Schema.TaggedError<Unknown>()("Unknown", { what: Schema.String }) {}

const kit = Toolkit.make(
  Tool.make("add", {
    description: "The sum of numbers.",
    parameters: Schema.Struct({ numbers: Schema.Array(Schema.Finite) }),
    success: Schema.Finite
  }),
  Tool.make("forget", {
    description: "Deletes a fact permanently.",
    parameters: Schema.Struct({ what: Schema.String }),
    success: Schema.String,
    failure: Unknown,
    needsApproval: true
  })
)

const facts = new Set(["the keys"])

const handlers = kit.toLayer({
  add: ({ numbers }) => Effect.succeed(numbers.reduce((sum, number) => sum + number, 0)),
  forget: ({ what }) =>
    facts.delete(what) ? Effect.succeed(`I have forgotten ${what}.`) : Effect.fail(new Unknown({ what }))
})

const server = AppServer.client({
  clientName: "toolkit-example",
  clientVersion: "1.0.0",
  tools: Toolkits.besideShell(kit).pipe(Layer.provide(handlers)),
  model: Offline.layer
})

const program = Effect.gen(function* () {
  const client = yield* AppServerClient.AppServerClient
  yield* client.handle("item/tool/requestUserInput", ({ questions }) =>
    Effect.as(Console.log(questions[0]?.question), { answers: { approval: { answers: ["Approve"] } } })
  )
  const thread = yield* client.startThread({})
  const { items, text } = yield* thread.run(process.argv[2] ?? 'add: {"numbers":[1,2,3]}')
  for (const item of items) {
    if (item.type === "dynamicToolCall") yield* Console.log(`[${item.tool}: ${item.status}]`)
  }
  yield* Console.log(text)
}).pipe(Effect.scoped)

program.pipe(Effect.provide(server), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
