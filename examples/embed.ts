/**
 * A command-line program with an embedded agent: Spindle runs in this process, and the program uses its protocol with typed
 * calls.
 *
 *     node examples/embed.ts "list the files here"                 asks the configured model; needs its key
 *     node examples/embed.ts --offline "run: echo hello"           the built-in model that needs none; asks before the command runs
 *     node examples/embed.ts --offline --yes "run: echo hello"     does not ask
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Stream } from "effect"
import { Argument, Command, Flag, Prompt } from "effect/cli"
import { AppServer, AppServerClient, type ClientEvent } from "spindle-app-server"

const embedded = (offline: boolean) =>
  AppServer.client({
    clientName: "embed-example",
    clientVersion: "1.0.0",
    sessionSource: "cli",
    cliOverrides: offline ? [["model_provider", "offline"]] : []
  })

const isEnd = (event: ClientEvent.ClientEvent): boolean =>
  event._tag === "ServerNotification" && event.notification.method === "turn/completed"

const ask = Effect.fn(function* (prompt: string, yes: boolean) {
  const client = yield* AppServerClient.AppServerClient
  const { thread } = yield* client.request("thread/start", {})
  yield* client.request("turn/start", { threadId: thread.id, input: [{ type: "text", text: prompt }] })
  const show = Effect.fn(function* (event: ClientEvent.ClientEvent) {
    if (event._tag === "ServerRequest" && event.request.method === "item/commandExecution/requestApproval") {
      const { command } = event.request.params
      const allowed = yes || (yield* Prompt.Confirm({ message: `Run ${command}?` }))
      return yield* client.respond(event.request, { decision: allowed ? "accept" : "decline" })
    }
    if (event._tag !== "ServerNotification") return
    const { method, params } = event.notification
    if (method === "error" && !params.willRetry) {
      yield* Console.error(`error: ${params.error.additionalDetails ?? params.error.message}`)
    }
    if (method === "item/agentMessage/delta") process.stdout.write(params.delta)
    if (method === "item/completed" && params.item.type === "commandExecution") {
      yield* Console.log(`[${params.item.command} ended with ${params.item.exitCode}]`)
    }
  })
  yield* client.events.pipe(Stream.takeUntil(isEnd), Stream.runForEach(show))
  yield* Console.log()
})

const command = Command.make(
  "embed",
  {
    prompt: Argument.String("prompt"),
    yes: Flag.Boolean("yes").pipe(Flag.withDefault(false)),
    offline: Flag.Boolean("offline").pipe(Flag.withDefault(false))
  },
  ({ offline, prompt, yes }) => Effect.provide(ask(prompt, yes), embedded(offline))
)

Command.run(command, { version: "1.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
