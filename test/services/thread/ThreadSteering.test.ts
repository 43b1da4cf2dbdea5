import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { delta, started } from "../../support/ScriptedModel.ts"
import { cwd, makeServer, nameOf, userInput } from "../../support/Server.ts"
import * as SlowStore from "../../support/SlowStore.ts"
import { gated } from "../../support/Tools.ts"
import { invalid, makeThread, paramsOf } from "../../support/Threads.ts"

describe("Thread", () => {
  describe("steering", () => {
    it.effect("is refused with the reason [67]", () =>
      Effect.gen(function* () {
        const { client, model, start, threadId } = yield* makeThread()
        const steer = (expectedTurnId: string, input = userInput("x")) =>
          Effect.flip(client.request("turn/steer", { threadId, expectedTurnId, input }))
        const other = "0198c0de-0000-7000-8000-000000000000"
        assert.deepStrictEqual(yield* steer(other), invalid("no active turn to steer"))
        assert.deepStrictEqual(yield* steer(""), invalid("expectedTurnId must not be empty"))
        const { turn } = yield* start("hello")
        const call = yield* model.next
        assert.deepStrictEqual(yield* steer(""), invalid("expectedTurnId must not be empty"))
        assert.deepStrictEqual(yield* steer(turn.id, []), invalid("input must not be empty"))
        assert.deepStrictEqual(
          yield* steer(other),
          invalid(`expected active turn id \`${other}\` but found \`${turn.id}\``)
        )
        yield* call.finish("hi")
        yield* client.notified("turn/completed")
        assert.deepStrictEqual(yield* steer(turn.id), invalid("no active turn to steer"))
      })
    )

    it.effect("drops the current answer and sends another model request in the turn [67]", () =>
      Effect.gen(function* () {
        const { client, model, start, threadId } = yield* makeThread()
        const { turn } = yield* start("hello")
        const first = yield* model.next
        yield* first.emit(started("m"), delta("m", "half"))
        yield* client.notified("item/agentMessage/delta")
        const steered = yield* client.request("turn/steer", {
          threadId,
          expectedTurnId: turn.id,
          input: userInput("rather this"),
          clientUserMessageId: "mine"
        })
        assert.deepStrictEqual(steered, { turnId: turn.id })
        yield* first.closed
        const second = yield* model.reply("done")
        const events = yield* client.until((event) => nameOf(event) === "turn/completed")
        assert.deepStrictEqual(events.slice(0, 2).map(nameOf), ["item/started", "item/completed"])
        assert.notInclude(events.map(nameOf), "turn/started")
        const { item } = paramsOf(events[1]) as { readonly item: Record<string, unknown> }
        assert.deepStrictEqual(
          [item["type"], item["clientId"], item["content"]],
          ["userMessage", "mine", [{ type: "text", text: "rather this", text_elements: [] }]]
        )
        const input = second.request.input.map((entry) => JSON.stringify(entry))
        assert.isTrue(input.at(-2)?.includes("hello") && input.at(-1)?.includes("rather this"))
        assert.isFalse(input.some((entry) => entry.includes("half")))
      })
    )

    it.effect("waits for running tools, and reaches the model with their output [67]", () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const { client, model, start, threadId } = yield* makeThread({ toolbox: [gated("slow", Deferred.await(gate))] })
        const { turn } = yield* start("hello")
        const call = yield* model.call(["slow", "c1"])
        yield* call.closed
        yield* client.request("turn/steer", { threadId, expectedTurnId: turn.id, input: userInput("and this") })
        yield* Deferred.succeed(gate, undefined)
        const next = yield* model.reply("done")
        const [output, steered] = next.request.input.slice(-2).map((entry) => JSON.stringify(entry))
        assert.isTrue(output?.includes("slow is through") && steered?.includes("and this"))
        yield* client.notified("turn/completed")
      })
    )

    it.effect("is the effect of a second turn/start while a turn runs: the response has the running turn", () =>
      Effect.gen(function* () {
        const { client, model, start } = yield* makeThread()
        const first = yield* start("hello")
        const call = yield* model.next
        const second = yield* start("more")
        assert.strictEqual(second.turn.id, first.turn.id)
        yield* call.closed
        yield* model.reply("done")
        const names = yield* client.names("turn/completed")
        assert.strictEqual(names.filter((name) => name === "turn/started").length, 1)
      })
    )
  })

  describe("interrupting", () => {
    it.effect("is refused when no turn runs, or another one does [66]", () =>
      Effect.gen(function* () {
        const { client, model, start, threadId } = yield* makeThread()
        const interrupt = (turnId: string) => Effect.flip(client.request("turn/interrupt", { threadId, turnId }))
        assert.deepStrictEqual(yield* interrupt("none"), invalid("no active turn to interrupt"))
        const { turn } = yield* start("hello")
        const call = yield* model.next
        const other = "0198c0de-0000-7000-8000-000000000000"
        assert.deepStrictEqual(
          yield* interrupt(other),
          invalid(`expected active turn id ${other} but found ${turn.id}`)
        )
        yield* call.finish("hi")
        yield* client.notified("turn/completed")
        assert.deepStrictEqual(yield* interrupt(turn.id), invalid("no active turn to interrupt"))
      })
    )

    it.effect("succeeds without a running turn when the id is empty [66]", () =>
      Effect.gen(function* () {
        const { client, threadId, turn } = yield* makeThread()
        const interrupt = client.request("turn/interrupt", { threadId, turnId: "" })
        assert.deepStrictEqual(yield* interrupt, {})
        yield* turn("hello", "hi")
        assert.deepStrictEqual(yield* interrupt, {})
      })
    )

    for (const named of ["by its id", "with any id"]) {
      it.effect(`closes the model's answer and ends the turn, named ${named} [66]`, () =>
        Effect.gen(function* () {
          const { client, model, start, threadId } = yield* makeThread()
          const { turn } = yield* start("hello")
          const call = yield* model.next
          yield* call.emit(started("m"), delta("m", "half"))
          yield* client.notified("item/agentMessage/delta")
          const turnId = named === "by its id" ? turn.id : ""
          assert.deepStrictEqual(yield* client.request("turn/interrupt", { threadId, turnId }), {})
          yield* call.closed
          const events = yield* client.until((event) => nameOf(event) === "turn/completed")
          assert.deepStrictEqual(events.map(nameOf), ["thread/status/changed", "turn/completed"])
          const completed = paramsOf(events[1]) as { readonly turn: Record<string, unknown> }
          assert.deepStrictEqual(
            [completed.turn["status"], completed.turn["error"], completed.turn["items"]],
            ["interrupted", null, []]
          )
        })
      )
    }

    it.effect("is answered to every caller after the turn has stopped [66]", () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const { client, connect, model, start, threadId } = yield* makeThread({
          toolbox: [gated("stubborn", Effect.uninterruptible(Deferred.await(gate)))]
        })
        const other = yield* connect()
        const { turn } = yield* start("hello")
        const call = yield* model.call(["stubborn", "c1"])
        yield* call.closed
        const interrupts = yield* Effect.forEach([client, other], (each) =>
          Effect.forkChild(each.request("turn/interrupt", { threadId, turnId: turn.id }), { startImmediately: true })
        )
        yield* Effect.yieldNow
        yield* Effect.yieldNow
        assert.deepStrictEqual(
          interrupts.map((fiber) => fiber.pollUnsafe()),
          [undefined, undefined]
        )
        yield* Deferred.succeed(gate, undefined)
        assert.deepStrictEqual(yield* Fiber.join(interrupts[0]!), {})
        // The second request came after the first was served, when there was nothing left to interrupt.
        assert.deepStrictEqual(yield* Effect.flip(Fiber.join(interrupts[1]!)), invalid("no active turn to interrupt"))
        yield* client.notified("turn/completed")
      })
    )

    it.effect("is answered before the end of the turn is published [66]", () =>
      Effect.gen(function* () {
        const { wire, model } = yield* makeServer()
        const client = yield* wire()
        yield* client.initialize()
        const answer = yield* client.request(1, "thread/start", { cwd })
        const { thread } = answer["result"] as { readonly thread: { readonly id: string } }
        yield* client.next
        yield* client.send(2, "turn/start", { threadId: thread.id, input: [] })
        yield* model.next
        for (let count = 0; count < 3; count++) yield* client.next
        yield* client.send(3, "turn/interrupt", { threadId: thread.id, turnId: "" })
        const received = [yield* client.next, yield* client.next, yield* client.next]
        assert.deepStrictEqual(
          received.map((message) => message["id"] ?? message["method"]),
          [3, "thread/status/changed", "turn/completed"]
        )
      })
    )

    it.effect("lets the next turn begin", () =>
      Effect.gen(function* () {
        const { client, model, start, threadId, turn } = yield* makeThread()
        yield* start("hello")
        yield* model.next
        yield* client.request("turn/interrupt", { threadId, turnId: "" })
        assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "interrupted")
        assert.strictEqual((yield* turn("again", "hi")).turn.status, "completed")
      })
    )
  })

  it.effect("an ending turn can be neither interrupted nor steered, and the next one waits for its end [66]", () =>
    Effect.gen(function* () {
      const slow = yield* SlowStore.make
      const { client, model, start, threadId } = yield* makeThread({ store: slow.layer })
      const halted = slow.haltAt((event) => event._tag === "TurnEnded")
      const { turn } = yield* start("hello")
      yield* Effect.forkChild(model.reply("hi"))
      yield* halted.reached
      const turnId = turn.id
      assert.deepStrictEqual(
        yield* Effect.flip(client.request("turn/interrupt", { threadId, turnId })),
        invalid("no active turn to interrupt")
      )
      assert.deepStrictEqual(
        yield* Effect.flip(client.request("turn/steer", { threadId, expectedTurnId: turnId, input: userInput("x") })),
        invalid("no active turn to steer")
      )
      const next = yield* Effect.forkChild(start("more"), { startImmediately: true })
      yield* Effect.yieldNow
      assert.isUndefined(next.pollUnsafe())
      yield* halted.goOn
      assert.notStrictEqual((yield* Fiber.join(next)).turn.id, turnId)
      yield* model.reply("ok")
      const first = yield* client.notified("turn/completed")
      const second = yield* client.notified("turn/completed")
      assert.deepStrictEqual([first.turn.status, second.turn.status], ["completed", "completed"])
    })
  )
})
