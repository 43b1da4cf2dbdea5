/**
 * A toolkit of effect/ai, handed over as it is: its schemas, its handlers, and a tool that asks before it runs. Clients see
 * each call as an item.
 *
 *     node examples/toolkit.ts 'add: {"numbers":[1,2,3]}'
 *     node examples/toolkit.ts 'forget: {"what":"the keys"}'       asks for approval, and is approved here
 *
 * The offline model calls the tool that the prompt names. Leave `model` out to use the configured model server.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Layer, Schema, Stream } from "effect"
import { Tool, Toolkit } from "effect/ai"
import { AppServer, AppServerClient, type ClientEvent, Offline } from "spindle-app-server"
import * as Toolkits from "spindle-app-server/Toolkits"

class Unknown extends Schema.TaggedError<Unknown>()("Unknown", { what: Schema.String }) {}

const kit = Toolkit.make(
  Tool.make("add", {
    description: "The sum of numbers.",
    parameters: Schema.Struct({ numbers: Schema.Array(Schema.Finite) }),
    success: Schema.Finite
  }),
  Tool.make("forget", {
    description: "Forgets a fact for ever.",
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

const isEnd = (event: ClientEvent.ClientEvent): boolean =>
  event._tag === "ServerNotification" && event.notification.method === "turn/completed"

const program = Effect.gen(function* () {
  const client = yield* AppServerClient.AppServerClient
  const { thread } = yield* client.request("thread/start", {})
  const text = process.argv[2] ?? 'add: {"numbers":[1,2,3]}'
  yield* client.request("turn/start", { threadId: thread.id, input: [{ type: "text", text }] })

  const show = Effect.fn(function* (event: ClientEvent.ClientEvent) {
    if (event._tag === "ServerRequest" && event.request.method === "item/tool/requestUserInput") {
      yield* Console.log(event.request.params.questions[0]?.question)
      return yield* client.respond(event.request, { answers: { approval: { answers: ["Approve"] } } })
    }
    if (event._tag !== "ServerNotification" || event.notification.method !== "item/completed") return
    const { item } = event.notification.params
    if (item.type === "dynamicToolCall") yield* Console.log(`[${item.tool}: ${item.status}]`)
    if (item.type === "agentMessage") yield* Console.log(item.text)
  })
  yield* client.events.pipe(Stream.takeUntil(isEnd), Stream.runForEach(show))
})

program.pipe(Effect.provide(server), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
