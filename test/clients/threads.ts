/**
 * What a program builds on: threads, handlers and several consumers of events, over every kind of client and server.
 *
 * @module
 */
import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { failureOf } from "../support/Failures.ts"
import * as ModelServer from "../support/ModelServer.ts"
import { deltasOf, isDelta, turnEnds, until } from "./Events.ts"
import { liveOn } from "./Live.ts"
import { type Client, Subject } from "./Subject.ts"
import type { Traits } from "./suite.ts"

const Approval = "item/commandExecution/requestApproval"

const words = (count: number) => Array.from({ length: count }, (_, index) => `${index} `)

/** Runs a turn in which the model sends a message. */
const speak = Effect.fnUntraced(function* (thread: ReturnType<Client["thread"]>, text: string) {
  const speaking = yield* Effect.forkChild(ModelServer.reply(text))
  const result = yield* thread.run("hello")
  yield* Fiber.join(speaking)
  return result.text
})

export const threads = (
  name: string,
  layer: Layer.Layer<Subject, unknown, ModelServer.ModelServer>,
  traits: Traits
): void => {
  const live = liveOn(layer)

  describe(`a program with a client ${name}`, () => {
    live(
      "runs turns, answers approvals by a handler, and calls methods of every kind",
      Effect.gen(function* () {
        const { connect, work } = yield* Subject
        const client = yield* connect("program")
        const commands: Array<string> = []
        yield* client.handle(Approval, ({ command }) => {
          commands.push(command ?? "")
          return Effect.succeed({ decision: "accept" })
        })
        const thread = yield* client.startThread({ approvalPolicy: "untrusted" })
        const speaking = yield* Effect.forkChild(
          Effect.all([ModelServer.run("call_1", "touch handled"), ModelServer.reply("all ", "done")])
        )
        const { items, text, turn } = yield* thread.run("go")
        yield* Fiber.join(speaking)
        assert.deepStrictEqual(
          [text, turn.status, items.map(({ type }) => type), existsSync(join(work, "handled")), commands.length],
          ["all done", "completed", ["userMessage", "commandExecution", "agentMessage"], true, 1]
        )
        const { config } = yield* client.request("config/read", { includeLayers: false })
        assert.strictEqual(config.model_provider, "mock")
        assert.isArray((yield* client.request("model/list", {})).data)
        assert.isArray((yield* client.request("thread/list", {})).data)
        assert.deepStrictEqual(yield* client.raw("thread/loaded/list", {}), { data: [thread.id], nextCursor: null })
        const unknown = yield* failureOf(client.raw("no/such/method"))
        assert.strictEqual(unknown?._tag === "ServerError" && unknown.code, -32600)
        assert.strictEqual(yield* speak(thread, "again"), "again")
      })
    )

    live(
      "goes on when a handler dies: the turn ends once, and the next one works",
      Effect.gen(function* () {
        const { connect, work } = yield* Subject
        const client = yield* connect("program")
        yield* client.handle(Approval, () => Effect.die(new Error("a defect")))
        const thread = yield* client.startThread({ approvalPolicy: "untrusted" })
        const ends = yield* Effect.forkChild(
          thread.events().pipe(Stream.filter(turnEnds), Stream.take(2), Stream.runCollect),
          { startImmediately: true }
        )
        const speaking = yield* Effect.forkChild(
          Effect.all([ModelServer.run("call_1", "touch never"), ModelServer.reply("not done")])
        )
        yield* Effect.exit(thread.run("go"))
        assert.isFalse(existsSync(join(work, "never")))
        yield* Fiber.interrupt(speaking)
        assert.strictEqual(yield* speak(yield* client.startThread({}), "fine"), "fine")
        yield* speak(thread, "fine too")
        assert.lengthOf(yield* Fiber.join(ends), 2)
      })
    )

    live(
      "has consumers of events of which none delays another: one never reads, one reads late",
      Effect.gen(function* () {
        const client = yield* (yield* Subject).connect("program")
        const [lazy, late] = [
          yield* client.subscribe({ name: "lazy", capacity: 10 }),
          yield* client.subscribe({ name: "late" })
        ]
        const thread = yield* client.startThread({})
        assert.strictEqual(yield* speak(thread, "first"), "first")
        const speaking = yield* Effect.forkChild(ModelServer.reply(...words(500)))
        assert.strictEqual((yield* thread.run("count")).text, words(500).join(""))
        yield* Fiber.join(speaking)
        const events = yield* Stream.runCollect(
          late.pipe(
            Stream.filter((event) => isDelta(event) || turnEnds(event)),
            Stream.takeUntil(turnEnds),
            Stream.concat(Stream.takeUntil(late, turnEnds))
          )
        )
        assert.strictEqual(deltasOf(events).join(""), `first${words(500).join("")}`)
        const error = yield* failureOf(Stream.runDrain(lazy))
        assert.deepStrictEqual(error?._tag === "ConsumerTooSlow" && [error.consumer, error.capacity], ["lazy", 10])
        assert.strictEqual(yield* speak(yield* client.startThread({}), "fine"), "fine")
      })
    )

    live(
      "leaves a turn's stream: the turn is interrupted, and the thread goes on",
      Effect.gen(function* () {
        const { next } = yield* ModelServer.ModelServer
        const client = yield* (yield* Subject).connect("program")
        const thread = yield* client.startThread({})
        const leaving = yield* Effect.forkChild(Stream.runDrain(Stream.takeUntil(thread.turn("wait"), isDelta)))
        const asked = yield* next
        yield* asked.send(ModelServer.created, ModelServer.opened, ModelServer.delta("…"))
        yield* Fiber.join(leaving)
        yield* asked.closed
        assert.strictEqual(yield* speak(thread, "fine"), "fine")
      })
    )

    if (traits.isRemote) {
      live(
        "loses its server in the middle of a turn and of a handler: both end",
        Effect.gen(function* () {
          const { connect, end = Effect.die("the server cannot be ended") } = yield* Subject
          const client = yield* connect("program")
          const [started, stopped] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
          yield* client.handle(Approval, () =>
            Deferred.succeed(started, undefined).pipe(
              Effect.andThen(Effect.never),
              Effect.onInterrupt(() => Deferred.succeed(stopped, undefined))
            )
          )
          const thread = yield* client.startThread({ approvalPolicy: "untrusted" })
          yield* Effect.forkScoped(ModelServer.run("call_1", "touch never"))
          const running = yield* Effect.forkChild(Effect.exit(thread.run("go")))
          yield* Deferred.await(started)
          const ending = yield* Effect.forkChild(end)
          const exit = yield* Fiber.join(running)
          assert.isTrue(Exit.isFailure(exit))
          yield* Deferred.await(stopped)
          yield* client.shutdown
          yield* Fiber.join(ending)
        })
      )
    }

    if (!traits.isShared) return

    live(
      "shares a request with another one: the answer that comes second fails, and the turn ends once",
      Effect.gen(function* () {
        const { connect } = yield* Subject
        const [one, two] = [yield* connect("one"), yield* connect("two")]
        const thread = yield* one.startThread({ approvalPolicy: "untrusted" })
        assert.strictEqual(yield* speak(thread, "first"), "first")
        yield* two.resumeThread({ threadId: thread.id })
        const speaking = yield* Effect.forkChild(
          Effect.all([ModelServer.run("call_1", "touch shared"), ModelServer.reply("done")])
        )
        const running = yield* Effect.forkChild(
          thread.turn("go").pipe(
            Stream.tap((event) =>
              event._tag === "ServerRequest" && event.request.method === Approval
                ? one.respond(event.request, { decision: "accept" })
                : Effect.void
            ),
            Stream.runCollect
          )
        )
        const events = yield* until(two, turnEnds)
        const request = events.find((event) => event._tag === "ServerRequest")?.request
        if (request?.method !== Approval) return assert.fail("no server request arrived")
        const late = yield* failureOf(two.respond(request, { decision: "decline" }))
        assert.strictEqual(late?._tag, "RequestNotPending")
        assert.lengthOf((yield* Fiber.join(running)).filter(turnEnds), 1)
        yield* Fiber.join(speaking)
      })
    )
  })
}
