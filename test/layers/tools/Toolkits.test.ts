import { assert, describe, it } from "@effect/vitest"
import * as AiTool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Toolkits from "../../../src/layers/tools/Toolkits.ts"
import type { ThreadItem } from "../../../src/protocol/v2/item/Item.ts"
import type { AskForApproval } from "../../../src/protocol/v2/thread/Settings.ts"
import type { ResponseItem } from "../../../src/protocol/v2/item/ResponseItem.ts"
import type { Toolset } from "../../../src/services/tool/Toolset.ts"
import { makeServer, userInput } from "../../support/Server.ts"

type Json = Schema.Json

/** A server with these tools, in a thread whose model has called one of them. */
const called = Effect.fnUntraced(function* (
  tools: Layer.Layer<Toolset>,
  [name, input]: readonly [name: string, input: string],
  approvalPolicy: AskForApproval = "on-request"
) {
  const server = yield* makeServer({ tools, ownTools: true, toolbox: [] })
  const client = yield* server.connect({ capabilities: { experimentalApi: true } })
  const { thread } = yield* client.request("thread/start", { approvalPolicy })
  const { turn } = yield* client.request("turn/start", { threadId: thread.id, input: userInput("go") })
  const call = yield* server.model.next
  yield* call.emit({ _tag: "ItemDone", item: { type: "function_call", call_id: "c", name, arguments: input } })
  yield* call.finish()
  return { ...server, client, threadId: thread.id, turnId: turn.id, offered: call.request.tools }
})

type Called = Effect.Success<ReturnType<typeof called>>

const outputIn = (input: ReadonlyArray<ResponseItem>) => {
  const item = input.at(-1)
  return item?.type === "function_call_output" ? item.output : undefined
}

const itemIn = (item: ThreadItem) =>
  item.type === "dynamicToolCall"
    ? { tool: item.tool, arguments: item.arguments, status: item.status, contentItems: item.contentItems }
    : undefined

/** What the model reads of the call, and the item that clients see. */
const outcome = ({ client, model }: Called) =>
  Effect.gen(function* () {
    const next = yield* model.reply("done")
    const events = yield* client.until(
      (event) => event._tag === "ServerNotification" && event.notification.method === "turn/completed"
    )
    const items = events.flatMap((event) =>
      event._tag === "ServerNotification" && event.notification.method === "item/completed"
        ? [itemIn(event.notification.params.item)]
        : []
    )
    return { output: outputIn(next.request.input), item: items.find((item) => item !== undefined) }
  })

const place = Schema.Struct({ place: Schema.String, days: Schema.optionalKey(Schema.FiniteFromString) })

const forecast = Schema.Struct({ sky: Schema.String, at: Schema.DateFromString })

class NoSuchPlace extends Schema.TaggedError<NoSuchPlace>()("NoSuchPlace", { place: Schema.String }) {}

const Weather = AiTool.make("weather", {
  description: "The weather at a place.",
  parameters: place,
  success: forecast,
  failure: NoSuchPlace
})

const kit = Toolkit.make(Weather)

type Handler = Parameters<(typeof kit)["of"]>[0]["weather"]

const weather = (handler: Handler) => Toolkits.layer(kit).pipe(Layer.provide(kit.toLayer({ weather: handler })))

/** A tool with these options, and a handler that ignores their types. */
const toolWith = (
  options: Parameters<typeof AiTool.make>[1],
  handler: (params: unknown) => Effect.Effect<unknown, unknown> = () => Effect.succeed("ran")
) => {
  const loose = Toolkit.make(AiTool.make("loose", { success: Schema.Unknown, ...options }) as AiTool.Any)
  const handlers = loose.toLayer({ loose: handler } as never) as unknown as Layer.Layer<never>
  return Toolkits.layer(loose as unknown as typeof Toolkit.empty).pipe(Layer.provide(handlers))
}

const failed = (text: string): object => ({ output: text, status: "failed" })

const run = (tools: Layer.Layer<Toolset>, input: string, name = "loose", policy?: AskForApproval) =>
  Effect.flatMap(called(tools, [name, input], policy), outcome).pipe(
    Effect.map(({ item, output }) => ({ output, status: item?.status }))
  )

