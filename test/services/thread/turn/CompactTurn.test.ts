import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { ParamsInputOf } from "../../../../src/protocol/Methods.ts"
import type { ResponseItem } from "../../../../src/protocol/v2/item/ResponseItem.ts"
import { ModelError, type ModelEvent, type ModelRequest } from "../../../../src/services/model/ModelProvider.ts"
import { RequestError } from "../../../../src/services/routing/RequestError.ts"
import { cwd, makeServer, nameOf, userInput } from "../../../support/Server.ts"
import { delta, done, type ModelCall, started } from "../../../support/ScriptedModel.ts"

const textOf = (item: ResponseItem | undefined): string =>
  item?.type === "message"
    ? item.content.map((part) => (part.type === "input_text" || part.type === "output_text" ? part.text : "")).join("")
    : ""

/** The texts of a request without the base instructions and the context. */
const said = ({ input }: ModelRequest): ReadonlyArray<string> =>
  input.slice(1).flatMap((item) => {
    const text = textOf(item)
    return text === "" || /^(<permissions|<environment|# AGENTS)/.test(text) ? [] : [text]
  })

const asksForSummary = (request: ModelRequest): boolean => textOf(request.input.at(-1)).startsWith("Write a summary")

const used = (totalTokens: number): ModelEvent => ({
  _tag: "Completed",
  usage: { inputTokens: totalTokens, cachedInputTokens: 0, outputTokens: 0, reasoningOutputTokens: 0, totalTokens },
  endTurn: true
})

const tooLong = new ModelError({ message: "too long", info: "contextWindowExceeded" })

const make = Effect.fnUntraced(function* (config: NonNullable<ParamsInputOf<"thread/start">["config"]> = {}) {
  const server = yield* makeServer({ ownTools: true })
  const client = yield* server.connect({ capabilities: { experimentalApi: true } })
  const { thread } = yield* client.request("thread/start", { cwd, config })
  const threadId = thread.id
  const start = (text: string) => client.request("turn/start", { threadId, input: userInput(text) })
  /** Answers with a message and this usage. */
  const answer = (call: ModelCall, text: string, tokens: number) =>
    Effect.andThen(call.emit(started("m"), delta("m", text), done("m", text), used(tokens)), call.finish())
  const turn = Effect.fnUntraced(function* (text: string, tokens = 5) {
    yield* start(text)
    const call = yield* server.model.next
    yield* answer(call, `re: ${text}`, tokens)
    return yield* client.notified("turn/completed")
  })
  const compact = client.request("thread/compact/start", { threadId })
  return { ...server, client, threadId, start, answer, turn, compact }
})

const compaction = ["item/started", "thread/tokenUsage/updated", "thread/tokenUsage/updated", "item/completed"]

describe("a compaction", () => {
  it.effect("is a turn that replaces the conversation by a summary", () =>
    Effect.gen(function* () {
      const { client, compact, model, start, turn } = yield* make()
      yield* turn("one")
      yield* compact
      const { request } = yield* model.reply("SUMMARY")
      assert.isTrue(asksForSummary(request))
      assert.deepStrictEqual(
        [request.tools, request.parallelToolCalls, said(request).slice(0, 2)],
        [[], false, ["one", "re: one"]]
      )
      const names = (yield* client.names("turn/completed")).filter((name) => name !== "thread/status/changed")
      assert.deepStrictEqual(names, ["turn/started", ...compaction, "turn/completed"])
      yield* start("two")
      const next = said((yield* model.reply("ok")).request)
      assert.strictEqual(next[0], "one")
      assert.isTrue(next[1]?.endsWith("\nSUMMARY"), next[1])
      assert.deepStrictEqual(next.slice(2), ["two"])
    })
  )

  it.effect("works in a thread without a conversation", () =>
    Effect.gen(function* () {
      const { client, compact, model } = yield* make()
      yield* compact
      assert.isTrue(asksForSummary((yield* model.reply("NOTHING")).request))
      assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "completed")
    })
  )

  it.effect("takes no input while it runs", () =>
    Effect.gen(function* () {
      const { client, compact, model, start, threadId } = yield* make()
      yield* compact
      const call = yield* model.next
      const { turn } = yield* client.notified("turn/started")
      const data = {
        message: "cannot steer a compact turn",
        codexErrorInfo: { activeTurnNotSteerable: { turnKind: "compact" } },
        additionalDetails: null,
        misalignment: null
      }
      const steering = client.request("turn/steer", { threadId, input: userInput("x"), expectedTurnId: turn.id })
      assert.deepStrictEqual(
        yield* Effect.flip(steering),
        new RequestError({ code: -32600, message: data.message, data })
      )
      const refused = yield* Effect.flip(start("x"))
      assert.include(refused.message, "ActiveTurnNotSteerable { turn_kind: Compact }")
      yield* call.finish("S")
      yield* client.notified("turn/completed")
    })
  )

  it.effect("interrupts the turn that runs, after its answer", () =>
    Effect.gen(function* () {
      const { client, compact, model, start } = yield* make()
      yield* start("work")
      const work = yield* model.next
      yield* compact
      yield* work.closed
      assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "interrupted")
      yield* model.reply("S")
      assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "completed")
    })
  )

  it.effect("that fails or is interrupted leaves the conversation as it was", () =>
    Effect.gen(function* () {
      const { client, compact, model, start, threadId, turn } = yield* make()
      yield* turn("one")
      yield* compact
      yield* (yield* model.next).fail(new ModelError({ message: "no", info: "other" }))
      const failed = yield* client.notified("turn/completed")
      assert.deepStrictEqual([failed.turn.status, failed.turn.error?.message], ["failed", "no"])
      yield* compact
      const pending = yield* model.next
      yield* client.request("turn/interrupt", { threadId, turnId: "" })
      yield* pending.closed
      assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "interrupted")
      yield* start("two")
      const texts = said((yield* model.reply("ok")).request)
      assert.deepStrictEqual([texts.slice(0, 2), texts.at(-1)], [["one", "re: one"], "two"])
    })
  )

  it.effect("leaves out the oldest entries when the request for the summary is too long", () =>
    Effect.gen(function* () {
      const { client, compact, model, turn } = yield* make({
        include_environment_context: false,
        include_permissions_instructions: false
      })
      yield* turn("one")
      yield* compact
      yield* (yield* model.next).fail(tooLong)
      const { request } = yield* model.reply("S")
      assert.deepStrictEqual(said(request).slice(0, -1), ["re: one"])
      assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "completed")
    })
  )

  it.effect("ends when nothing is left that could be left out", () =>
    Effect.gen(function* () {
      const { client, compact, model } = yield* make()
      yield* compact
      yield* (yield* model.next).fail(tooLong)
      assert.deepStrictEqual(
        (yield* client.notified("turn/completed")).turn.error?.codexErrorInfo,
        "contextWindowExceeded"
      )
    })
  )

  it.effect("uses the configured request", () =>
    Effect.gen(function* () {
      const { compact, model } = yield* make({ compact_prompt: "Sum up." })
      yield* compact
      assert.strictEqual(textOf((yield* model.reply("S")).request.input.at(-1)), "Sum up.")
    })
  )
})

