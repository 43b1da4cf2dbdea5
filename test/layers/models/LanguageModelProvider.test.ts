import { assert, describe, it } from "@effect/vitest"
import * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Model from "effect/ai/Model"
import type * as Response from "effect/ai/Response"
import * as Tool from "effect/ai/Tool"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as LanguageModelProvider from "../../../src/layers/models/LanguageModelProvider.ts"
import { ModelError, type ModelEvent, ModelProvider } from "../../../src/services/model/ModelProvider.ts"
import type { ToolSpec } from "../../../src/services/tool/Tool.ts"
import { answerTo, assistant, request } from "./Scripted.ts"

type Parts = Stream.Stream<Response.StreamPartEncoded, AiError.AiError>

const finish: Response.FinishPartEncoded = {
  type: "finish",
  reason: "stop",
  usage: { inputTokens: { total: 10, cacheRead: 4 }, outputTokens: { total: 6, reasoning: 2 } }
}

const completed: ModelEvent = {
  _tag: "Completed",
  usage: { inputTokens: 10, cachedInputTokens: 4, outputTokens: 6, reasoningOutputTokens: 2, totalTokens: 16 },
  endTurn: true
}

const text = (words: string): ReadonlyArray<Response.StreamPartEncoded> => [
  { type: "text-start", id: "0" },
  { type: "text-delta", id: "0", delta: words },
  { type: "text-end", id: "0" }
]

const exec: ToolSpec = {
  type: "function",
  name: "exec_command",
  description: "Runs a command.",
  parameters: { type: "object", properties: { cmd: { type: "string" } }, required: ["cmd"] },
  strict: false
}
const patch: ToolSpec = { type: "custom", name: "apply_patch", description: "Patches.", format: {} }

/** A stub that plays one stream for each request and records the requests. */
const run = (streams: ReadonlyArray<Parts>, asked: Partial<typeof request> = {}) =>
  Effect.gen(function* () {
    const options: Array<LanguageModel.ProviderOptions> = []
    const model = LanguageModel.make({
      generateText: () => Effect.die("not asked for"),
      streamText: (given) => {
        const parts = streams[Math.min(options.length, streams.length - 1)]
        options.push(given)
        return parts ?? Stream.die("the script is empty")
      }
    })
    const layer = Layer.provide(LanguageModelProvider.layer, Layer.effect(LanguageModel.LanguageModel, model))
    const fiber = yield* Effect.forkChild(Effect.provide(answerTo({ ...request, ...asked }), layer))
    yield* TestClock.adjust("1 hour")
    return { ...(yield* Fiber.join(fiber)), options }
  })

const failing = (reason: AiError.AiErrorReason): Parts =>
  Stream.fail(AiError.make({ module: "Stub", method: "streamText", reason }))

