import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type { ClientEvent } from "../../src/services/ClientEvent.ts"
import { ModelError } from "../../src/services/ModelProvider.ts"
import { TurnTransition } from "../../src/services/OutgoingMessages.ts"
import { RequestError } from "../../src/services/RequestError.ts"
import { delta, started } from "../support/ScriptedModel.ts"
import { type Client, cwd, makeServer, nameOf, say, type ServerOptions } from "../support/Server.ts"
import * as SlowStore from "../support/SlowStore.ts"
import { asking, gated } from "../support/Tools.ts"

/** A server with a client and a thread that this client follows. */
const setUp = Effect.fnUntraced(function* (options: ServerOptions = {}) {
  const server = yield* makeServer(options)
  const client = yield* server.connect({ capabilities: { experimentalApi: true } })
  const { thread } = yield* client.request("thread/start", { cwd })
  yield* client.notified("thread/started")
  const threadId = thread.id
  const start = (text: string) => client.request("turn/start", { threadId, input: say(text) })
  /** A turn from its start to its end. */
  const turn = Effect.fnUntraced(function* (text: string, answer: string) {
    yield* start(text)
    yield* server.model.say(answer)
    return yield* client.notified("turn/completed")
  })
  return { ...server, client, thread, threadId, start, turn }
})

const invalid = (message: string) => new RequestError({ code: -32600, message })

const paramsOf = (event: ClientEvent | undefined): unknown =>
  event?._tag === "ServerNotification" ? event.notification.params : undefined

/** What a client has been told and has not read. */
const unread = Effect.fnUntraced(function* (client: Client) {
  yield* client.handle.shutdown
  const names: Array<string> = []
  for (;;) {
    const event = yield* client.handle.nextEvent
    if (event._tag === "None") return names
    names.push(nameOf(event.value))
  }
})

const approval = "item/commandExecution/requestApproval"

