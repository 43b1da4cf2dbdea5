/**
 * A tool of the program's own, beside the shell. It asks the user a question while it runs, and clients see its call as an item.
 *
 *     node examples/own-tool.ts "weather: {}"
 *     node examples/own-tool.ts "run: echo hello"
 *
 * The offline model calls the tool that the prompt names. Leave `model` out to ask the configured model server.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Stream } from "effect"
import { AppServer, AppServerClient, type ClientEvent, Offline, Tool, Toolsets } from "spindle-app-server"

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

const isEnd = (event: ClientEvent.ClientEvent): boolean =>
  event._tag === "ServerNotification" && event.notification.method === "turn/completed"

const program = Effect.gen(function* () {
  const client = yield* AppServerClient.AppServerClient
  const { thread } = yield* client.request("thread/start", {})
  const text = process.argv[2] ?? "weather: {}"
  yield* client.request("turn/start", { threadId: thread.id, input: [{ type: "text", text }] })
  const show = Effect.fn(function* (event: ClientEvent.ClientEvent) {
    if (event._tag === "ServerRequest" && event.request.method === "item/tool/requestUserInput") {
      return yield* client.respond(event.request, { answers: { place: { answers: ["Bergen"] } } })
    }
    if (event._tag !== "ServerNotification") return
    const { method, params } = event.notification
    if (method === "item/completed") yield* Console.log(`[${params.item.type}]`)
    if (method === "item/completed" && params.item.type === "agentMessage") yield* Console.log(params.item.text)
  })
  yield* client.events.pipe(Stream.takeUntil(isEnd), Stream.runForEach(show))
})

program.pipe(Effect.provide(server), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