describe("a conversation at its limit", () => {
  const limit = { model_auto_compact_token_limit: 1000 }

  it.effect("is compacted in front of the next message", () =>
    Effect.gen(function* () {
      const { answer, client, model, start, turn } = yield* make(limit)
      yield* turn("one", 1000)
      yield* start("two")
      const first = yield* model.next
      assert.isTrue(asksForSummary(first.request))
      assert.notInclude(said(first.request), "two")
      yield* answer(first, "SUMMARY", 5)
      const second = yield* model.reply("done")
      assert.strictEqual(said(second.request).at(-1), "two")
      const items = (yield* client.until((event) => nameOf(event) === "turn/completed")).flatMap((event) =>
        event._tag === "ServerNotification" && event.notification.method === "item/started"
          ? [event.notification.params.item.type]
          : []
      )
      assert.deepStrictEqual(items, ["contextCompaction", "userMessage", "agentMessage"])
    })
  )

  it.effect("is not compacted below it", () =>
    Effect.gen(function* () {
      const { model, start, turn } = yield* make(limit)
      yield* turn("one", 999)
      yield* start("two")
      assert.isFalse(asksForSummary((yield* model.reply("ok")).request))
    })
  )

  it.effect("is compacted between the steps of a turn", () =>
    Effect.gen(function* () {
      const { answer, client, model, start } = yield* make(limit)
      yield* start("work")
      const first = yield* model.next
      const call = { type: "function_call" as const, call_id: "c", name: "nothing", arguments: "{}" }
      yield* first.emit({ _tag: "ItemDone", item: call }, used(2000))
      yield* first.finish()
      const second = yield* model.next
      assert.isTrue(asksForSummary(second.request))
      yield* answer(second, "SUMMARY", 5)
      const third = yield* model.reply("done")
      const texts = said(third.request)
      assert.strictEqual(texts[0], "work")
      assert.isTrue(texts[1]?.endsWith("\nSUMMARY"))
      assert.isFalse(third.request.input.some(({ type }) => type === "function_call"))
      yield* client.notified("turn/completed")
    })
  )

  it.effect("keeps the message of a turn whose compaction fails", () =>
    Effect.gen(function* () {
      const { client, model, start, turn } = yield* make(limit)
      yield* turn("one", 2000)
      yield* start("two")
      yield* (yield* model.next).fail(new ModelError({ message: "no", info: "other" }))
      assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "failed")
      yield* start("three")
      const { request } = yield* model.reply("S")
      assert.include(said(request), "two")
    })
  )

  it.effect("records input that was added while it was compacted behind the message", () =>
    Effect.gen(function* () {
      const { answer, client, model, start, threadId, turn } = yield* make(limit)
      yield* turn("one", 2000)
      const { turn: running } = yield* start("two")
      const first = yield* model.next
      yield* client.request("turn/steer", { threadId, input: userInput("and"), expectedTurnId: running.id })
      yield* answer(first, "S", 5)
      assert.deepStrictEqual(said((yield* model.reply("ok")).request).slice(-2), ["two", "and"])
    })
  )

  it.effect("that cannot get below it is compacted once in a turn", () =>
    Effect.gen(function* () {
      const { answer, model, start, turn } = yield* make({ model_auto_compact_token_limit: 1 })
      yield* turn("one", 5)
      yield* start("two")
      const first = yield* model.next
      assert.isTrue(asksForSummary(first.request))
      yield* answer(first, "S", 5)
      const second = yield* model.next
      assert.isFalse(asksForSummary(second.request))
      const call = { type: "function_call" as const, call_id: "c", name: "nothing", arguments: "{}" }
      yield* second.emit({ _tag: "ItemDone", item: call }, used(5))
      yield* second.finish()
      assert.isFalse(asksForSummary((yield* model.reply("ok")).request))
    })
  )

  it.effect("is that of a model whose window was exceeded", () =>
    Effect.gen(function* () {
      const { client, model, start } = yield* make()
      yield* start("one")
      yield* (yield* model.next).fail(tooLong)
      yield* client.notified("turn/completed")
      yield* start("two")
      assert.isTrue(asksForSummary((yield* model.reply("S")).request))
    })
  )
})