describe("Thread", () => {
  describe("a new thread", () => {
    it.effect("is told to everyone as it was answered, before anything of its status [60]", () =>
      Effect.gen(function* () {
        const { connect } = yield* makeServer()
        const [client, other] = [yield* connect(), yield* connect()]
        const { thread } = yield* client.request("thread/start", { cwd })
        assert.deepStrictEqual(thread.status, { type: "idle" })
        yield* client.request("turn/start", { threadId: thread.id, input: say("x") })
        for (const each of [client, other]) {
          const [first, second] = [yield* each.next, yield* each.next]
          assert.deepStrictEqual<unknown>(first, {
            _tag: "ServerNotification",
            notification: { method: "thread/started", params: { thread } }
          })
          assert.strictEqual(nameOf(second), "thread/status/changed")
        }
      })
    )

    it.effect("is answered before it is told of [60]", () =>
      Effect.gen(function* () {
        const { wire } = yield* makeServer()
        const client = yield* wire()
        yield* client.initialize()
        yield* client.send(1, "thread/start", { cwd })
        const [answer, told] = [yield* client.next, yield* client.next]
        assert.strictEqual(answer["id"], 1)
        assert.strictEqual(told["method"], "thread/started")
      })
    )
  })

  describe("a turn", () => {
    it.effect("is told in the order of the release", () =>
      Effect.gen(function* () {
        const { client, model, start } = yield* setUp()
        const { turn } = yield* start("hello")
        assert.deepStrictEqual<unknown>(turn, {
          id: turn.id,
          rootTurnId: turn.id,
          items: [],
          itemsView: "notLoaded",
          status: "inProgress",
          error: null,
          startedAt: null,
          completedAt: null,
          durationMs: null
        })
        yield* model.say("hi")
        assert.deepStrictEqual(yield* client.names("turn/completed"), [
          "thread/status/changed",
          "turn/started",
          "item/started",
          "item/completed",
          "item/started",
          "item/agentMessage/delta",
          "item/completed",
          "thread/tokenUsage/updated",
          "thread/status/changed",
          "turn/completed"
        ])
      })
    )

    it.effect("carries its answer at its end, and how long it took", () =>
      Effect.gen(function* () {
        const { client, model, start } = yield* setUp()
        yield* TestClock.setTime(1_700_000_000_000)
        const { turn } = yield* start("hello")
        const call = yield* model.next
        yield* TestClock.adjust("2500 millis")
        yield* call.finish("hi")
        const completed = yield* client.notified("turn/completed")
        assert.deepStrictEqual<unknown>(completed.turn, {
          ...turn,
          status: "completed",
          items: [
            {
              type: "agentMessage",
              moderation: null,
              id: completed.turn.items[0]?.id,
              text: "hi",
              phase: null,
              memoryCitation: null,
              delivery: null,
              questions: null
            }
          ],
          itemsView: "summary",
          startedAt: 1_700_000_000,
          completedAt: 1_700_000_002,
          durationMs: 2500
        })
      })
    )

    it.effect("is told to those who follow the thread; the others hear of its status only [61]", () =>
      Effect.gen(function* () {
        const { client, connect, turn } = yield* setUp()
        const other = yield* connect()
        yield* turn("hello", "hi")
        assert.deepStrictEqual(yield* unread(other), ["thread/status/changed", "thread/status/changed"])
        assert.deepStrictEqual(yield* unread(client), [])
      })
    )

    it.effect("goes on when nobody follows it any more, and a new one starts without subscribing anybody [61]", () =>
      Effect.gen(function* () {
        const { client, model, start, threadId } = yield* setUp()
        yield* start("hello")
        const call = yield* model.next
        const leave = client.request("thread/unsubscribe", { threadId })
        assert.deepStrictEqual(yield* Effect.all([leave, leave]), [
          { status: "unsubscribed" },
          { status: "notSubscribed" }
        ])
        yield* call.finish("hi")
        yield* client.until(
          (event) =>
            event._tag === "ServerNotification" &&
            event.notification.method === "thread/status/changed" &&
            event.notification.params.status.type === "idle"
        )
        yield* start("more")
        yield* model.say("ok")
        assert.deepStrictEqual(
          yield* Effect.all([client.next, client.next]).pipe(Effect.map((all) => all.map(nameOf))),
          ["thread/status/changed", "thread/status/changed"]
        )
        const { thread } = yield* client.request("thread/read", { threadId, includeTurns: true })
        assert.deepStrictEqual(
          thread.turns.map(({ status }) => status),
          ["completed", "completed"]
        )
      })
    )

    it.effect("that the model fails is told as an error and a failed turn, and the next one clears the status", () =>
      Effect.gen(function* () {
        const { client, model, start, turn } = yield* setUp()
        yield* start("hello")
        const call = yield* model.next
        yield* call.fail(new ModelError({ message: "no luck", info: "serverOverloaded" }))
        const events = yield* client.until((event) => nameOf(event) === "turn/completed")
        assert.deepStrictEqual(events.slice(-3).map(nameOf), ["thread/status/changed", "error", "turn/completed"])
        const error = {
          message: "no luck",
          codexErrorInfo: "serverOverloaded",
          additionalDetails: null,
          misalignment: null
        }
        const [status, told, completed] = events.slice(-3).map(paramsOf) as ReadonlyArray<Record<string, unknown>>
        assert.deepStrictEqual(status?.["status"], { type: "systemError" })
        assert.deepStrictEqual(told?.["error"], error)
        assert.strictEqual(told?.["willRetry"], false)
        const failed = completed?.["turn"] as Record<string, unknown>
        assert.deepStrictEqual([failed["status"], failed["error"], failed["items"]], ["failed", error, []])
        const next = yield* turn("again", "hi")
        assert.strictEqual(next.turn.status, "completed")
      })
    )

    it.effect("does not begin before the answer to its start, nor does a client miss its begin", () =>
      Effect.gen(function* () {
        const { wire } = yield* makeServer()
        const client = yield* wire()
        yield* client.initialize()
        const answer = yield* client.request(1, "thread/start", { cwd })
        const { thread } = answer["result"] as { readonly thread: { readonly id: string } }
        yield* client.next
        yield* client.send(2, "turn/start", { threadId: thread.id, input: say("x") })
        assert.strictEqual((yield* client.next)["id"], 2)
        assert.strictEqual((yield* client.next)["method"], "thread/status/changed")
        assert.strictEqual((yield* client.next)["method"], "turn/started")
      })
    )

    it.effect("starts though its client cannot be answered, and the thread is free afterwards", () =>
      Effect.gen(function* () {
        const { client, model, router, threadId, turn, wire } = yield* setUp()
        const scope = yield* Scope.make()
        const slow = yield* Scope.provide(wire({ room: 1 }), scope)
        yield* slow.initialize()
        yield* Effect.yieldNow
        // Full behind the processor's back, so that the answer finds no room.
        yield* router.notifyConnection(slow.connection, "thread/closed", { threadId })
        yield* slow.send(1, "turn/start", { threadId, input: say("x") })
        yield* Effect.yieldNow
        yield* Effect.yieldNow
        yield* Scope.close(scope, Exit.void)
        yield* model.say("hi")
        yield* client.notified("turn/completed")
        yield* turn("again", "hi")
      })
    )
  })

  describe("steering", () => {
    it.effect("is refused with what is wrong with it [67]", () =>
      Effect.gen(function* () {
        const { client, model, start, threadId } = yield* setUp()
        const steer = (expectedTurnId: string, input = say("x")) =>
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

    it.effect("drops the answer under way and asks the model again, within the turn [67]", () =>
      Effect.gen(function* () {
        const { client, model, start, threadId } = yield* setUp()
        const { turn } = yield* start("hello")
        const first = yield* model.next
        yield* first.emit(started("m"), delta("m", "half"))
        yield* client.notified("item/agentMessage/delta")
        const steered = yield* client.request("turn/steer", {
          threadId,
          expectedTurnId: turn.id,
          input: say("rather this"),
          clientUserMessageId: "mine"
        })
        assert.deepStrictEqual(steered, { turnId: turn.id })
        yield* first.closed
        const second = yield* model.say("done")
        const events = yield* client.until((event) => nameOf(event) === "turn/completed")
        assert.deepStrictEqual(events.slice(0, 2).map(nameOf), ["item/started", "item/completed"])
        assert.notInclude(events.map(nameOf), "turn/started")
        const { item } = paramsOf(events[1]) as { readonly item: Record<string, unknown> }
        assert.deepStrictEqual(
          [item["type"], item["clientId"], item["content"]],
          ["userMessage", "mine", [{ type: "text", text: "rather this", text_elements: [] }]]
        )
        const heard = second.request.input.map((entry) => JSON.stringify(entry))
        assert.isTrue(heard.at(-2)?.includes("hello") && heard.at(-1)?.includes("rather this"))
        assert.isFalse(heard.some((entry) => entry.includes("half")))
      })
    )

    it.effect("waits for tools that run, and reaches the model with their output [67]", () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const { client, model, start, threadId } = yield* setUp({ toolbox: [gated("slow", Deferred.await(gate))] })
        const { turn } = yield* start("hello")
        yield* model.call(["slow", "c1"])
        yield* client.notified("thread/tokenUsage/updated")
        yield* client.request("turn/steer", { threadId, expectedTurnId: turn.id, input: say("and this") })
        yield* Deferred.succeed(gate, undefined)
        const next = yield* model.say("done")
        const [output, said] = next.request.input.slice(-2).map((entry) => JSON.stringify(entry))
        assert.isTrue(output?.includes("slow is through") && said?.includes("and this"))
        yield* client.notified("turn/completed")
      })
    )

    it.effect("is what a second start of a turn is while one runs: the answer has the turn that runs", () =>
      Effect.gen(function* () {
        const { client, model, start } = yield* setUp()
        const first = yield* start("hello")
        const call = yield* model.next
        const second = yield* start("more")
        assert.strictEqual(second.turn.id, first.turn.id)
        yield* call.closed
        yield* model.say("done")
        const names = yield* client.names("turn/completed")
        assert.strictEqual(names.filter((name) => name === "turn/started").length, 1)
      })
    )
  })

  describe("interrupting", () => {
    it.effect("is refused when nothing runs, or something else does [66]", () =>
      Effect.gen(function* () {
        const { client, model, start, threadId } = yield* setUp()
        const interrupt = (turnId: string) => Effect.flip(client.request("turn/interrupt", { threadId, turnId }))
        assert.deepStrictEqual(yield* interrupt(""), invalid("no active turn to interrupt"))
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

    for (const named of ["by its id", "whatever it is"]) {
      it.effect(`closes the model's answer and ends the turn, named ${named} [66]`, () =>
        Effect.gen(function* () {
          const { client, model, start, threadId } = yield* setUp()
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

    it.effect("is answered when the turn has stopped and not before, and whoever asked for it is [66]", () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const { client, connect, model, start, threadId } = yield* setUp({
          toolbox: [gated("stubborn", Effect.uninterruptible(Deferred.await(gate)))]
        })
        const other = yield* connect()
        const { turn } = yield* start("hello")
        yield* model.call(["stubborn", "c1"])
        yield* client.notified("thread/tokenUsage/updated")
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
        // The second came when the first had been served: by then there was nothing left to interrupt.
        assert.deepStrictEqual(yield* Effect.flip(Fiber.join(interrupts[1]!)), invalid("no active turn to interrupt"))
        yield* client.notified("turn/completed")
      })
    )

    it.effect("is answered before the end of the turn is told [66]", () =>
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
        const told = [yield* client.next, yield* client.next, yield* client.next]
        assert.deepStrictEqual(
          told.map((message) => message["id"] ?? message["method"]),
          [3, "thread/status/changed", "turn/completed"]
        )
      })
    )

    it.effect("lets the next turn begin", () =>
      Effect.gen(function* () {
        const { client, model, start, threadId, turn } = yield* setUp()
        yield* start("hello")
        yield* model.next
        yield* client.request("turn/interrupt", { threadId, turnId: "" })
        assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "interrupted")
        assert.strictEqual((yield* turn("again", "hi")).turn.status, "completed")
      })
    )
  })

  it.effect(
    "a turn on its way out can be neither interrupted nor steered, and the next one waits for its end [66]",
    () =>
      Effect.gen(function* () {
        const slow = yield* SlowStore.make
        const { client, model, start, threadId } = yield* setUp({ store: slow.layer })
        const halted = slow.haltAt((event) => event._tag === "TurnEnded")
        const { turn } = yield* start("hello")
        yield* Effect.forkChild(model.say("hi"))
        yield* halted.reached
        const turnId = turn.id
        assert.deepStrictEqual(
          yield* Effect.flip(client.request("turn/interrupt", { threadId, turnId })),
          invalid("no active turn to interrupt")
        )
        assert.deepStrictEqual(
          yield* Effect.flip(client.request("turn/steer", { threadId, expectedTurnId: turnId, input: say("x") })),
          invalid("no active turn to steer")
        )
        const next = yield* Effect.forkChild(start("more"), { startImmediately: true })
        yield* Effect.yieldNow
        assert.isUndefined(next.pollUnsafe())
        yield* halted.goOn
        assert.notStrictEqual((yield* Fiber.join(next)).turn.id, turnId)
        yield* model.say("ok")
        const first = yield* client.notified("turn/completed")
        const second = yield* client.notified("turn/completed")
        assert.deepStrictEqual([first.turn.status, second.turn.status], ["completed", "completed"])
      })
  )

  describe("a question to the user", () => {
    it.effect("goes to all who follow; the first answer counts and the order is that of the release [64]", () =>
      Effect.gen(function* () {
        const { client, connect, model, start, turn, threadId } = yield* setUp({ toolbox: [asking] })
        yield* turn("hello", "hi")
        const other = yield* connect()
        yield* other.request("thread/resume", { threadId })
        yield* start("work")
        yield* model.call(["ask", "c1"])
        const [mine, theirs] = [yield* client.asked, yield* other.asked]
        assert.deepStrictEqual([mine.id, mine.method, theirs.id], [0, approval, 0])
        yield* client.handle.respondToServerRequest(0, { decision: "accept" })
        yield* other.handle.respondToServerRequest(0, { decision: "decline" })
        yield* client.handle.respondToServerRequest(0, { decision: "cancel" })
        const last = yield* model.say("done")
        assert.include(JSON.stringify(last.request.input.at(-1)), "decided accept")
        for (const each of [client, other]) {
          const all = yield* each.until((event) => nameOf(event) === "turn/completed")
          const events = all.filter((event) => nameOf(event) !== "thread/tokenUsage/updated")
          assert.deepStrictEqual(events.slice(0, 3).map(nameOf), [
            "serverRequest/resolved",
            "thread/status/changed",
            "item/completed"
          ])
          assert.deepStrictEqual(paramsOf(events[0]), { threadId, requestId: 0 })
        }
      })
    )

    it.effect("is told of in its order: status, item, question", () =>
      Effect.gen(function* () {
        const { client, model, start, threadId } = yield* setUp({ toolbox: [asking] })
        yield* start("work")
        yield* model.call(["ask", "c1"])
        const events = yield* client.until((event) => event._tag === "ServerRequest")
        const tail = events.filter((event) => nameOf(event) !== "thread/tokenUsage/updated").slice(-3)
        assert.deepStrictEqual(tail.map(nameOf), ["thread/status/changed", "item/started", `request ${approval}`])
        assert.deepStrictEqual(paramsOf(tail[0]), {
          threadId,
          status: { type: "active", activeFlags: ["waitingOnApproval"] }
        })
      })
    )

    it.effect("ends when the turn is interrupted, and that is told after the turn's end [65]", () =>
      Effect.gen(function* () {
        const { client, model, start, threadId } = yield* setUp({ toolbox: [asking] })
        yield* start("work")
        yield* model.call(["ask", "c1"], ["ask", "c2"])
        yield* client.asked
        yield* client.asked
        yield* client.request("turn/interrupt", { threadId, turnId: "" })
        const events = yield* client.until((event) => nameOf(event) === "serverRequest/resolved")
        events.push(yield* client.next)
        assert.deepStrictEqual(events.slice(-4).map(nameOf), [
          "thread/status/changed",
          "turn/completed",
          "serverRequest/resolved",
          "serverRequest/resolved"
        ])
        assert.deepStrictEqual(paramsOf(events.at(-4)), { threadId, status: { type: "idle" } })
        assert.deepStrictEqual(events.slice(-2).map(paramsOf), [
          { threadId, requestId: 0 },
          { threadId, requestId: 1 }
        ])
        yield* client.handle.respondToServerRequest(0, { decision: "accept" })
        assert.deepStrictEqual(yield* unread(client), [])
      })
    )

    const call = { turnId: "u", callId: "c", namespace: null, tool: "x", arguments: {} }
    const transition = new RequestError({ ...TurnTransition, data: { reason: "turnTransition" } })

    it.effect("that outlives its tool ends with the turn, for a reason that is no denial [65]", () =>
      Effect.gen(function* () {
        const { client, model, outgoing, start, threadId } = yield* setUp()
        yield* start("work")
        const answering = yield* model.next
        const asked = yield* outgoing.ask(threadId, "item/tool/call", { threadId, ...call })
        yield* answering.finish("done")
        assert.deepStrictEqual(yield* Effect.flip(asked.answer), transition)
        const events = yield* client.until((event) => nameOf(event) === "serverRequest/resolved")
        assert.deepStrictEqual(events.slice(-2).map(nameOf), ["turn/completed", "serverRequest/resolved"])
        assert.deepStrictEqual(paramsOf(events.at(-1)), { threadId, requestId: asked.id })
      })
    )

    it.effect("that nobody answered between turns ends when the next one starts [65]", () =>
      Effect.gen(function* () {
        const { client, outgoing, start, threadId } = yield* setUp()
        const asked = yield* outgoing.ask(threadId, "item/tool/call", { threadId, ...call })
        yield* client.asked
        yield* start("work")
        assert.deepStrictEqual(yield* Effect.flip(asked.answer), transition)
        const names = yield* client.names("turn/started")
        assert.deepStrictEqual(names, ["serverRequest/resolved", "thread/status/changed", "turn/started"])
      })
    )

    it.effect("stays when the only client goes, and is there for the next [58] [62]", () =>
      Effect.gen(function* () {
        const { connect, model, start, threadId, turn, client } = yield* setUp({ toolbox: [asking] })
        yield* turn("hello", "hi")
        yield* start("work")
        yield* model.call(["ask", "c1"])
        yield* client.asked
        yield* client.request("thread/unsubscribe", { threadId })
        const other = yield* connect()
        yield* other.request("thread/resume", { threadId })
        assert.strictEqual((yield* other.asked).id, 0)
        yield* other.handle.respondToServerRequest(0, { decision: "accept" })
        yield* model.say("done")
        assert.strictEqual((yield* other.notified("turn/completed")).turn.status, "completed")
      })
    )
  })

  describe("input", () => {
    const max = 1 << 20
    const tooLarge = (actual_chars: number) =>
      new RequestError({
        code: -32602,
        message: "Input exceeds the maximum length of 1048576 characters.",
        data: { input_error_code: "input_too_large", max_chars: max, actual_chars }
      })

    it.effect("that is too long is refused with its length, over all its texts, and nothing begins [68]", () =>
      Effect.gen(function* () {
        const { client, model, start, threadId } = yield* setUp()
        const input = [...say("x".repeat(max)), ...say("yz")]
        assert.deepStrictEqual(yield* Effect.flip(client.request("turn/start", { threadId, input })), tooLarge(max + 2))
        const { turn } = yield* start("hello")
        yield* model.next
        assert.deepStrictEqual(
          yield* Effect.flip(client.request("turn/steer", { threadId, expectedTurnId: turn.id, input })),
          tooLarge(max + 2)
        )
        assert.deepStrictEqual((yield* client.names("turn/started")).length, 2)
      })
    )

    it.effect("may be as long as the limit, counted in characters and not in halves of them [68]", () =>
      Effect.gen(function* () {
        const { client, threadId } = yield* setUp()
        const start = (text: string) => client.request("turn/start", { threadId, input: say(text) })
        assert.deepStrictEqual(yield* Effect.flip(start(`${"😀".repeat(max)}x`)), tooLarge(max + 1))
        assert.strictEqual((yield* start("😀".repeat(max))).turn.status, "inProgress")
      })
    )
  })
})
