import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Toolsets from "../../../src/layers/tools/Toolsets.ts"
import { text, type Tool } from "../../../src/services/tool/Tool.ts"
import { Toolset, ToolsUnavailable } from "../../../src/services/tool/Toolset.ts"
import { cwd, makeServer, nameOf } from "../../support/Server.ts"
import { makeThread, paramsOf } from "../../support/Threads.ts"

const toolNamed = (name: string, run: Tool["run"] = () => Effect.succeed(text(name))): Tool => ({
  spec: { type: "function", name, description: name, parameters: { type: "object" }, strict: false },
  run
})

const namesIn = (tools: ReadonlyArray<Tool["spec"]>) => tools.map(({ name }) => name)

describe("the tools of a thread", () => {
  it.effect("can be added and removed while it runs: each model request has the current ones", () =>
    Effect.gen(function* () {
      const connected = yield* Scope.make()
      const opened = yield* Deferred.make<void>()
      const late = Layer.succeed(Toolset, {
        open: ({ registry }) =>
          Effect.andThen(Deferred.await(opened), Scope.provide(registry.add([toolNamed("late")]), connected))
      })
      const tools = Toolsets.combine([Toolsets.make([toolNamed("early")]), late])
      const { client, model, start } = yield* makeThread({ tools })
      yield* start("go")
      const first = yield* model.next
      yield* Deferred.succeed(opened, undefined)
      yield* Effect.yieldNow
      yield* first.emit({
        _tag: "ItemDone",
        item: { type: "function_call", call_id: "c1", name: "early", arguments: "{}" }
      })
      yield* first.finish()
      const second = yield* model.next
      yield* Scope.close(connected, Exit.void)
      yield* second.emit({
        _tag: "ItemDone",
        item: { type: "function_call", call_id: "c2", name: "late", arguments: "{}" }
      })
      yield* second.finish()
      const third = yield* model.reply("done")
      yield* client.notified("turn/completed")
      assert.deepStrictEqual(
        [first, second, third].map(({ request }) => namesIn(request.tools)),
        [["early"], ["early", "late"], ["early"]]
      )
      assert.deepStrictEqual<unknown>(third.request.input.at(-1), {
        type: "function_call_output",
        call_id: "c2",
        output: "unsupported call: late"
      })
    })
  )

  it.effect("do not delay its start while they open", () =>
    Effect.gen(function* () {
      const { client, threadId, turn } = yield* makeThread({
        tools: Layer.succeed(Toolset, { open: () => Effect.never })
      })
      const { turn: ended } = yield* turn("hello", "hi")
      assert.strictEqual(ended.status, "completed")
      yield* client.request("thread/unsubscribe", { threadId })
    })
  )

  const broken = [
    ["fail", new ToolsUnavailable({ detail: "weather: no server" }), "tools are not available: weather: no server"],
    ["die", Effect.die("defect"), "tools are not available: internal error"]
  ] as const
  it.effect.each(broken)("are missing when they %s to open, and clients are warned", ([, open, message]) =>
    Effect.gen(function* () {
      const tools = Layer.succeed(Toolset, { open: () => open })
      const { connect, model } = yield* makeServer({ tools })
      const client = yield* connect()
      const { thread } = yield* client.request("thread/start", { cwd })
      const warning = yield* client.notified("warning")
      assert.deepStrictEqual(warning, { threadId: thread.id, message })
      yield* client.request("turn/start", { threadId: thread.id, input: [{ type: "text", text: "hello" }] })
      const { request } = yield* model.reply("hi")
      assert.deepStrictEqual(request.tools, [])
      assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "completed")
    })
  )

  it.effect("are items that clients see, in the release's form [79]", () =>
    Effect.gen(function* () {
      const namespace = { name: "home", description: "The house" }
      const image = "data:image/png;base64,AAAA"
      const tool: Tool = {
        spec: {
          type: "function",
          name: "look",
          namespace,
          description: "Looks",
          parameters: { type: "object" },
          strict: false
        },
        run: (_, turn) =>
          Effect.as(turn.progress("half way"), {
            content: [
              { type: "text", text: "seen" },
              { type: "image", url: image },
              { type: "structured", value: { rooms: 2 } }
            ],
            success: true
          })
      }
      const { client, model, start, threadId } = yield* makeThread({ tools: Toolsets.make([tool]) })
      yield* start("go")
      const first = yield* model.next
      yield* first.emit({
        _tag: "ItemDone",
        item: { type: "function_call", call_id: "c1", name: "look", namespace: "home", arguments: '{"at":1}' }
      })
      yield* first.finish()
      const last = yield* model.reply("done")
      const events = yield* client.until((event) => nameOf(event) === "turn/completed")
      const ofCall = events.filter((event) => JSON.stringify(paramsOf(event)).includes('"c1"'))
      const turnId = first.request.turnId
      const item = {
        type: "dynamicToolCall",
        id: "c1",
        namespace: "home",
        tool: "look",
        arguments: { at: 1 },
        status: "inProgress",
        contentItems: null,
        success: null,
        durationMs: null,
        startedAtMs: 0,
        completedAtMs: null
      }
      const contentItems = [
        { type: "inputText", text: "seen" },
        { type: "inputImage", imageUrl: image },
        { type: "inputText", text: '{"rooms":2}' }
      ]
      const done = { ...item, status: "completed", contentItems, success: true, durationMs: 0, completedAtMs: 0 }
      assert.deepStrictEqual(
        ofCall.map((event) => [nameOf(event), paramsOf(event)]),
        [
          ["item/started", { item, threadId, turnId, startedAtMs: 0 }],
          ["item/mcpToolCall/progress", { threadId, turnId, itemId: "c1", message: "half way" }],
          ["item/completed", { item: done, threadId, turnId, contentTokenCount: null, completedAtMs: 0 }]
        ]
      )
      assert.deepStrictEqual<unknown>(last.request.input.at(-1), {
        type: "function_call_output",
        call_id: "c1",
        output: [
          { type: "input_text", text: "seen" },
          { type: "input_image", image_url: image },
          { type: "input_text", text: '{"rooms":2}' }
        ]
      })
    })
  )
})
