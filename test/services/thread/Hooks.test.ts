import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Hooks from "../../../src/services/hook/Hooks.ts"
import { text, type Tool } from "../../../src/services/tool/Tool.ts"
import { makeThread } from "../../support/Threads.ts"

const tool = (ran: Array<string>): Tool => ({
  spec: { type: "function", name: "probe", description: "", parameters: { type: "object" }, strict: false },
  run: ({ input }) => Effect.sync(() => (ran.push(input), text("plain")))
})

const hooked = Effect.fnUntraced(function* (hooks: Hooks.ThreadHooks) {
  const ran: Array<string> = []
  return { ...(yield* makeThread({ hooks: Hooks.layer(hooks), toolbox: [tool(ran)] })), ran }
})

const outputOf = (input: ReadonlyArray<unknown>): unknown => Reflect.get(input.at(-1) ?? {}, "output")

/** The texts of messages of these roles. */
const texts = (input: ReadonlyArray<unknown>): ReadonlyArray<string> =>
  input.flatMap((item) => {
    const content: unknown = Reflect.get(Object(item), "content")
    return Array.isArray(content) ? content.map((part) => String(Reflect.get(Object(part), "text"))) : []
  })

describe("hooks of the embedding program", () => {
  it.effect("deny a call: the tool does not run, and the model reads the reason", () =>
    Effect.gen(function* () {
      const { client, model, ran, start } = yield* hooked({ beforeTool: () => Effect.succeed(Hooks.deny("not now")) })
      yield* start("go")
      yield* model.call(["probe", "c1"])
      const { request } = yield* model.reply("done")
      yield* client.notified("turn/completed")
      assert.deepStrictEqual(ran, [])
      assert.strictEqual(outputOf(request.input), "Tool call blocked by PreToolUse hook: not now. Tool: probe")
    })
  )

  it.effect("rewrite the input and the output of a call", () =>
    Effect.gen(function* () {
      const { client, model, ran, start } = yield* hooked({
        beforeTool: () => Effect.succeed(Hooks.rewrite({ safe: true })),
        afterTool: (_, { response }) => Effect.succeed(Hooks.rewrite(`${response}, checked`))
      })
      yield* start("go")
      yield* model.call(["probe", "c1"])
      const { request } = yield* model.reply("done")
      yield* client.notified("turn/completed")
      assert.deepStrictEqual(ran, ['{"safe":true}'])
      assert.strictEqual(outputOf(request.input), "plain, checked")
    })
  )

  it.effect("refuse the call when they die", () =>
    Effect.gen(function* () {
      const { client, model, ran, start } = yield* hooked({ beforeTool: () => Effect.die("broken") })
      yield* start("go")
      yield* model.call(["probe", "c1"])
      yield* model.reply("done")
      const { turn } = yield* client.notified("turn/completed")
      assert.deepStrictEqual([ran, turn.status], [[], "completed"])
    })
  )

  it.effect("rewrite a message, and add context behind it", () =>
    Effect.gen(function* () {
      const { client, model, start } = yield* hooked({
        sessionStart: () => Effect.succeed(Hooks.withContext("rules")),
        userPrompt: (_, { prompt }) => Effect.succeed({ ...Hooks.rewrite(prompt.toUpperCase()), context: ["more"] })
      })
      yield* start("go")
      const { request } = yield* model.reply("done")
      yield* client.notified("turn/completed")
      assert.deepStrictEqual(texts(request.input).slice(-3), ["rules", "GO", "more"])
    })
  )

  it.effect("drop a message: the turn ends without a request, and the message is not in the thread", () =>
    Effect.gen(function* () {
      const { client, model, start, threadId } = yield* hooked({
        userPrompt: (_, { prompt }) => Effect.succeed(prompt === "secret" ? Hooks.deny("it has a key") : Hooks.allow)
      })
      yield* start("secret")
      const { turn } = yield* client.notified("turn/completed")
      assert.strictEqual(turn.status, "completed")
      yield* start("hello")
      const { request } = yield* model.reply("done")
      yield* client.notified("turn/completed")
      assert.notInclude(texts(request.input), "secret")
      const { thread } = yield* client.request("thread/read", { threadId, includeTurns: true })
      assert.notInclude(JSON.stringify(thread), "secret")
    })
  )

  it.effect("continue a turn at its end, at most fifty times", () =>
    Effect.gen(function* () {
      const seen: Array<boolean> = []
      const { client, model, start } = yield* hooked({
        stop: (_, { isActive }) => Effect.sync(() => (seen.push(isActive), Hooks.deny("again")))
      })
      yield* start("go")
      for (let round = 0; round < 50; round++) {
        yield* model.reply("done")
        // The answer and the message of the hook. The events are read, because their producer waits for the client.
        yield* client.notified("item/completed")
        yield* client.notified("item/completed")
      }
      yield* model.reply("done")
      const { turn } = yield* client.notified("turn/completed")
      assert.strictEqual(turn.status, "completed")
      assert.deepStrictEqual(seen.slice(0, 2), [false, true])
      assert.strictEqual(seen.length, 51)
    })
  )

  it.effect("are interrupted with the turn", () =>
    Effect.gen(function* () {
      const { client, start, threadId } = yield* hooked({ userPrompt: () => Effect.never })
      const { turn } = yield* start("go")
      yield* client.notified("turn/started")
      yield* client.request("turn/interrupt", { threadId, turnId: turn.id })
      const completed = yield* client.notified("turn/completed")
      assert.strictEqual(completed.turn.status, "interrupted")
    })
  )
})
