import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import * as NodePath from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as NodeSmallFiles from "../../../src/layers/files/NodeSmallFiles.ts"
import * as RequestUserInput from "../../../src/layers/tools/turn/RequestUserInput.ts"
import * as UpdatePlan from "../../../src/layers/tools/turn/UpdatePlan.ts"
import * as ViewImage from "../../../src/layers/tools/turn/ViewImage.ts"
import type { ParamsInputOf } from "../../../src/protocol/Methods.ts"
import { SmallFiles } from "../../../src/services/config/SmallFiles.ts"
import { AskFailed, failure, text, type ToolTurn } from "../../../src/services/tool/Tool.ts"
import { cwd, makeServer, nameOf, userInput } from "../../support/Server.ts"
import * as TestTurn from "./TestTurn.ts"

const call = (name: string, input: unknown) => ({
  callId: "c1",
  name,
  namespace: null,
  input: typeof input === "string" ? input : JSON.stringify(input)
})

const parse = "failed to parse function arguments: "

describe("update_plan", () => {
  const plan = [
    { step: "a", status: "completed" },
    { step: "b", status: "in_progress" }
  ]

  it.effect("publishes the plan and has no item", () =>
    Effect.gen(function* () {
      const turn = TestTurn.make()
      assert.deepStrictEqual(yield* UpdatePlan.run(call("update_plan", { plan }), turn), text("Plan updated"))
      const params = {
        threadId: "thread-1",
        turnId: "turn-1",
        explanation: null,
        plan: [
          { step: "a", status: "completed" },
          { step: "b", status: "inProgress" }
        ]
      }
      assert.deepStrictEqual(turn.published, [{ type: "notified", method: "turn/plan/updated", params }])
    })
  )

  it.effect.each<readonly [mode: ToolTurn["mode"], input: unknown, output: string]>([
    ["plan", { plan }, "update_plan is a TODO/checklist tool and is not allowed in Plan mode"],
    ["default", {}, `${parse}missing field \`plan\``],
    [
      "default",
      { plan: [{ step: "a", status: "x" }] },
      `${parse}unknown variant \`x\`, expected one of \`pending\`, \`in_progress\`, \`completed\``
    ],
    ["default", { plan: [{ step: 1 }] }, `${parse}invalid type: integer \`1\`, expected a string`],
    ["default", "[".repeat(300), `${parse}nested deeper than 127 levels`]
  ])("refuses in %s mode: %j", ([mode, input, output]) =>
    Effect.gen(function* () {
      const turn = TestTurn.make({ mode })
      assert.deepStrictEqual(yield* UpdatePlan.run(call("update_plan", input), turn), failure(output))
      assert.deepStrictEqual(turn.published, [])
    })
  )
})

describe("request_user_input", () => {
  const question = { id: "q1", header: "Pick", question: "Which?", options: [{ label: "A", description: "first" }] }
  const asking = (answer: Effect.Effect<unknown, AskFailed>, asked: Array<unknown> = []) =>
    TestTurn.make({
      mode: "plan",
      // The answer has the form that the case wants.
      ask: (method, params) =>
        Effect.andThen(
          Effect.sync(() => asked.push([method, params])),
          answer
        ) as never
    })
  const run = (turn: ToolTurn, input: unknown) => RequestUserInput.run(call("request_user_input", input), turn)

  it.effect("asks the client, with a free answer to every question", () =>
    Effect.gen(function* () {
      const asked: Array<unknown> = []
      const answers = { q1: { answers: ["A"] } }
      const turn = asking(Effect.succeed({ answers }), asked)
      const output = yield* run(turn, { questions: [{ ...question, isSecret: true }] })
      assert.deepStrictEqual(output, text(JSON.stringify({ answers })))
      assert.deepStrictEqual(asked, [
        [
          "item/tool/requestUserInput",
          {
            itemId: "c1",
            questions: [{ ...question, isOther: true, isSecret: true }],
            isBlocking: true,
            autoResolutionMs: null
          }
        ]
      ])
      assert.deepStrictEqual(turn.published, [])
    })
  )

  it.effect.each(["error", "malformed", "overloaded"] as const)("goes on without an answer: %s", (reason) =>
    Effect.gen(function* () {
      const turn = asking(Effect.fail(new AskFailed({ method: "item/tool/requestUserInput", reason })))
      assert.deepStrictEqual(yield* run(turn, { questions: [question] }), text(`{"answers":{}}`))
    })
  )

  it.effect.each<readonly [mode: ToolTurn["mode"], input: unknown, output: string]>([
    ["default", "{", "request_user_input is unavailable in Default mode"],
    ["plan", {}, `${parse}missing field \`questions\``],
    [
      "plan",
      { questions: [{ ...question, options: [] }] },
      "request_user_input requires non-empty options for every question"
    ]
  ])("refuses in %s mode: %j", ([mode, input, output]) =>
    Effect.gen(function* () {
      const turn = TestTurn.make({ mode, ask: () => Effect.die("nobody is asked") })
      assert.deepStrictEqual(yield* run(turn, input), failure(output))
    })
  )
})

