import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as InProcessClient from "../../../src/layers/clients/InProcessClient.ts"
import type { ThreadEvent } from "../../../src/services/client/ThreadClient.ts"
import * as RemoteLink from "../../../src/services/client/RemoteLink.ts"
import { ModelError } from "../../../src/services/model/ModelProvider.ts"
import * as FakeServer from "../../support/FakeServer.ts"
import { failureOf } from "../../support/Failures.ts"
import { options } from "../../support/RemoteLinks.ts"
import { delta, started } from "../../support/ScriptedModel.ts"
import { cwd, makeServer, nameOf } from "../../support/Server.ts"
import { asking } from "../../support/Tools.ts"

/** A server with a scripted model, and its clients. */
const setUp = Effect.gen(function* () {
  const server = yield* makeServer({ toolbox: [asking] })
  const connect = (name: string) =>
    Effect.provideContext(InProcessClient.make({ clientName: name, clientVersion: "1" }), server.services)
  return { ...server, client: yield* connect("one"), connect }
})

/** The names of a thread's events, without those about tokens. */
const namesOf = (events: ReadonlyArray<ThreadEvent>) =>
  events.map(nameOf).filter((name) => name !== "thread/tokenUsage/updated")

/** Runs a stream in a fiber, and collects what it has received. */
const collect = <E>(stream: Stream.Stream<ThreadEvent, E>) =>
  Effect.gen(function* () {
    const events: Array<ThreadEvent> = []
    const waiting: Array<{ readonly name: string; readonly seen: Deferred.Deferred<void> }> = []
    const fiber = yield* Effect.forkChild(
      Effect.exit(
        Stream.runForEach(stream, (event) =>
          Effect.sync(() => {
            events.push(event)
            for (const { name, seen } of waiting) if (name === nameOf(event)) Deferred.doneUnsafe(seen, Exit.void)
          })
        )
      ),
      { startImmediately: true }
    )
    const seen = (name: string) =>
      Effect.suspend(() => {
        if (events.some((event) => nameOf(event) === name)) return Effect.void
        const seen = Deferred.makeUnsafe<void>()
        waiting.push({ name, seen })
        return Deferred.await(seen)
      })
    return { events, fiber, seen }
  })

const plain = [
  "turn/started",
  "item/started",
  "item/completed",
  "item/started",
  "item/agentMessage/delta",
  "item/completed",
  "turn/completed"
]

