import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TurnTransition } from "../../../src/services/routing/ServerRequests.ts"
import { RequestError } from "../../../src/services/routing/RequestError.ts"
import { nameOf } from "../../support/Server.ts"
import { asking } from "../../support/Tools.ts"
import { makeThread, paramsOf, unread } from "../../support/Threads.ts"

const approval = "item/commandExecution/requestApproval"

describe("Thread", () => {
  describe("an approval request", () => {
    it.effect("is sent to all subscribers; the first answer counts, in the order of the release [64]", () =>
      Effect.gen(function* () {
        const { client, connect, model, start, turn, threadId } = yield* makeThread({ toolbox: [asking] })
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
        const last = yield* model.reply("done")
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

    it.effect("is published in this order: status, item, request", () =>
      Effect.gen(function* () {
        const { client, model, start, threadId } = yield* makeThread({ toolbox: [asking] })
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

    it.effect("ends when the turn is interrupted, which is published after the turn's end [65]", () =>
      Effect.gen(function* () {
        const { client, model, start, threadId } = yield* makeThread({ toolbox: [asking] })
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

    it.effect("that outlives its tool ends with the turn, with a reason other than denial [65]", () =>
      Effect.gen(function* () {
        const { client, model, serverRequests, start, threadId } = yield* makeThread()
        yield* start("work")
        const answering = yield* model.next
        const asked = yield* serverRequests.ask(threadId, "item/tool/call", { threadId, ...call })
        yield* answering.finish("done")
        assert.deepStrictEqual(yield* Effect.flip(asked.answer), transition)
        const events = yield* client.until((event) => nameOf(event) === "serverRequest/resolved")
        assert.deepStrictEqual(events.slice(-2).map(nameOf), ["turn/completed", "serverRequest/resolved"])
        assert.deepStrictEqual(paramsOf(events.at(-1)), { threadId, requestId: asked.id })
      })
    )

    it.effect("that is still open between turns ends when the next one starts [65]", () =>
      Effect.gen(function* () {
        const { client, serverRequests, start, threadId } = yield* makeThread()
        const asked = yield* serverRequests.ask(threadId, "item/tool/call", { threadId, ...call })
        yield* client.asked
        yield* start("work")
        assert.deepStrictEqual(yield* Effect.flip(asked.answer), transition)
        const names = yield* client.names("turn/started")
        assert.deepStrictEqual(names, ["serverRequest/resolved", "thread/status/changed", "turn/started"])
      })
    )

    it.effect("stays when the only client leaves, and is sent to the next [58] [62]", () =>
      Effect.gen(function* () {
        const { connect, model, start, threadId, turn, client } = yield* makeThread({ toolbox: [asking] })
        yield* turn("hello", "hi")
        yield* start("work")
        yield* model.call(["ask", "c1"])
        yield* client.asked
        yield* client.request("thread/unsubscribe", { threadId })
        const other = yield* connect()
        yield* other.request("thread/resume", { threadId })
        assert.strictEqual((yield* other.asked).id, 0)
        yield* other.handle.respondToServerRequest(0, { decision: "accept" })
        yield* model.reply("done")
        assert.strictEqual((yield* other.notified("turn/completed")).turn.status, "completed")
      })
    )
  })
})
