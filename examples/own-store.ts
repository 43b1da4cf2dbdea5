/**
 * A store of the program's own: threads survive the process. `json-lines-store.ts` is the store.
 *
 *     node examples/own-store.ts ./threads "say: hello"      a new thread
 *     node examples/own-store.ts ./threads                   lists the threads that were stored
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Layer, Option } from "effect"
import { AppServer, AppServerClient, Offline } from "spindle-app-server"
import * as JsonLinesStore from "./json-lines-store.ts"

const program = Effect.fn(function* (prompt: Option.Option<string>) {
  const client = yield* AppServerClient.AppServerClient
  if (Option.isSome(prompt)) {
    const thread = yield* client.startThread({})
    yield* thread.run(prompt.value)
  }
  const { data } = yield* client.request("thread/list", {})
  yield* Effect.forEach(data, ({ preview }) => Console.log(`- ${preview}`))
})

const [folder = "./threads", prompt] = process.argv.slice(2)

program(Option.fromNullishOr(prompt)).pipe(
  Effect.provide(
    AppServer.client({
      clientName: "own-store-example",
      clientVersion: "1.0.0",
      store: JsonLinesStore.layer(folder).pipe(Layer.provide(NodeServices.layer)),
      model: Offline.layer
    })
  ),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
