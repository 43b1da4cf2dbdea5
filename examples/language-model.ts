/**
 * Uses a model of `effect/ai` as the server's model. This one is a stub that repeats its prompt; replace it with the
 * `LanguageModel` layer of a provider's package.
 *
 *     node examples/language-model.ts "two and two"
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Layer, Stream } from "effect"
import { LanguageModel, type Prompt } from "effect/ai"
import { AppServer, AppServerClient } from "spindle-app-server"
import * as LanguageModelProvider from "spindle-app-server/LanguageModelProvider"

/** The user's last message. */
const said = (prompt: Prompt.Prompt): string => {
  const parts = prompt.content.findLast((message) => message.role === "user")?.content ?? []
  return parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join(" ")
}

const echo = LanguageModel.make({
  generateText: () => Effect.die("Spindle streams"),
  streamText: ({ prompt }) =>
    Stream.make(
      { type: "text-start", id: "0" },
      { type: "text-delta", id: "0", delta: "A model of effect/ai received: " },
      { type: "text-delta", id: "0", delta: said(prompt) },
      { type: "text-end", id: "0" },
      { type: "finish", reason: "stop", usage: { inputTokens: { total: 12 }, outputTokens: { total: 9 } } }
    )
})

const model = LanguageModelProvider.layer.pipe(Layer.provide(Layer.effect(LanguageModel.LanguageModel, echo)))

const program = Effect.gen(function* () {
  const client = yield* AppServerClient.AppServerClient
  const thread = yield* client.startThread({})
  const { text } = yield* thread.run(process.argv[2] ?? "two and two")
  yield* Console.log(text)
})

program.pipe(
  Effect.provide(AppServer.client({ clientName: "language-model-example", clientVersion: "1.0.0", model })),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