describe("a toolkit of effect/ai", () => {
  it.effect("is offered with its schemas, and a call is decoded, handled, encoded and seen by clients", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const handler: Handler = (params) => {
        seen.push(params)
        return Effect.succeed({ sky: "rain", at: new Date(0) })
      }
      const running = yield* called(weather(handler), ["weather", '{"place":"Bergen","days":"2"}'])
      assert.deepStrictEqual(running.offered, [
        {
          type: "function",
          name: "weather",
          description: "The weather at a place.",
          strict: false,
          parameters: AiTool.getJsonSchema(Weather) as Record<string, unknown>
        }
      ])
      const output = '{"sky":"rain","at":"1970-01-01T00:00:00.000Z"}'
      assert.deepStrictEqual(yield* outcome(running), {
        output,
        item: {
          tool: "weather",
          arguments: { place: "Bergen", days: "2" },
          status: "completed",
          contentItems: [{ type: "inputText", text: output }]
        }
      })
      assert.deepStrictEqual(seen, [{ place: "Bergen", days: 2 }])
    })
  )

  it.effect("reports a declared failure in its encoded form", () =>
    Effect.gen(function* () {
      const tools = weather(({ place }) => Effect.fail(new NoSuchPlace({ place })))
      assert.deepStrictEqual(
        yield* run(tools, '{"place":"X"}', "weather"),
        failed('{"_tag":"NoSuchPlace","place":"X"}')
      )
    })
  )

  it.effect("reports a declared failure that the tool returns as a result", () =>
    Effect.gen(function* () {
      const tools = toolWith({ failure: NoSuchPlace, failureMode: "return" }, () =>
        Effect.fail(new NoSuchPlace({ place: "X" }))
      )
      assert.deepStrictEqual(yield* run(tools, "{}"), failed('{"_tag":"NoSuchPlace","place":"X"}'))
    })
  )

  it.effect("reports a defect without its text, and other calls go on", () =>
    Effect.gen(function* () {
      const internal = failed("weather failed because of an internal error")
      assert.deepStrictEqual(
        yield* run(
          weather(() => Effect.die("secret")),
          '{"place":"X"}',
          "weather"
        ),
        internal
      )
      const throwing = weather(() => {
        throw new Error("secret")
      })
      assert.deepStrictEqual(yield* run(throwing, '{"place":"X"}', "weather"), internal)
      assert.deepStrictEqual(
        yield* run(
          weather(() => Effect.interrupt),
          '{"place":"X"}',
          "weather"
        ),
        internal
      )
    })
  )

  const arguments_: ReadonlyArray<readonly [input: string, contains: string]> = [
    ["{}", "invalid arguments of weather: Missing key"],
    ['{"place":1}', "invalid arguments of weather"],
    ["[]", "invalid arguments of weather"],
    ["null", "invalid arguments of weather"],
    ["", "invalid arguments of weather"],
    ['{"place":', "the arguments of weather are not valid JSON"],
    ['{"place":"X","__proto__":{"a":1}}', "the arguments of weather are not valid JSON"],
    ["[".repeat(10_000), "the arguments of weather are not valid JSON: they are nested too deeply"]
  ]
  it.effect.each(arguments_)("reports arguments that do not decode, and does not run: %#", ([input, contains]) =>
    Effect.gen(function* () {
      const { output, status } = yield* run(
        weather(() => Effect.die("never run")),
        input,
        "weather"
      )
      assert.include(output, contains)
      assert.strictEqual(status, "failed")
    })
  )

  it.effect("reports undecodable arguments of a tool that returns its failures", () =>
    Effect.gen(function* () {
      const tools = toolWith({ parameters: Schema.Struct({ n: Schema.Int }), failureMode: "return" })
      const { output, status } = yield* run(tools, '{"n":"one"}')
      assert.include(output, "invalid arguments of loose: Expected ")
      assert.strictEqual(status, "failed")
    })
  )

  const cyclic: Record<string, unknown> = {}
  cyclic["self"] = cyclic
  const results: ReadonlyArray<readonly [name: string, options: Parameters<typeof AiTool.make>[1], value: unknown]> = [
    ["does not fit its schema", { success: Schema.Int }, "text"],
    ["is a bigint", {}, 1n],
    ["refers to itself", {}, cyclic],
    ["is a function", {}, () => 1]
  ]
  it.effect.each(results)("reports a result that %s", ([, options, value]) =>
    Effect.gen(function* () {
      const { output, status } = yield* run(
        toolWith(options, () => Effect.succeed(value)),
        "{}"
      )
      assert.match(
        String(output),
        /^loose failed because of an internal error: its result (?:does not fit|is not JSON)/
      )
      assert.strictEqual(status, "failed")
    })
  )

  it.effect("reports a failure that does not fit its schema", () =>
    Effect.gen(function* () {
      const tools = toolWith({ failure: NoSuchPlace }, () => Effect.fail("other"))
      assert.deepStrictEqual(
        yield* run(tools, "{}"),
        failed("loose failed because of an internal error: its failure does not fit its schema")
      )
    })
  )

  it.effect("sends text as it is, and `ok` for a tool without a result", () =>
    Effect.gen(function* () {
      const completed = (output: string): object => ({ output, status: "completed" })
      assert.deepStrictEqual(yield* run(toolWith({}), "{}"), completed("ran"))
      assert.deepStrictEqual(
        yield* run(
          toolWith({ success: Schema.Void }, () => Effect.void),
          ""
        ),
        completed("ok")
      )
    })
  )

  it.effect("interrupts a handler that never ends with its turn", () =>
    Effect.gen(function* () {
      const started = yield* Deferred.make<void>()
      const interrupted = yield* Deferred.make<void>()
      const endless: Handler = () =>
        Deferred.succeed(started, undefined).pipe(
          Effect.andThen(Effect.never),
          Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
        )
      const { client, threadId, turnId } = yield* called(weather(endless), ["weather", '{"place":"X"}'])
      yield* Deferred.await(started)
      yield* client.request("turn/interrupt", { threadId, turnId })
      const { turn } = yield* client.notified("turn/completed")
      assert.strictEqual(turn.status, "interrupted")
      yield* Deferred.await(interrupted)
    })
  )

  it.effect("gives a handler its services and its turn, and a scope that ends with the call", () =>
    Effect.gen(function* () {
      class Greeting extends Context.Service<Greeting, string>()("test/Greeting") {}
      const order: Array<string> = []
      const greet = Toolkit.make(
        AiTool.make("greet", { success: Schema.String, dependencies: [Greeting, Toolkits.CurrentTurn, Scope.Scope] })
      )
      const handlers = greet.toLayer({
        greet: Effect.fnUntraced(function* () {
          const { cwd } = yield* Toolkits.CurrentTurn
          yield* Effect.addFinalizer(() => Effect.sync(() => order.push("released")))
          order.push("run")
          return `${yield* Greeting} from ${cwd}`
        })
      })
      const tools = Toolkits.layer(greet).pipe(Layer.provide([handlers, Layer.succeed(Greeting, "hello")]))
      assert.deepStrictEqual(yield* run(tools, "{}", "greet"), {
        output: "hello from /spindle-test/project",
        status: "completed"
      })
      assert.deepStrictEqual(order, ["run", "released"])
    })
  )

  it.effect("keeps a built-in tool of the same name", () =>
    Effect.gen(function* () {
      const kit = Toolkit.make(AiTool.make("exec_command"), AiTool.make("other"))
      const handlers = kit.toLayer({
        exec_command: () => Effect.die("never run"),
        other: () => Effect.die("never run")
      })
      const tools = Toolkits.besideShell(kit).pipe(Layer.provide(handlers))
      const { offered } = yield* called(tools, ["other", "{}"])
      const described = offered.map((spec) => [spec.name, spec.description !== ""])
      assert.deepStrictEqual(described, [
        ["exec_command", true],
        ["write_stdin", true],
        ["apply_patch", true],
        ["request_user_input", true],
        ["view_image", true],
        ["get_goal", true],
        ["create_goal", true],
        ["update_goal", true],
        ["web_search", true],
        ["other", false]
      ])
    })
  )

  it.effect.each<readonly [string, Parameters<typeof toolWith>[0]]>([
    ["that declares none", {}],
    ["whose struct is empty", { parameters: Schema.Struct({}) }]
  ])("is called without parameters, for a tool %s", ([, options]) =>
    Effect.gen(function* () {
      const running = yield* called(toolWith(options), ["loose", "{}"])
      assert.deepStrictEqual(running.offered[0]?.type === "function" && running.offered[0].parameters, {
        type: "object",
        additionalProperties: false
      })
      assert.strictEqual((yield* outcome(running)).output, "ran")
    })
  )

  const refused: ReadonlyArray<readonly [tool: AiTool.Any, detail: string]> = [
    [AiTool.make("two words"), "a name has up to 128 letters, digits, `_` and `-`"],
    [AiTool.make("x".repeat(129)), "a name has up to 128 letters, digits, `_` and `-`"],
    [AiTool.dynamic("list", { parameters: { type: "array" } }), "its parameters are not an object"],
    [
      AiTool.make("either", { parameters: Schema.Union([place, Schema.Struct({ id: Schema.Int })]) as never }),
      "its parameters are not an object"
    ],
    [
      AiTool.providerDefined({ id: "p.search", customName: "search", providerName: "search" })(undefined),
      "the server of one provider defines it"
    ]
  ]
  it.effect.each(refused)("is refused with a tool that cannot be offered: %#", ([tool, detail]) =>
    Effect.gen(function* () {
      const source = Effect.succeed({ tools: { [tool.name]: tool }, handle: () => Effect.die("never run") })
      const exit = yield* Effect.exit(Layer.build(Toolkits.layer(source)))
      const error = exit._tag === "Failure" ? Cause.squash(exit.cause) : undefined
      assert.instanceOf(error, Toolkits.ToolkitError)
      assert.include(error.message, `the tool "${tool.name}" cannot be offered to models: ${detail}`)
    })
  )
})

