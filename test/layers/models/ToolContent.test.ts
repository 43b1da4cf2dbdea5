import { assert, describe, it } from "@effect/vitest"
import * as LanguageModel from "effect/ai/LanguageModel"
import type * as Response from "effect/ai/Response"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as LanguageModelProvider from "../../../src/layers/models/LanguageModelProvider.ts"
import * as Offline from "../../../src/layers/models/Offline.ts"
import { bodyOf } from "../../../src/layers/models/responses/Body.ts"
import type { ResponseItem } from "../../../src/protocol/v2/item/ResponseItem.ts"
import type { ToolSpec } from "../../../src/services/tool/Tool.ts"
import { answerTo, request } from "./Scripted.ts"

const parameters = { type: "object", properties: {} }
const namespace = { name: "home", description: "The house" }
const plain: ToolSpec = { type: "function", name: "look", description: "plain", parameters, strict: false }
const inside: ToolSpec = { ...plain, description: "inside", namespace }
const other: ToolSpec = { ...plain, name: "listen", description: "other", namespace }
const tools = [inside, plain, other]

const user = (text: string): ResponseItem => ({
  type: "message",
  role: "user",
  content: [{ type: "input_text", text }]
})

const image = "data:image/png;base64,AAAA"

/** A call of a tool in a namespace, whose output has text, an image and a value; then one with only text. */
const conversation: ReadonlyArray<ResponseItem> = [
  user("go"),
  { type: "function_call", call_id: "c1", name: "look", namespace: "home", arguments: "{}" },
  { type: "function_call", call_id: "c2", name: "look", arguments: "{}" },
  {
    type: "function_call_output",
    call_id: "c1",
    output: [
      { type: "input_text", text: "seen" },
      { type: "input_image", image_url: image },
      { type: "input_text", text: '{"rooms":2}' }
    ]
  },
  { type: "function_call_output", call_id: "c2", output: "plain" }
]

const finish: Response.FinishPartEncoded = {
  type: "finish",
  reason: "tool-calls",
  usage: { inputTokens: { total: 1 }, outputTokens: { total: 1 } }
}

/** The prompt for a model of `effect/ai`, and the calls of its answer. */
const languageModel = (parts: ReadonlyArray<Response.StreamPartEncoded>) =>
  Effect.gen(function* () {
    const asked: Array<LanguageModel.ProviderOptions> = []
    const model = LanguageModel.make({
      generateText: () => Effect.die("not asked for"),
      streamText: (options) => {
        asked.push(options)
        return Stream.fromIterable([...parts, finish])
      }
    })
    const layer = Layer.provide(LanguageModelProvider.layer, Layer.effect(LanguageModel.LanguageModel, model))
    const { events } = yield* Effect.provide(answerTo({ ...request, input: conversation, tools }), layer)
    return { options: asked[0], items: events.flatMap((event) => (event._tag === "ItemDone" ? [event.item] : [])) }
  })

describe("tools with namespaces, and outputs that are more than text", () => {
  it("reach a Responses server: a group for each namespace, the parts unchanged", () => {
    const body = JSON.parse(bodyOf({ ...request, tools }, conversation))
    const offered = (name: string, description: string) => ({
      type: "function",
      name,
      description,
      strict: false,
      parameters
    })
    assert.deepStrictEqual(body.tools, [
      { type: "namespace", ...namespace, tools: [offered("look", "inside"), offered("listen", "other")] },
      offered("look", "plain")
    ])
    assert.deepStrictEqual(body.input, conversation)
  })

  it.effect("reach a model of effect/ai: by flat names, the images in a message after the results", () =>
    Effect.gen(function* () {
      const { items, options } = yield* languageModel([
        { type: "tool-call", id: "d1", name: "home__listen", params: {} },
        { type: "tool-call", id: "d2", name: "look", params: {} }
      ])
      assert.deepStrictEqual(
        options?.tools.map(({ name }) => name),
        ["home__look", "look", "home__listen"]
      )
      const messages = options?.prompt.content ?? []
      assert.deepStrictEqual(
        messages.map(({ role }) => role),
        ["user", "assistant", "tool", "user"]
      )
      const text = JSON.stringify(messages)
      assert.include(text, '"name":"home__look"')
      assert.include(text, "Images in the output of home__look:")
      const [, , results, images] = messages
      assert.include(JSON.stringify(results), 'seen\\n\\n{\\"rooms\\":2}')
      assert.notInclude(JSON.stringify(results), "AAAA")
      assert.include(JSON.stringify(images), '"mediaType":"image/png"')
      assert.deepStrictEqual<unknown>(items, [
        { type: "function_call", call_id: "d1", name: "listen", namespace: "home", arguments: "{}" },
        { type: "function_call", call_id: "d2", name: "look", arguments: "{}" }
      ])
    })
  )

  it.effect("reach the offline model, which reports the number of images", () =>
    Effect.gen(function* () {
      const ask = (input: ReadonlyArray<ResponseItem>, prompt: string) =>
        Effect.provide(answerTo({ ...request, input, tools, prompt }), Offline.layer)
      const called = yield* ask([user("home.look: {}")], "home.look: {}")
      const calls = called.events.flatMap((event) =>
        event._tag === "ItemDone" && event.item.type === "function_call"
          ? [[event.item.namespace, event.item.name]]
          : []
      )
      assert.deepStrictEqual(calls, [["home", "look"]])
      const { events } = yield* ask(conversation, "go")
      const text = JSON.stringify(events)
      assert.include(text, "home.look answered:")
      assert.include(text, "(1 image)")
    })
  )

  it.effect("do not make the offline model run its prompt again after a command of the user", () =>
    Effect.gen(function* () {
      const shell = user("<user_shell_command>\n<command>\nls\n</command>\n</user_shell_command>")
      const prompt = "look: {}"
      const input = [
        user(prompt),
        { type: "function_call", call_id: "c2", name: "look", arguments: "{}" } as const,
        { type: "function_call_output", call_id: "c2", output: "plain" } as const,
        shell
      ]
      const { events } = yield* Effect.provide(answerTo({ ...request, input, tools, prompt }), Offline.layer)
      assert.include(JSON.stringify(events), "look answered:")
      assert.notInclude(JSON.stringify(events), '"function_call"')
    })
  )
})
