import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { ModelError } from "../../../src/services/model/ModelProvider.ts"
import { RequestError } from "../../../src/services/routing/RequestError.ts"
import { cwd, makeServer, nameOf, userInput } from "../../support/Server.ts"
import { makeThread, paramsOf, unread } from "../../support/Threads.ts"

describe("Thread", () => {
  describe("a new thread", () => {
    it.effect("is broadcast as in its response, before any status [60]", () =>
      Effect.gen(function* () {
        const { connect } = yield* makeServer()
        const [client, other] = [yield* connect(), yield* connect()]
        const { thread } = yield* client.request("thread/start", { cwd })
        assert.deepStrictEqual(thread.status, { type: "idle" })
        yield* client.request("turn/start", { threadId: thread.id, input: userInput("x") })
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

    it.effect("is answered before it is broadcast [60]", () =>
      Effect.gen(function* () {
        const { wire } = yield* makeServer()
        const client = yield* wire()
        yield* client.initialize()
        yield* client.send(1, "thread/start", { cwd })
        const [answer, notified] = [yield* client.next, yield* client.next]
        assert.strictEqual(answer["id"], 1)
        assert.strictEqual(notified["method"], "thread/started")
      })
    )
  })

  describe("a turn", () => {
    it.effect("is published in the order of the release", () =>
      Effect.gen(function* () {
        const { client, model, start } = yield* makeThread()
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
        yield* model.reply("hi")
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
          "thread/readState/changed",
          "turn/completed"
        ])
      })
    )

    it.effect("includes its answer and its duration at its end", () =>
      Effect.gen(function* () {
        const { client, model, start } = yield* makeThread()
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

    it.effect("is published to the thread's subscribers; the others only get its status [61]", () =>
      Effect.gen(function* () {
        const { client, connect, turn } = yield* makeThread()
        const other = yield* connect()
        yield* turn("hello", "hi")
        assert.deepStrictEqual(yield* unread(other), ["thread/status/changed", "thread/status/changed"])
        assert.deepStrictEqual(yield* unread(client), [])
      })
    )

    it.effect("continues without subscribers, and a new one subscribes no connection [61]", () =>
      Effect.gen(function* () {
        const { client, model, start, threadId } = yield* makeThread()
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
        yield* model.reply("ok")
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

    it.effect(
      "that the model fails is published as an error and a failed turn, and the next one clears the status",
      () =>
        Effect.gen(function* () {
          const { client, model, start, turn } = yield* makeThread()
          yield* start("hello")
          const call = yield* model.next
          yield* call.fail(new ModelError({ message: "no luck", info: "serverOverloaded" }))
          const events = yield* client.until((event) => nameOf(event) === "turn/completed")
          assert.deepStrictEqual(events.slice(-4).map(nameOf), [
            "thread/status/changed",
            "error",
            "thread/readState/changed",
            "turn/completed"
          ])
          const error = {
            message: "no luck",
            codexErrorInfo: "serverOverloaded",
            additionalDetails: null,
            misalignment: null
          }
          const [status, notified, , completed] = events.slice(-4).map(paramsOf) as ReadonlyArray<
            Record<string, unknown>
          >
          assert.deepStrictEqual(status?.["status"], { type: "systemError" })
          assert.deepStrictEqual(notified?.["error"], error)
          assert.strictEqual(notified?.["willRetry"], false)
          const failed = completed?.["turn"] as Record<string, unknown>
          assert.deepStrictEqual([failed["status"], failed["error"], failed["items"]], ["failed", error, []])
          const next = yield* turn("again", "hi")
          assert.strictEqual(next.turn.status, "completed")
        })
    )

    it.effect("begins after the response to its start, and the client receives its begin", () =>
      Effect.gen(function* () {
        const { wire } = yield* makeServer()
        const client = yield* wire()
        yield* client.initialize()
        const answer = yield* client.request(1, "thread/start", { cwd })
        const { thread } = answer["result"] as { readonly thread: { readonly id: string } }
        yield* client.next
        yield* client.send(2, "turn/start", { threadId: thread.id, input: userInput("x") })
        assert.strictEqual((yield* client.next)["id"], 2)
        assert.strictEqual((yield* client.next)["method"], "thread/status/changed")
        assert.strictEqual((yield* client.next)["method"], "turn/started")
      })
    )

    it.effect("starts even if its client cannot be answered, and the thread is free afterwards", () =>
      Effect.gen(function* () {
        const { client, model, router, threadId, turn, wire } = yield* makeThread()
        const scope = yield* Scope.make()
        const slow = yield* Scope.provide(wire({ room: 1 }), scope)
        yield* slow.initialize()
        yield* Effect.yieldNow
        // Fill the queue directly, so that the response has no room.
        yield* router.notifyConnection(slow.connection, "thread/closed", { threadId })
        yield* slow.send(1, "turn/start", { threadId, input: userInput("x") })
        yield* Effect.yieldNow
        yield* Effect.yieldNow
        yield* Scope.close(scope, Exit.void)
        yield* model.reply("hi")
        yield* client.notified("turn/completed")
        yield* turn("again", "hi")
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

    it.effect("that is too long is refused by the total length of its texts, and no turn begins [68]", () =>
      Effect.gen(function* () {
        const { client, model, start, threadId } = yield* makeThread()
        const input = [...userInput("x".repeat(max)), ...userInput("yz")]
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

    it.effect("may be as long as the limit, counted in characters and not in UTF-16 units [68]", () =>
      Effect.gen(function* () {
        const { client, threadId } = yield* makeThread()
        const start = (text: string) => client.request("turn/start", { threadId, input: userInput(text) })
        assert.deepStrictEqual(yield* Effect.flip(start(`${"😀".repeat(max)}x`)), tooLarge(max + 1))
        assert.strictEqual((yield* start("😀".repeat(max))).turn.status, "inProgress")
      })
    )
  })
})