describe("a thread's turn", () => {
  it.effect("streams its events from its start to its end, and no others [94]", () =>
    Effect.gen(function* () {
      const { client, model } = yield* setUp
      const [thread, other] = [yield* client.startThread({ cwd }), yield* client.startThread({ cwd })]
      const [one, two] = [yield* collect(thread.turn("hello")), yield* collect(other.turn("you too"))]
      yield* model.reply("hi")
      yield* model.reply("hi again")
      assert.deepStrictEqual([yield* Fiber.join(one.fiber), yield* Fiber.join(two.fiber)], [Exit.void, Exit.void])
      assert.deepStrictEqual([namesOf(one.events), namesOf(two.events)], [plain, plain])
    })
  )

  it.effect("returns its final answer, items and tokens", () =>
    Effect.gen(function* () {
      const { client, model } = yield* setUp
      const thread = yield* client.startThread({ cwd })
      const running = yield* Effect.forkChild(thread.run([{ type: "text", text: "hello" }], { model: "gpt-5" }))
      yield* model.reply("the answer")
      const { items, text, turn, usage } = yield* Fiber.join(running)
      assert.deepStrictEqual(
        [text, items.map(({ type }) => type), turn.status, usage?.last.totalTokens, thread.opened.thread.id],
        ["the answer", ["userMessage", "agentMessage"], "completed", 5, thread.id]
      )
    })
  )

  it.effect("fails with the error of the turn, after its last event", () =>
    Effect.gen(function* () {
      const { client, model } = yield* setUp
      const thread = yield* client.startThread({ cwd })
      const { events, fiber } = yield* collect(thread.turn("hello"))
      const call = yield* model.next
      yield* call.fail(new ModelError({ message: "no such key", info: "unauthorized" }))
      const exit = yield* Fiber.join(fiber)
      const error = Option.getOrThrow(Exit.findErrorOption(exit))
      assert.strictEqual(error._tag === "TurnFailed" && error.reason._tag, "Failed")
      assert.strictEqual(error.message, "the turn failed: no such key")
      assert.strictEqual(nameOf(events.at(-1)!), "turn/completed")
    })
  )

  it.effect("fails when somebody interrupts it, and the thread goes on", () =>
    Effect.gen(function* () {
      const { client, model } = yield* setUp
      const thread = yield* client.startThread({ cwd })
      const running = yield* Effect.forkChild(failureOf(thread.run("hello")))
      yield* model.next
      yield* thread.interrupt
      const error = yield* Fiber.join(running)
      assert.deepStrictEqual(error?._tag === "TurnFailed" && error.reason, { _tag: "Interrupted" })
      const again = yield* Effect.forkChild(thread.run("again"))
      yield* model.reply("fine")
      assert.strictEqual((yield* Fiber.join(again)).text, "fine")
    })
  )

  for (const [name, end] of [
    ["interrupted", (fiber: Fiber.Fiber<unknown, unknown>) => Fiber.interrupt(fiber)],
    ["abandoned", (fiber: Fiber.Fiber<unknown, unknown>) => Fiber.join(fiber)]
  ] as const) {
    it.effect(`is interrupted when its stream is ${name} [94]`, () =>
      Effect.gen(function* () {
        const { client, model } = yield* setUp
        const thread = yield* client.startThread({ cwd })
        const events = yield* Effect.forkChild(
          Stream.runCollect(Stream.takeUntil(thread.events(), (event) => nameOf(event) === "turn/completed")),
          { startImmediately: true }
        )
        const stream = name === "interrupted" ? thread.turn("hello") : Stream.take(thread.turn("hello"), 1)
        const { fiber, seen } = yield* collect(stream)
        const call = yield* model.next
        yield* seen("turn/started")
        yield* end(fiber)
        yield* call.closed
        const last = (yield* Fiber.join(events)).at(-1)
        assert.isDefined(last)
        if (last?._tag !== "ServerNotification" || last.notification.method !== "turn/completed") return assert.fail()
        assert.strictEqual(last.notification.params.turn.status, "interrupted")
      })
    )
  }

  it.effect("that is joined by a second one has two streams, and ends when the last of them ends early", () =>
    Effect.gen(function* () {
      const { client, model } = yield* setUp
      const thread = yield* client.startThread({ cwd })
      const one = yield* collect(thread.turn("one"))
      const first = yield* model.next
      yield* one.seen("item/completed")
      const two = yield* collect(thread.turn("two"))
      yield* first.closed
      const second = yield* model.next
      yield* Fiber.interrupt(one.fiber)
      yield* second.emit(started("m"), delta("m", "for both"))
      yield* two.seen("item/agentMessage/delta")
      yield* second.finish("done")
      assert.deepStrictEqual(yield* Fiber.join(two.fiber), Exit.void)
    })
  )

  it.effect("takes more input while it runs", () =>
    Effect.gen(function* () {
      const { client, model } = yield* setUp
      const thread = yield* client.startThread({ cwd })
      const running = yield* Effect.forkChild(thread.run("one"))
      const first = yield* model.next
      const { turnId } = yield* thread.steer("two")
      yield* first.finish("…")
      yield* model.reply("both")
      const { items, text, turn } = yield* Fiber.join(running)
      assert.deepStrictEqual(
        [text, turn.id, items.filter(({ type }) => type === "userMessage").length],
        ["both", turnId, 2]
      )
      const error = yield* Effect.flip(thread.steer("three"))
      assert.deepStrictEqual(error._tag === "ServerError" && error.detail, "no active turn to steer")
    })
  )

  it.effect("of another client is among the thread's events, and not in a stream of this client", () =>
    Effect.gen(function* () {
      const { client, connect, model } = yield* setUp
      const thread = yield* client.startThread({ cwd })
      const running = yield* Effect.forkChild(thread.run("mine"))
      yield* model.reply("first")
      yield* Fiber.join(running)
      const two = yield* connect("two")
      const theirs = yield* two.resumeThread({ threadId: thread.id })
      const seen = yield* collect(Stream.takeUntil(thread.events(), (event) => nameOf(event) === "turn/completed"))
      const other = yield* Effect.forkChild(theirs.run("theirs"))
      yield* model.reply("second")
      yield* Fiber.join(other)
      assert.deepStrictEqual(yield* Fiber.join(seen.fiber), Exit.void)
      assert.include(namesOf(seen.events), "turn/started")
    })
  )

  it.effect("asks its handler, its stream, or no consumer: then the request is refused and the turn goes on", () =>
    Effect.gen(function* () {
      const { client, model } = yield* setUp
      const thread = yield* client.startThread({ cwd })
      const asked = yield* Effect.forkChild(thread.run("one"))
      yield* model.call(["ask", "c1"])
      yield* model.reply("nobody answered")
      assert.strictEqual((yield* Fiber.join(asked)).text, "nobody answered")
      const answering = yield* collect(
        Stream.tap(thread.turn("two"), (event) =>
          event._tag === "ServerRequest" && event.request.method === "item/commandExecution/requestApproval"
            ? client.respond(event.request, { decision: "accept" })
            : Effect.void
        )
      )
      yield* model.call(["ask", "c2"])
      const { request } = yield* model.reply("accepted")
      assert.include(JSON.stringify(request.input), "decided accept")
      assert.deepStrictEqual(yield* Fiber.join(answering.fiber), Exit.void)
      yield* client.handle("item/commandExecution/requestApproval", () =>
        Effect.succeed({ decision: "cancel" as const })
      )
      const cancelled = yield* failureOf(
        Effect.raceFirst(thread.run("three"), Effect.andThen(model.call(["ask", "c3"]), Effect.never))
      )
      assert.deepStrictEqual(cancelled?._tag === "TurnFailed" && cancelled.reason, { _tag: "Interrupted" })
    }).pipe(Effect.scoped)
  )

  it.effect("cannot be started in a thread that does not exist, and leaves nothing behind", () =>
    Effect.gen(function* () {
      const { client } = yield* setUp
      const id = "01a34567-0000-7000-8000-000000000000"
      const error = yield* failureOf(client.thread(id).run("hello"))
      assert.strictEqual(error?.message, `turn/start failed: thread not found: ${id} (code -32600)`)
    })
  )
})

