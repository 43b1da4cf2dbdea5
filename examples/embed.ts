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
import { AppServer, AppServerClient } from "spindle-app-server"

const embedded = (offline: boolean) =>
  AppServer.client({
    clientName: "embed-example",
    clientVersion: "1.0.0",
    sessionSource: "cli",
    cliOverrides: offline ? [["model_provider", "offline"]] : []
  })

const ask = Effect.fn(function* (prompt: string, yes: boolean) {
  const client = yield* AppServerClient.AppServerClient
  yield* client.handle("item/commandExecution/requestApproval", ({ command }) =>
    Effect.gen(function* () {
      const allowed = yes || (yield* Prompt.Confirm({ message: `Run ${command}?` }))
      return { decision: allowed ? ("accept" as const) : ("decline" as const) }
    })
  )
  const thread = yield* client.startThread({})
  yield* thread.turn(prompt).pipe(
    Stream.runForEach((event) => {
      if (event._tag !== "ServerNotification") return Effect.void
      const { method, params } = event.notification
      if (method === "item/agentMessage/delta") return Effect.sync(() => void process.stdout.write(params.delta))
      return method === "item/completed" && params.item.type === "commandExecution"
        ? Console.log(`[${params.item.command} ended with ${params.item.exitCode}]`)
        : Effect.void
    })
  )
  yield* Console.log()
}, Effect.scoped)

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