describe("a tool of effect/ai that needs approval", () => {
  const guarded = toolWith({ needsApproval: true, parameters: Schema.Struct({ a: Schema.Int }) })

  const answers: ReadonlyArray<readonly [answers: Json, output: string]> = [
    [{ approval: { answers: ["Approve"] } }, "ran"],
    [{ approval: { answers: ["Deny"] } }, "the user did not approve the call of loose"],
    [{ approval: { answers: ["approve"] } }, "the user did not approve the call of loose"],
    [{ approval: { answers: ["Approve", "Deny"] } }, "the user did not approve the call of loose"],
    [{ approval: { answers: [] } }, "the user did not approve the call of loose"],
    [{ other: { answers: ["Approve"] } }, "the user did not approve the call of loose"]
  ]
  it.effect.each(answers)("asks the user, and runs only when all of the answer is `Approve`: %j", ([answers, output]) =>
    Effect.gen(function* () {
      const running = yield* called(guarded, ["loose", '{"a":1}'])
      const request = yield* running.client.asked
      assert.strictEqual(request.method, "item/tool/requestUserInput")
      assert.include(JSON.stringify(request.params), 'Run loose with {\\"a\\":1}?')
      yield* running.client.handle.respondToServerRequest(request.id, { answers })
      assert.strictEqual((yield* outcome(running)).output, output)
    })
  )

  it.effect("is not run when the policy permits no question", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        yield* run(guarded, '{"a":1}', "loose", "never"),
        failed("loose needs approval, and the approval policy is `never`")
      )
    })
  )

  it.effect("does not ask about arguments that do not decode", () =>
    Effect.gen(function* () {
      assert.include((yield* run(guarded, '{"a":"one"}')).output, "invalid arguments of loose")
    })
  )

  it.effect("is not run when the client answers with an error", () =>
    Effect.gen(function* () {
      const running = yield* called(guarded, ["loose", '{"a":1}'])
      const { id } = yield* running.client.asked
      yield* running.client.handle.failServerRequest(id, { code: -1, message: "no" })
      assert.include((yield* outcome(running)).output, "the call was not approved: ")
    })
  )

  it.effect("decides by its parameters, and is not run when the decision dies", () =>
    Effect.gen(function* () {
      const parameters = Schema.Struct({ n: Schema.Int })
      const large = toolWith({
        parameters,
        needsApproval: (params: unknown) => Effect.succeed((params as { readonly n: number }).n > 1)
      } as Parameters<typeof AiTool.make>[1])
      assert.strictEqual((yield* run(large, '{"n":1}', "loose", "never")).output, "ran")
      assert.include((yield* run(large, '{"n":2}', "loose", "never")).output, "needs approval")
      const dying = toolWith({
        needsApproval: () => {
          throw new Error("secret")
        }
      })
      assert.deepStrictEqual(yield* run(dying, "{}"), failed("loose failed because of an internal error"))
    })
  )
})
