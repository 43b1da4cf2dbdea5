/**
 * Adapts a language model of `effect/ai` to the model port.
 *
 * Owns the translation in both directions: the conversation into a prompt, the streamed parts into events. The thread's tools
 * are offered as dynamic tools, and the model's calls return to the turn loop, which runs them with approvals. The given
 * `LanguageModel` decides the model, its effort and the length of its answers: a request's `model`, `effort` and `summary`
 * have no effect here. Clients see the names given to `Model.make` of `effect/ai`.
 *
 * Only this module and those in `languageModel/` load `effect/ai`.
 *
 * @example
 * ```ts
 * import * as LanguageModel from "effect/ai/LanguageModel"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Stream from "effect/Stream"
 * import { AppServer } from "spindle-app-server"
 * import * as LanguageModelProvider from "spindle-app-server/LanguageModelProvider"
 *
 * // In a program, this is the layer of a provider's package.
 * const languageModel = Layer.effect(
 *   LanguageModel.LanguageModel,
 *   LanguageModel.make({
 *     generateText: () => Effect.succeed([]),
 *     streamText: () => Stream.empty
 *   })
 * )
 *
 * const server = AppServer.client({
 *   clientName: "my-cli",
 *   clientVersion: "1.0.0",
 *   model: Layer.provide(LanguageModelProvider.layer, languageModel)
 * })
 * ```
 *
 * @module spindle-app-server/LanguageModelProvider
 */
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Model from "effect/ai/Model"
import type * as Prompt from "effect/ai/Prompt"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import type { ResponseItem } from "../../protocol/v2/item/ResponseItem.ts"
import { type ModelEvent, ModelProvider, type ModelRequest } from "../../services/model/ModelProvider.ts"
import { NetworkPatience } from "../../services/model/NetworkPatience.ts"
import { attempts } from "./attempts/Attempts.ts"
import { failure, type Failure } from "./attempts/Failure.ts"
import { ofAiError } from "./languageModel/Errors.ts"
import { Translator } from "./languageModel/Parts.ts"
import { promptOf } from "./languageModel/Prompts.ts"
import { toolkitOf } from "./languageModel/Tools.ts"

/** Maximum number of retries, as for a Responses server. */
const MaxRetries = 5

/** The name of provider and model for a `LanguageModel` made without `Model.make`. */
const unnamed = "language-model"

/** Puts the schema of the answer into an instruction, because not every model can enforce one while it streams and calls tools. */
const schemaNote = (schema: unknown): ResponseItem => {
  const text = `Your final message must be JSON that satisfies this schema, and nothing else:\n${JSON.stringify(schema)}`
  return { type: "message", role: "developer", content: [{ type: "input_text", text }] }
}

/** Adds a note to the instructions at the start of a conversation. */
const instructed = (input: ReadonlyArray<ResponseItem>, note: ResponseItem): ReadonlyArray<ResponseItem> => {
  const end = input.findIndex((item) => item.type !== "message" || item.role === "user" || item.role === "assistant")
  const at = end === -1 ? input.length : end
  return [...input.slice(0, at), note, ...input.slice(at)]
}

const prompt = (request: ModelRequest, input: ReadonlyArray<ResponseItem>): Prompt.Prompt =>
  request.outputSchema === null || request.outputSchema === undefined
    ? promptOf(input)
    : promptOf(instructed(input, schemaNote(request.outputSchema)))

const answer = (
  model: LanguageModel.LanguageModel,
  request: ModelRequest,
  input: ReadonlyArray<ResponseItem>,
  done: Array<ResponseItem>
): Stream.Stream<ModelEvent, Failure> => {
  const prompted = Effect.try({
    try: () => prompt(request, input),
    catch: () => failure("the conversation cannot be written for the model", "other")
  })
  const streamed = (prompt: Prompt.Prompt) =>
    model.streamText({
      prompt,
      toolkit: toolkitOf(request.tools),
      disableToolCallResolution: true,
      toolCallValidation: "deferred"
    })
  const parts = Stream.unwrap(Effect.map(prompted, (prompt) => Stream.mapError(streamed(prompt), ofAiError)))
  return Stream.transformPull(parts, (pull) => {
    const newId = (prefix: string, index: number) => `${prefix}_${request.turnId}_${input.length + index}`
    const translator = new Translator(request.tools, newId, done)
    let end: Failure | undefined
    let over = false

    const finish = Effect.suspend(() => {
      const out: Array<ModelEvent> = []
      const last = translator.finish(out)
      over = true
      if (last === undefined)
        end = failure("stream disconnected before completion: no finish", "other", { retry: "stream" })
      else if ("_tag" in last) out.push(last)
      else end = last
      return Arr.isArrayNonEmpty(out) ? Effect.succeed(out) : step
    })

    const step: Pull.Pull<Arr.NonEmptyReadonlyArray<ModelEvent>, Failure> = Effect.suspend(() => {
      if (end !== undefined) return Effect.fail(end)
      if (over) return Cause.done()
      return pull.pipe(
        Effect.flatMap((parts) => {
          const out: Array<ModelEvent> = []
          for (const part of parts) translator.take(part, out)
          return Arr.isArrayNonEmpty(out) ? Effect.succeed(out) : step
        }),
        Pull.catchDone(() => finish)
      )
    })
    return Effect.succeed(step)
  })
}

/** The model port over the `LanguageModel` in the context. */
export const make: Effect.Effect<ModelProvider["Service"], never, LanguageModel.LanguageModel> = Effect.gen(
  function* () {
    const model = yield* LanguageModel.LanguageModel
    const patience = Duration.toSeconds(yield* NetworkPatience)
    const provider = yield* Effect.serviceOption(Model.ProviderName)
    const name = yield* Effect.serviceOption(Model.ModelName)
    const answersAs = {
      provider: Option.getOrElse(provider, () => unnamed),
      model: Option.getOrElse(name, () => unnamed)
    }
    return ModelProvider.of({
      stream: (request) =>
        attempts(request.input, { times: MaxRetries, patience }, (input, done) => answer(model, request, input, done)),
      answersAs: () => answersAs
    })
  }
)

/** Answers every thread with the `LanguageModel` in the context. */
export const layer: Layer.Layer<ModelProvider, never, LanguageModel.LanguageModel> = Layer.effect(ModelProvider, make)
