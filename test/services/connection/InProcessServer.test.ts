import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as AppServer from "../../../src/layers/AppServer.ts"
import { ModelProvider } from "../../../src/services/model/ModelProvider.ts"
import type { SessionSource } from "../../../src/protocol/v2/thread/Thread.ts"
import * as MemoryFiles from "../../support/MemoryFiles.ts"
import { started } from "../../support/ScriptedModel.ts"
import { clientOf, cwd, makeServer, nameOf, optionsOf, userInput } from "../../support/Server.ts"
import { closed, List } from "../../support/Runtime.ts"

describe("InProcess", () => {
  describe("a whole server", () => {
    it.effect("answers typed requests and stops on shutdown", () =>
      Effect.gen(function* () {
        const handle = yield* AppServer.start({
          ...optionsOf({}),
          initialize: { clientInfo: { name: "test", version: "1" } }
        }).pipe(Effect.provide(MemoryFiles.make().layer))
        const client = clientOf(handle)
        const started = yield* client.request("thread/start", {})
        const { thread } = yield* client.request("thread/read", { threadId: started.thread.id })
        assert.deepStrictEqual(thread, started.thread)
        yield* handle.shutdown
        assert.deepStrictEqual(yield* Effect.flip(client.request("thread/loaded/list", {})), closed)
      })
    )

    it.effect("logs to stderr when the embedding program has no logger, and never to stdout", () =>
      Effect.gen(function* () {
        const lines: Array<readonly [stream: "stdout" | "stderr", first: unknown]> = []
        const console = {
          ...globalThis.console,
          log: (first: unknown) => lines.push(["stdout", first]),
          error: (first: unknown) => lines.push(["stderr", first])
        }
        const model = Layer.succeed(ModelProvider, { stream: () => Stream.die(new Error("broken")) })
        const program = Effect.gen(function* () {
          const handle = yield* AppServer.start({
            ...optionsOf({}),
            model,
            initialize: { clientInfo: { name: "test", version: "1" } }
          })
          const client = clientOf(handle)
          const { thread } = yield* client.request("thread/start", { cwd })
          yield* client.request("turn/start", { threadId: thread.id, input: userInput("hello") })
          assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "failed")
        })
        yield* program.pipe(
          Effect.provide(MemoryFiles.make().layer),
          Effect.provide(Logger.layer([Logger.defaultLogger])),
          Effect.provideService(Console.Console, console)
        )
        assert.isAbove(lines.length, 0)
        assert.deepStrictEqual(
          lines.filter(([stream]) => stream === "stdout"),
          []
        )
      })
    )

    for (const sessionSource of ["cli", "exec"] as const satisfies ReadonlyArray<SessionSource>) {
      it.effect(`shows on each thread that it was started from ${sessionSource} [21]`, () =>
        Effect.gen(function* () {
          const { connect } = yield* makeServer({ sessionSource })
          const client = yield* connect()
          const { thread } = yield* client.request("thread/start", {})
          assert.strictEqual(thread.source, sessionSource)
          assert.strictEqual((yield* client.notified("thread/started")).thread.source, sessionSource)
          const read = yield* client.request("thread/read", { threadId: thread.id })
          assert.strictEqual(read.thread.source, sessionSource)
        })
      )
    }

    it.effect("works with a capacity of 0: a thread, a turn, and every event of it [13]", () =>
      Effect.gen(function* () {
        const { connect, model } = yield* makeServer()
        const client = yield* connect({ channelCapacity: 0 })
        const { thread } = yield* client.request("thread/start", { cwd })
        yield* client.notified("thread/started")
        yield* client.request("turn/start", { threadId: thread.id, input: userInput("hello") })
        const playing = yield* Effect.forkChild(model.reply("hi"))
        const { turn } = yield* client.notified("turn/completed")
        yield* Fiber.join(playing)
        assert.strictEqual(turn.status, "completed")
      })
    )

    it.effect("answers requests while the warnings of its configuration are unread [5] [13]", () =>
      Effect.gen(function* () {
        const warning = (summary: string) => ({ summary, details: null, path: null })
        const { connect } = yield* makeServer({ configWarnings: ["a", "b", "c"].map(warning) })
        const client = yield* connect({ channelCapacity: 1 })
        assert.deepStrictEqual(yield* client.request(List, {}), { data: [], nextCursor: null })
        const published = yield* Effect.all([client.next, client.next, client.next])
        assert.deepStrictEqual<unknown>(
          published.map((event) => event._tag === "ServerNotification" && event.notification),
          ["a", "b", "c"].map((summary) => ({ method: "configWarning", params: { summary, details: null } }))
        )
      })
    )

    describe("with legacy events", () => {
      it.effect("delivers each right after its notification, and ends with the shutdown event [18]", () =>
        Effect.gen(function* () {
          const { connect, model } = yield* makeServer()
          const client = yield* connect({ legacyEvents: true, channelCapacity: 1 })
          const { thread } = yield* client.request("thread/start", { cwd })
          const threadId = thread.id
          const started = yield* client.names("codex/event/session_configured")
          assert.deepStrictEqual(started, ["thread/started", "codex/event/session_configured"])

          yield* client.request("turn/start", { threadId, input: userInput("hello") })
          yield* Effect.forkChild(model.reply("hi"))
          const first = yield* client.until((event) => nameOf(event) === "codex/event/task_complete")
          const finished = first.at(-2)
          assert.isTrue(finished?._tag === "ServerNotification" && finished.notification.method === "turn/completed")
          const complete = first.at(-1)
          assert.deepStrictEqual(complete?._tag === "LegacyNotification" && complete.notification.params, {
            id:
              finished?._tag === "ServerNotification" &&
              finished.notification.method === "turn/completed" &&
              finished.notification.params.turn.id,
            msg: {
              type: "task_complete",
              turn_id:
                finished?._tag === "ServerNotification" &&
                finished.notification.method === "turn/completed" &&
                finished.notification.params.turn.id,
              last_agent_message: "hi"
            },
            conversationId: threadId
          })

          const { turn } = yield* client.request("turn/start", { threadId, input: userInput("again") })
          yield* Effect.forkChild(model.next)
          yield* Effect.forkChild(client.request("turn/interrupt", { threadId, turnId: turn.id }))
          const second = (yield* client.names("codex/event/turn_aborted")).slice(-2)
          assert.deepStrictEqual(second, ["turn/completed", "codex/event/turn_aborted"])

          yield* client.handle.shutdown
          const last = yield* client.next
          assert.deepStrictEqual(last, {
            _tag: "LegacyNotification",
            notification: {
              method: "codex/event/shutdown_complete",
              params: { id: "", msg: { type: "shutdown_complete" }, conversationId: null }
            }
          })
          assert.strictEqual((yield* client.handle.nextEvent)._tag, "None")
        })
      )

      it.effect("does not deliver them to clients that did not opt in", () =>
        Effect.gen(function* () {
          const { connect, model } = yield* makeServer()
          const client = yield* connect()
          const { thread } = yield* client.request("thread/start", { cwd })
          yield* client.request("turn/start", { threadId: thread.id, input: userInput("hello") })
          yield* model.reply("hi")
          const names = yield* client.names("turn/completed")
          assert.isFalse(names.some((name) => name.startsWith("codex/event/")))
          yield* client.handle.shutdown
          assert.strictEqual((yield* client.handle.nextEvent)._tag, "None")
        })
      )
    })

    it.effect("interrupts the running turn when it stops, and delivers that to a late reader [23] [33]", () =>
      Effect.gen(function* () {
        const { connect, model } = yield* makeServer()
        const client = yield* connect({ channelCapacity: 1 })
        const { thread } = yield* client.request("thread/start", { cwd })
        yield* client.notified("thread/started")
        yield* client.request("turn/start", { threadId: thread.id, input: userInput("hello") })
        const reading = yield* Effect.forkChild(client.names("item/completed"))
        const call = yield* model.next
        yield* Fiber.join(reading)
        yield* call.emit(started("m"))
        yield* Effect.yieldNow
        yield* client.handle.shutdown
        yield* call.closed
        const { turn } = yield* client.notified("turn/completed")
        assert.strictEqual(turn.status, "interrupted")
      })
    )
  })
})
