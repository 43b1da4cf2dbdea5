/**
 * A model of the program's own: it counts the words of the user's message. A model streams one response per request, as
 * events, and fails with `ModelError`.
 *
 *     node examples/own-model.ts "one two three"
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Layer, Stream } from "effect"
import { AppServer, AppServerClient, ModelProvider } from "spindle-app-server"

const message = (id: string, text: string): ModelProvider.ModelEvent => ({
  _tag: "ItemDone",
  item: { type: "message", role: "assistant", id, content: [{ type: "output_text", text }] }
})

/** The events of one response: the pieces of the message, the whole message, and the end. */
const answer = (
  request: ModelProvider.ModelRequest
): Stream.Stream<ModelProvider.ModelEvent, ModelProvider.ModelError> => {
  const words = request.prompt?.split(/\s+/).filter((word) => word !== "") ?? []
  if (words.length === 0) {
    return Stream.fail(new ModelProvider.ModelError({ message: "there is no word to count", info: "badRequest" }))
  }
  // Ids of items are unique in a thread.
  const itemId = `msg_${request.turnId}_${request.input.length}`
  const pieces = ["You wrote ", String(words.length), " words."]
  return Stream.fromIterable<ModelProvider.ModelEvent>([
    { _tag: "ItemStarted", itemId, kind: "message" },
    ...pieces.map((delta) => ({ _tag: "TextDelta", itemId, delta }) as const),
    message(itemId, pieces.join("")),
    { _tag: "Completed", usage: null, endTurn: true }
  ])
}

const model = Layer.succeed(ModelProvider.ModelProvider, {
  stream: answer,
  // Threads and lists show this name, whatever model they select.
  answersAs: () => ({ provider: "example", model: "word-counter" })
})

const program = Effect.gen(function* () {
  const client = yield* AppServerClient.AppServerClient
  const thread = yield* client.startThread({})
  yield* Console.log(`The model is ${thread.opened.model}.`)
  yield* thread.turn(process.argv[2] ?? "one two three").pipe(
    Stream.runForEach((event) => {
      if (event._tag !== "ServerNotification") return Effect.void
      const { method, params } = event.notification
      return method === "item/agentMessage/delta"
        ? Effect.sync(() => void process.stdout.write(params.delta))
        : Effect.void
    }),
    // The model's error ends the turn, and its stream.
    Effect.catchTag("TurnFailed", (error) => Console.error(error.message))
  )
  yield* Console.log()
})

program.pipe(
  Effect.provide(AppServer.client({ clientName: "own-model-example", clientVersion: "1.0.0", model })),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