/** A client of a fake server that reconnects, with a turn under way. */
const remote = Effect.gen(function* () {
  const server = yield* FakeServer.make
  const reconnect = { initialDelay: "1 second", maxDelay: "1 second" } as const
  const connecting = yield* Effect.forkChild(RemoteLink.client(server.endpoint, { ...options, reconnect }))
  const connection = yield* server.accept
  yield* FakeServer.welcome(connection)
  const client = yield* Fiber.join(connecting)
  return { client, connection, server }
})

const turn = (status: string, id = "u") => ({
  id,
  rootTurnId: id,
  items: [],
  itemsView: "notLoaded",
  status,
  error: null,
  startedAt: null,
  completedAt: null,
  durationMs: null
})

describe("a turn over a connection", () => {
  it.effect("fails when the connection ends before it does", () =>
    Effect.gen(function* () {
      const { connection, client } = yield* remote
      const running = yield* Effect.forkChild(failureOf(client.thread("t").run("hello")))
      const { id } = yield* connection.receive
      yield* connection.send({ id, result: { turn: turn("inProgress") } })
      yield* connection.send({ id: 9, method: "currentTime/read", params: { threadId: "t" } })
      yield* connection.receive
      yield* client.shutdown
      const error = yield* Fiber.join(running)
      assert.deepStrictEqual(error?._tag === "TransportError" && [error.reason._tag, error.detail], [
        "Closed",
        "the connection ended before the turn"
      ])
    }).pipe(Effect.scoped)
  )

  it.effect("that is interrupted before the answer to its start is interrupted when the answer arrives", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* remote
      const running = yield* Effect.forkChild(client.thread("t").run("hello"))
      const { id } = yield* connection.receive
      yield* Fiber.interrupt(running)
      yield* connection.send({ id, result: { turn: turn("inProgress") } })
      const { method, params } = yield* connection.receive
      assert.deepStrictEqual([method, params], ["turn/interrupt", { threadId: "t", turnId: "u" }])
    }).pipe(Effect.scoped)
  )

  it.effect("does not wait longer than five seconds for a server that does not stop it", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* remote
      const running = yield* Effect.forkChild(client.thread("t").run("hello"))
      const { id } = yield* connection.receive
      yield* connection.send({ id, result: { turn: turn("inProgress") } })
      // An event of the turn shows that the stream has the answer.
      yield* connection.send({ id: 9, method: "currentTime/read", params: { threadId: "t" } })
      yield* connection.receive
      const stopping = yield* Effect.forkChild(Fiber.interrupt(running), { startImmediately: true })
      assert.strictEqual((yield* connection.receive)["method"], "turn/interrupt")
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(stopping)
    }).pipe(Effect.scoped)
  )

  it.effect("is read again after a reconnect in which its end was missed", () =>
    Effect.gen(function* () {
      const { client, connection, server } = yield* remote
      const starting = yield* Effect.forkChild(client.raw("thread/start", {}))
      const start = yield* connection.receive
      yield* connection.send({ id: start["id"], result: { thread: { id: "t" } } })
      yield* Fiber.join(starting)
      const running = yield* Effect.forkChild(failureOf(client.thread("t").run("hello")))
      const { id } = yield* connection.receive
      yield* connection.send({ id, result: { turn: turn("inProgress") } })
      yield* connection.send({ id: 9, method: "currentTime/read", params: { threadId: "t" } })
      yield* connection.receive
      yield* connection.lose("EndOfStream", "closed the connection")
      yield* connection.closed
      yield* TestClock.adjust("1 second")
      const again = yield* server.accept
      yield* FakeServer.welcome(again)
      const resume = yield* again.receive
      yield* again.send({ id: resume["id"], result: { thread: { id: "t" } } })
      const read = yield* again.receive
      assert.strictEqual(read["method"], "thread/read")
      yield* again.send({ id: read["id"], error: { code: -32600, message: "thread not loaded: t" } })
      assert.strictEqual((yield* again.receive)["method"], "turn/interrupt")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(
        (yield* Fiber.join(running))?.message,
        "thread/read failed: thread not loaded: t (code -32600)"
      )
    }).pipe(Effect.scoped)
  )
})