const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64"
)

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(NodePath.join(tmpdir(), "spindle-images-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
)

describe("view_image", () => {
  const viewed = Effect.fnUntraced(
    function* (path: string, options: Parameters<typeof TestTurn.make>[0] = {}) {
      const turn = TestTurn.make(options)
      const run = ViewImage.runWith(yield* SmallFiles)
      return { output: yield* run(call("view_image", { path }), turn), published: turn.published }
    },
    (effect) => Effect.provide(effect, NodeSmallFiles.layer)
  )

  it.effect("shows a file to the model, and its path to the clients", () =>
    Effect.gen(function* () {
      const home = yield* folder
      const path = NodePath.join(home, "a.png")
      Fs.writeFileSync(path, png)
      const item = { type: "imageView" as const, id: "c1", path, startedAtMs: null, completedAtMs: null }
      const url = `data:image/png;base64,${png.toString("base64")}`
      assert.deepStrictEqual(yield* viewed("a.png", { cwd: home }), {
        output: { content: [{ type: "image", url, detail: "original" }], success: true },
        published: [
          { type: "started", turnId: "turn-1", item },
          { type: "completed", turnId: "turn-1", item }
        ]
      })
    })
  )

  it.effect("does not show what is no image, or no regular file", () =>
    Effect.gen(function* () {
      const home = yield* folder
      const at = (name: string) => NodePath.join(home, name)
      Fs.writeFileSync(at("text.png"), "not an image")
      Fs.writeFileSync(at("empty.png"), "")
      Fs.mkdirSync(at("folder"))
      const huge = Fs.openSync(at("huge.png"), "w")
      Fs.writeSync(huge, png)
      Fs.ftruncateSync(huge, 20 * 1024 * 1024 + 1)
      Fs.closeSync(huge)
      const notImage = "unable to process image: invalid or unsupported image data"
      const cases: ReadonlyArray<readonly [path: string, output: string]> = [
        ["text.png", notImage],
        ["empty.png", notImage],
        ["no.png", `unable to locate image at \`${at("no.png")}\`: No such file or directory (os error 2)`],
        ["folder", `image path \`${at("folder")}\` is not a file`],
        ["/dev/zero", "image path `/dev/zero` is not a file"],
        ["huge.png", `unable to read image at \`${at("huge.png")}\`: larger than 20971520 bytes`],
        ["a\0b", "unable to resolve image path: it contains a null character"]
      ]
      for (const [path, output] of cases) {
        assert.deepStrictEqual(yield* viewed(path, { cwd: home }), { output: failure(output), published: [] }, path)
      }
    })
  )
})

type DynamicTools = NonNullable<ParamsInputOf<"thread/start">["dynamicTools"]>

const dynamicTools: DynamicTools = [
  { type: "function", name: "lookup", description: "looks up", inputSchema: { type: "object" } },
  {
    type: "namespace",
    name: "lazy",
    description: "later",
    tools: [{ type: "function", name: "inner", description: "in", inputSchema: { type: "object" }, deferLoading: true }]
  }
]

/** A thread with tools of its client. */
const withTools = Effect.gen(function* () {
  const server = yield* makeServer({ ownTools: true })
  const client = yield* server.connect({ capabilities: { experimentalApi: true } })
  const { thread } = yield* client.request("thread/start", { cwd, dynamicTools })
  yield* client.request("turn/start", { threadId: thread.id, input: userInput("go") })
  const called = Effect.fnUntraced(function* (name: string, input: string, namespace?: string) {
    const model = yield* server.model.next
    const item = { type: "function_call" as const, call_id: "c1", name, arguments: input }
    yield* model.emit({ _tag: "ItemDone", item: namespace === undefined ? item : { ...item, namespace } })
    yield* model.finish()
    return model.request
  })
  const output = Effect.map(server.model.reply("done"), ({ request }) => {
    const last = request.input.at(-1)
    return last?.type === "function_call_output" ? last.output : undefined
  })
  return { ...server, client, thread, called, output }
})

const said = (value: string) => ({ contentItems: [{ type: "inputText" as const, text: value }], success: true })

describe("a tool of the client", () => {
  it.effect("is called with the arguments of the model, and its answer reaches the model", () =>
    Effect.gen(function* () {
      const { called, client, output, thread } = yield* withTools
      const request = yield* called("lookup", `{"q":1}`)
      assert.deepStrictEqual(request.tools.filter(({ name }) => name === "lookup" || name === "inner").length, 1)
      const asked = yield* client.asked
      assert.deepStrictEqual(
        [asked.method, { ...asked.params, turnId: "t" }],
        [
          "item/tool/call",
          { threadId: thread.id, turnId: "t", callId: "c1", namespace: null, tool: "lookup", arguments: { q: 1 } }
        ]
      )
      yield* client.handle.respondToServerRequest(asked.id, said("found"))
      assert.strictEqual(yield* output, "found")
      const events = yield* client.until((event) => nameOf(event) === "turn/completed")
      assert.notInclude(events.map(nameOf), "serverRequest/resolved")
      const completed = events.flatMap((event) =>
        event._tag === "ServerNotification" && event.notification.method === "item/completed"
          ? [event.notification.params.item]
          : []
      )
      const item = completed.find(({ type }) => type === "dynamicToolCall")
      assert.deepInclude(item, {
        id: "c1",
        status: "completed",
        success: true,
        contentItems: said("found").contentItems
      })
    })
  )

  it.effect("is served when it is deferred", () =>
    Effect.gen(function* () {
      const { called, client, output } = yield* withTools
      yield* called("inner", "{}", "lazy")
      const asked = yield* client.asked
      assert.deepInclude(asked.params, { namespace: "lazy", tool: "inner" })
      yield* client.handle.respondToServerRequest(asked.id, said("later"))
      assert.strictEqual(yield* output, "later")
    })
  )

  it.effect.each<readonly [name: string, answer: object, output: unknown]>([
    ["nonsense", { a: 1 }, "dynamic tool response was invalid"],
    [
      "a remote image",
      { success: true, contentItems: [{ type: "inputImage", imageUrl: "https://x/y.png" }] },
      "remote image URLs are not supported; use an inline data URL instead"
    ],
    [
      "data that is no image",
      { success: true, contentItems: [{ type: "inputImage", imageUrl: "data:image/png;base64,AA==" }] },
      "image content omitted because it could not be processed"
    ],
    ["nothing", { success: true, contentItems: [] }, []]
  ])("may answer with %s", ([, answer, expected]) =>
    Effect.gen(function* () {
      const { called, client, output } = yield* withTools
      yield* called("lookup", "{}")
      const asked = yield* client.asked
      yield* client.handle.respondToServerRequest(asked.id, answer)
      assert.deepStrictEqual(yield* output, expected)
    })
  )

  it.effect("is not called with arguments that are not JSON", () =>
    Effect.gen(function* () {
      const { called, client, output } = yield* withTools
      yield* called("lookup", "{bad")
      assert.match(String(yield* output), /^failed to parse function arguments: /)
      const events = yield* client.until((event) => nameOf(event) === "turn/completed")
      assert.notInclude(events.map(nameOf), "request item/tool/call")
    })
  )

  it.effect("belongs to the forks of its thread, too", () =>
    Effect.gen(function* () {
      const { called, client, model, output, thread } = yield* withTools
      yield* called("nothing", "{}")
      yield* output
      yield* client.notified("turn/completed")
      const forked = yield* client.request("thread/fork", { threadId: thread.id })
      yield* client.request("turn/start", { threadId: forked.thread.id, input: userInput("go") })
      const { request } = yield* model.reply("done")
      assert.include(
        request.tools.map(({ name }) => name),
        "lookup"
      )
    })
  )

  it.effect("is refused at the start of the thread when the model could not call it", () =>
    Effect.gen(function* () {
      const { connect } = yield* makeServer({ ownTools: true })
      const client = yield* connect({ capabilities: { experimentalApi: true } })
      const tool = { name: "a b", description: "", inputSchema: {} }
      const error = yield* Effect.flip(client.request("thread/start", { cwd, dynamicTools: [tool] }))
      assert.include(error.message, "dynamic tool name must match ^[a-zA-Z0-9_-]+$ to match Responses API: a b")
    })
  )
})

describe("the tools of a turn", () => {
  const offered = Effect.fnUntraced(function* (config: Readonly<Record<string, unknown>>, model = "gpt-5.5") {
    const server = yield* makeServer({ ownTools: true })
    const client = yield* server.connect()
    // Settings are JSON.
    const { thread } = yield* client.request("thread/start", { cwd, model, config: config as never })
    yield* client.request("turn/start", { threadId: thread.id, input: userInput("go") })
    return (yield* server.model.reply("done")).request.tools
  })
  const names = (tools: Effect.Success<ReturnType<typeof offered>>) => tools.map(({ name }) => name)

  it.effect("are offered as the configuration says", () =>
    Effect.gen(function* () {
      const shell = ["exec_command", "write_stdin", "apply_patch"]
      const goals = ["get_goal", "create_goal", "update_goal"]
      assert.deepStrictEqual(names(yield* offered({})), [
        ...shell,
        "request_user_input",
        "view_image",
        ...goals,
        "web_search"
      ])
      assert.deepStrictEqual(
        names(
          yield* offered({
            "tools.update_plan": { enabled: true },
            "tools.experimental_request_user_input": { enabled: false },
            web_search: "disabled"
          })
        ),
        [...shell, "update_plan", "view_image", ...goals]
      )
    })
  )

  it.effect("declare the web search in the form of the model server", () =>
    Effect.gen(function* () {
      const details = {
        "tools.web_search": {
          context_size: "high",
          allowed_domains: ["a.com"],
          location: { country: "DE", city: null }
        }
      }
      const cases: ReadonlyArray<readonly [Readonly<Record<string, unknown>>, string, object]> = [
        [{ sandbox_mode: "read-only" }, "gpt-5", { external_web_access: false }],
        [{ sandbox_mode: "read-only", web_search: "live" }, "gpt-5", { external_web_access: true }],
        [
          { sandbox_mode: "read-only", web_search: "indexed" },
          "gpt-5",
          { external_web_access: true, indexed_web_access: true }
        ],
        [
          { sandbox_mode: "danger-full-access", ...details },
          "gpt-5.5",
          {
            external_web_access: true,
            filters: { allowed_domains: ["a.com"] },
            user_location: { type: "approximate", country: "DE" },
            search_context_size: "high",
            search_content_types: ["text", "image"]
          }
        ]
      ]
      for (const [config, model, declaration] of cases) {
        const search = (yield* offered(config, model)).find(({ name }) => name === "web_search")
        assert.deepStrictEqual(search?.type === "hosted" && search.declaration, { type: "web_search", ...declaration })
      }
    })
  )
})
