import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as Memory from "../../../src/layers/stores/Memory.ts"
import type { ModelEvent, ModelRequest } from "../../../src/services/model/ModelProvider.ts"
import { text, type Tool } from "../../../src/services/tool/Tool.ts"
import { ThreadStore } from "../../../src/services/thread/ThreadStore.ts"
import { userInput } from "../../support/Server.ts"
import * as SlowStore from "../../support/SlowStore.ts"
import { makeThread } from "../../support/Threads.ts"
import { command } from "../../support/Tools.ts"

const runs: Array<string> = []

const echo: Tool = {
  spec: { type: "function", name: "echo", description: "", strict: false, parameters: {} },
  run: (call) =>
    Effect.sync(() => {
      runs.push(call.input)
      return text(`echo ${call.input.length}`)
    })
}

const functionCall = (call_id: string, input: string): ModelEvent => ({
  _tag: "ItemDone",
  item: { type: "function_call", call_id, name: "echo", arguments: input }
})

const customCall = (call_id: string, input: string): ModelEvent => ({
  _tag: "ItemDone",
  item: { type: "custom_tool_call", call_id, name: "echo", input }
})

/** The outputs of these calls in the model's input. */
const outputsOf = (...calls: ReadonlyArray<ModelEvent>) =>
  Effect.gen(function* () {
    const { client, model, start } = yield* makeThread({ toolbox: [echo] })
    yield* start("go")
    const first = yield* model.next
    yield* first.emit(...calls)
    yield* first.finish()
    const { request } = yield* model.reply("done")
    yield* client.notified("turn/completed")
    return request.input.filter(({ type }) => type.endsWith("_output"))
  })

describe("Thread", () => {
  it.effect("answers each of two calls with the same id with an output of its own type", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual<unknown>(yield* outputsOf(functionCall("c", "1"), customCall("c", "22")), [
        { type: "function_call_output", call_id: "c", output: "echo 1" },
        { type: "custom_tool_call_output", call_id: "c", output: "echo 2" }
      ])
    })
  )

  it.effect("does not run a call whose input is longer than 1 048 576 characters", () =>
    Effect.gen(function* () {
      runs.length = 0
      assert.deepStrictEqual<unknown>(
        yield* outputsOf(functionCall("a", "x".repeat(1_048_577)), functionCall("b", "x".repeat(1_048_576))),
        [
          {
            type: "function_call_output",
            call_id: "a",
            output: "the input of echo is longer than 1048576 characters"
          },
          { type: "function_call_output", call_id: "b", output: "echo 1048576" }
        ]
      )
      assert.deepStrictEqual(
        runs.map((input) => input.length),
        [1_048_576]
      )
    })
  )

  it.effect("stores items that two tools complete concurrently in sequence", () =>
    Effect.gen(function* () {
      const memory = Context.get(yield* Layer.build(Memory.layer), ThreadStore)
      const store = Layer.succeed(ThreadStore, {
        ...memory,
        append: (...args) => Effect.andThen(Effect.yieldNow, memory.append(...args))
      })
      const both = yield* Deferred.make<void>()
      const completing: Tool = {
        spec: { type: "function", name: "complete", description: "", strict: false, parameters: {} },
        run: ({ callId }, turn) =>
          Effect.gen(function* () {
            if (callId === "c2") yield* Deferred.succeed(both, undefined)
            yield* Deferred.await(both)
            yield* turn.itemCompleted(command(callId, "completed"))
            return text("completed")
          })
      }
      const { client, model, start } = yield* makeThread({ toolbox: [completing], store })
      yield* start("go")
      yield* model.call(["complete", "c1"], ["complete", "c2"])
      yield* model.reply("done")
      const { turn } = yield* client.notified("turn/completed")
      assert.deepStrictEqual([turn.status, turn.error], ["completed", null])
    })
  )

  describe("a call that is being stored when the rest of the answer is dropped", () => {
    const inputOf = (request: ModelRequest) =>
      request.input.flatMap((entry) =>
        entry.type === "function_call"
          ? [`call ${entry.call_id}`]
          : entry.type === "function_call_output"
            ? [`output ${JSON.stringify(entry.output)}`]
            : []
      )

    /** A turn whose store is halted at the call of a tool. */
    const halted = Effect.gen(function* () {
      runs.length = 0
      const slow = yield* SlowStore.make
      const thread = yield* makeThread({ toolbox: [echo], store: slow.layer })
      const { goOn, reached } = slow.haltAt(
        (event) => event._tag === "ConversationEntry" && event.item.type === "function_call"
      )
      const { turn } = yield* thread.start("go")
      const first = yield* thread.model.next
      yield* first.emit(functionCall("c", "1"))
      yield* reached
      const steer = thread.client.request("turn/steer", {
        threadId: thread.threadId,
        expectedTurnId: turn.id,
        input: userInput("more")
      })
      return { ...thread, goOn, steer }
    })

    it.effect("runs, and has its output, when the turn is steered", () =>
      Effect.gen(function* () {
        const { goOn, model, steer } = yield* halted
        // It is answered when it is stored.
        const steering = yield* Effect.forkChild(steer, { startImmediately: true })
        yield* TestClock.adjust("2 seconds")
        assert.isUndefined(steering.pollUnsafe())
        yield* goOn
        yield* Fiber.join(steering)
        assert.deepStrictEqual(inputOf((yield* model.reply("done")).request), ["call c", 'output "echo 1"'])
      })
    )

    it.effect("does not run when the turn is interrupted, and has an output", () =>
      Effect.gen(function* () {
        const { client, goOn, model, start, threadId } = yield* halted
        const interrupting = yield* Effect.forkChild(client.request("turn/interrupt", { threadId, turnId: "" }), {
          startImmediately: true
        })
        yield* TestClock.adjust("1 second")
        yield* goOn
        yield* Fiber.join(interrupting)
        yield* start("again")
        const output = 'output "Wall time: 1.0 seconds\\naborted by user"'
        assert.deepStrictEqual(inputOf((yield* model.next).request), ["call c", output])
        assert.deepStrictEqual(runs, [])
      })
    )
  })
})