describe("LanguageModelProvider", () => {
  it.effect("uses the names of the model, whatever a thread requests", () =>
    Effect.gen(function* () {
      const stub = LanguageModel.make({ generateText: () => Effect.die("not asked"), streamText: () => Stream.empty })
      const model = Layer.effect(LanguageModel.LanguageModel, stub)
      const nameOf = (given: Layer.Layer<LanguageModel.LanguageModel>) =>
        ModelProvider.use(({ answersAs }) => Effect.succeed(answersAs?.("openai"))).pipe(
          Effect.provide(Layer.provide(LanguageModelProvider.layer, given))
        )
      assert.deepStrictEqual(
        [yield* nameOf(Model.make("stub", "stub-1", model)), yield* nameOf(model)],
        [
          { provider: "stub", model: "stub-1" },
          { provider: "language-model", model: "language-model" }
        ]
      )
    })
  )

  it.effect("streams text and thoughts", () =>
    Effect.gen(function* () {
      const { error, events } = yield* run([
        Stream.fromIterable<Response.StreamPartEncoded>([
          { type: "reasoning-start", id: "0" },
          { type: "reasoning-delta", id: "0", delta: "why" },
          { type: "reasoning-end", id: "0", metadata: { stub: { signature: "s" } } },
          { type: "text-start", id: "0" },
          { type: "text-delta", id: "0", delta: "Hel" },
          { type: "text-delta", id: "0", delta: "" },
          { type: "text-delta", id: "0", delta: "lo" },
          { type: "text-end", id: "0" },
          finish
        ])
      ])
      assert.strictEqual(error, null)
      assert.deepStrictEqual(events, [
        { _tag: "ItemStarted", itemId: "rs_turn-1_1", kind: "reasoning" },
        { _tag: "SummaryPartAdded", itemId: "rs_turn-1_1", summaryIndex: 0 },
        { _tag: "SummaryDelta", itemId: "rs_turn-1_1", summaryIndex: 0, delta: "why" },
        {
          _tag: "ItemDone",
          item: {
            type: "reasoning",
            id: "rs_turn-1_1",
            summary: [{ type: "summary_text", text: "why" }],
            encrypted_content: '{"effectAi":{"stub":{"signature":"s"}}}'
          }
        },
        { _tag: "ItemStarted", itemId: "msg_turn-1_2", kind: "message" },
        { _tag: "TextDelta", itemId: "msg_turn-1_2", delta: "Hel" },
        { _tag: "TextDelta", itemId: "msg_turn-1_2", delta: "lo" },
        { _tag: "ItemDone", item: assistant("msg_turn-1_2", "Hello") },
        completed
      ])
    })
  )

  it.effect("offers the tools and leaves their calls to the turn loop", () =>
    Effect.gen(function* () {
      const { error, events, options } = yield* run(
        [
          Stream.fromIterable<Response.StreamPartEncoded>([
            { type: "tool-call", id: "c1", name: "exec_command", params: { cmd: "ls" } },
            { type: "tool-call", id: "c2", name: "apply_patch", params: { input: "*** Begin Patch" } },
            { type: "tool-call", id: "c3", name: "no_such_tool", params: "{broken" },
            { ...finish, reason: "tool-calls" }
          ])
        ],
        { tools: [exec, patch] }
      )
      assert.strictEqual(error, null)
      assert.deepStrictEqual(
        options[0]?.tools.map((tool) => [tool.name, Tool.getDescription(tool), Tool.getJsonSchema(tool)]),
        [
          ["exec_command", "Runs a command.", exec.type === "function" ? exec.parameters : {}],
          [
            "apply_patch",
            "Patches.",
            {
              type: "object",
              properties: { input: { type: "string", description: "The raw input of the tool." } },
              required: ["input"],
              additionalProperties: false
            }
          ]
        ]
      )
      assert.deepStrictEqual(events, [
        {
          _tag: "ItemDone",
          item: { type: "function_call", call_id: "c1", name: "exec_command", arguments: '{"cmd":"ls"}' }
        },
        {
          _tag: "ItemDone",
          item: { type: "custom_tool_call", call_id: "c2", name: "apply_patch", input: "*** Begin Patch" }
        },
        {
          _tag: "ItemDone",
          item: { type: "function_call", call_id: "c3", name: "no_such_tool", arguments: "{broken" }
        },
        completed
      ])
    })
  )

  it.effect("translates the conversation to a prompt", () =>
    Effect.gen(function* () {
      const messageOf = (role: string, text: string) => ({
        type: "message" as const,
        role,
        content: [{ type: "input_text" as const, text }]
      })
      const { options } = yield* run([Stream.fromIterable([...text("fine"), finish])], {
        outputSchema: { type: "object" },
        input: [
          messageOf("developer", "Be good."),
          messageOf("user", "look"),
          {
            type: "message",
            role: "user",
            content: [{ type: "input_image", image_url: "data:image/png;base64,AAAA" }]
          },
          {
            type: "reasoning",
            summary: [{ type: "summary_text", text: "signed" }],
            encrypted_content: '{"effectAi":{"stub":{"signature":"s"}}}'
          },
          { type: "reasoning", summary: [{ type: "summary_text", text: "foreign" }], encrypted_content: "gAAA" },
          assistant("msg_1", "I will look."),
          { type: "function_call", call_id: "c1", name: "exec_command", arguments: '{"cmd":"ls"}' },
          { type: "custom_tool_call", call_id: "c2", name: "apply_patch", input: "p" },
          { type: "function_call_output", call_id: "c1", output: "files" },
          { type: "custom_tool_call_output", call_id: "c2", output: [{ type: "input_text", text: "done" }] },
          { type: "function_call_output", call_id: "lost", output: "whose?" },
          messageOf("developer", "Be quick.")
        ]
      })
      const prompt: unknown = JSON.parse(JSON.stringify(options[0]?.prompt.content))
      const call = (id: string, name: string, params: unknown) => ({
        type: "tool-call",
        id,
        name,
        params,
        providerExecuted: false,
        options: {}
      })
      const result = (id: string, name: string, result: unknown) => ({
        type: "tool-result",
        id,
        name,
        result,
        isFailure: false,
        providerExecuted: false,
        options: {}
      })
      const part = (text: string) => ({ type: "text", text, options: {} })
      const bare = (value: unknown): unknown =>
        JSON.parse(JSON.stringify(value, (key, member) => (key.startsWith("~") ? undefined : member)))
      assert.deepStrictEqual(bare(prompt), [
        { role: "system", content: "Be good.", options: {} },
        {
          role: "system",
          content: 'Your final message must be JSON that satisfies this schema, and nothing else:\n{"type":"object"}',
          options: {}
        },
        { role: "user", content: [part("look")], options: {} },
        {
          role: "user",
          content: [{ type: "file", mediaType: "image/png", data: "AAAA", options: {} }],
          options: {}
        },
        {
          role: "assistant",
          content: [
            { type: "reasoning", text: "signed", options: { stub: { signature: "s" } } },
            part("I will look."),
            call("c1", "exec_command", { cmd: "ls" }),
            call("c2", "apply_patch", { input: "p" })
          ],
          options: {}
        },
        {
          role: "tool",
          content: [result("c1", "exec_command", "files"), result("c2", "apply_patch", "done")],
          options: {}
        },
        { role: "user", content: [part("Be quick.")], options: {} }
      ])
    })
  )

  it.effect("fails like the release when the answer is incomplete", () =>
    Effect.gen(function* () {
      const reason = (reason: Response.FinishReason) =>
        Effect.map(
          run([Stream.make<[Response.StreamPartEncoded]>({ ...finish, reason })]),
          ({ error }) => error?.message
        )
      assert.strictEqual(yield* reason("length"), "Incomplete response returned, reason: max_output_tokens")
      assert.strictEqual(yield* reason("content-filter"), "Incomplete response returned, reason: content_filter")
      const { error } = yield* run([
        Stream.make<[Response.StreamPartEncoded]>({ type: "error", error: new Error("no") })
      ])
      assert.deepStrictEqual(error, new ModelError({ message: "no", info: "other" }))
    })
  )

  it.effect("asks for another request when the model pauses", () =>
    Effect.gen(function* () {
      const { events } = yield* run([Stream.make<[Response.StreamPartEncoded]>({ ...finish, reason: "pause" })])
      assert.deepStrictEqual(events, [{ ...completed, endTurn: false }])
    })
  )

  it.effect("announces a retry after a transient error, and respects its delay", () =>
    Effect.gen(function* () {
      const limited = failing(new AiError.RateLimitError({ retryAfter: Duration.seconds(2) }))
      const { error, events, options } = yield* run([limited, Stream.fromIterable([...text("fine"), finish])])
      assert.strictEqual(error, null)
      assert.strictEqual(options.length, 2)
      assert.deepStrictEqual(events[0], {
        _tag: "Retrying",
        error: new ModelError({
          message: "Reconnecting... 1/5",
          info: { responseStreamDisconnected: { httpStatusCode: null } }
        }),
        details: "Rate limit exceeded. Retry after 2s"
      })
      assert.deepStrictEqual(events.at(-1), completed)
    })
  )

  it.effect("fails at once on a permanent error", () =>
    Effect.gen(function* () {
      const { error, options } = yield* run([failing(new AiError.QuotaExhaustedError({}))])
      assert.strictEqual(error?.info, "usageLimitExceeded")
      assert.strictEqual(options.length, 1)
    })
  )

  it.effect("treats a stream without an end as broken", () =>
    Effect.gen(function* () {
      const { error, options } = yield* run([Stream.fromIterable(text("half"))])
      assert.strictEqual(error?.message, "stream disconnected before completion: no finish")
      assert.strictEqual(options.length, 6)
    })
  )

  describe("a value that is nested too deeply", () => {
    const deep = (levels: number): Array<unknown> => {
      let value: Array<unknown> = []
      for (let level = 1; level < levels; level++) value = [value]
      return value
    }
    const call = (levels: number): Response.StreamPartEncoded => ({
      type: "tool-call",
      id: "c",
      name: "exec_command",
      params: { cmd: deep(levels) },
      providerExecuted: false
    })
    const calling = (levels: number) =>
      run([Stream.make<[Response.StreamPartEncoded, Response.StreamPartEncoded]>(call(levels), finish)], {
        tools: [exec]
      })

    it.effect("fails the answer when it is the arguments of a call", () =>
      Effect.gen(function* () {
        const message = "the arguments of a call are nested deeper than 127 levels"
        for (const levels of [127, 3000]) {
          const { error, events } = yield* calling(levels)
          assert.deepStrictEqual([error, events], [new ModelError({ message, info: "other" }), []])
        }
        assert.strictEqual((yield* calling(126)).error, null)
      })
    )

    it.effect("fails the answer when it is the schema of the output", () =>
      Effect.gen(function* () {
        const { error } = yield* run([Stream.make<[Response.StreamPartEncoded]>(finish)], {
          outputSchema: deep(50_000)
        })
        assert.deepStrictEqual(
          error,
          new ModelError({ message: "the conversation cannot be written for the model", info: "other" })
        )
      })
    )

    it.effect("is left as text when another model wrote it", () =>
      Effect.gen(function* () {
        const nested = `${"[".repeat(50_000)}${"]".repeat(50_000)}`
        const { error } = yield* run([Stream.make<[Response.StreamPartEncoded]>(finish)], {
          input: [
            { type: "function_call", call_id: "c", name: "exec_command", arguments: nested },
            { type: "reasoning", summary: [], encrypted_content: `{"effectAi":${nested}}` }
          ]
        })
        assert.strictEqual(error, null)
      })
    )
  })
})
