import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import { fromServiceError } from "../../../../src/services/connection/ServiceError.ts"
import { RequestError } from "../../../../src/services/routing/RequestError.ts"
import { ActiveTurn } from "../../../../src/services/thread/turn/ActiveTurn.ts"
import { TurnNotSteerable } from "../../../../src/services/thread/ThreadError.ts"
import { failure, text, type Tool, type ToolTurn } from "../../../../src/services/tool/Tool.ts"
import { nameOf } from "../../../support/Server.ts"
import { makeThread, paramsOf, unread } from "../../../support/Threads.ts"

const toolOf = (run: Tool["run"]): Tool => ({
  spec: { type: "function", name: "ask", description: "", parameters: { type: "object" }, strict: false },
  publishesItems: true,
  run
})

const question = { id: "q", header: "Pick", question: "Which?", isOther: true, isSecret: false, options: null }

const askUser = (callId: string, turn: ToolTurn) =>
  turn.ask("item/tool/requestUserInput", {
    itemId: callId,
    questions: [question],
    isBlocking: true,
    autoResolutionMs: null
  })

/** A tool that sends a request, and returns the answer or the failure to the model. */
const asking = toolOf(({ callId }, turn) =>
  askUser(callId, turn).pipe(
    Effect.map(({ answers }) => text(JSON.stringify(answers))),
    Effect.catchTag("AskFailed", ({ reason }) => Effect.succeed(failure(`failed ${reason}`)))
  )
)

const withoutTokens = (events: ReadonlyArray<Parameters<typeof nameOf>[0]>) =>
  events.filter((event) => nameOf(event) !== "thread/tokenUsage/updated")

/** A log that dies of this message. */
const dyingLog = (text: string) =>
  Logger.layer([
    Logger.make(({ message }) => {
      if (String(message) === text) throw new Error("the log dies")
    })
  ])

describe("a request of a tool", () => {
  it.effect("makes the thread wait for the user, in the release's order [78]", () =>
    Effect.gen(function* () {
      const { client, model, start, threadId } = yield* makeThread({ toolbox: [asking] })
      yield* start("go")
      const { request } = yield* model.call(["ask", "c1"])
      const before = withoutTokens(yield* client.until((event) => event._tag === "ServerRequest"))
      assert.deepStrictEqual(before.slice(-2).map(nameOf), [
        "thread/status/changed",
        "request item/tool/requestUserInput"
      ])
      const flagged = { threadId, status: { type: "active", activeFlags: ["waitingOnUserInput"] } }
      assert.deepStrictEqual(paramsOf(before.at(-2)), flagged)
      const asked = before.at(-1)
      assert(asked?._tag === "ServerRequest")
      assert.deepStrictEqual(asked.request.params, {
        threadId,
        turnId: request.turnId,
        itemId: "c1",
        questions: [question],
        isBlocking: true,
        autoResolutionMs: null
      })
      const answers = { q: { answers: ["A"] } }
      yield* client.handle.respondToServerRequest(asked.request.id, { answers })
      const last = yield* model.reply("done")
      const after = withoutTokens(yield* client.until((event) => nameOf(event) === "item/started"))
      assert.deepStrictEqual(after.map(nameOf), ["serverRequest/resolved", "thread/status/changed", "item/started"])
      assert.deepStrictEqual(paramsOf(after[1]), { threadId, status: { type: "active", activeFlags: [] } })
      assert.include(JSON.stringify(last.request.input.at(-1)), '"output":"{\\"q\\":{\\"answers\\":[\\"A\\"]}}"')
    })
  )

  it.effect("that the client runs sets no waiting flag", () =>
    Effect.gen(function* () {
      const calling = toolOf((call, turn) =>
        turn.ask("item/tool/call", { callId: call.callId, namespace: null, tool: "x", arguments: {} }).pipe(
          Effect.orDie,
          Effect.map(({ success }) => text(String(success)))
        )
      )
      const { client, model, start } = yield* makeThread({ toolbox: [calling] })
      yield* start("go")
      yield* model.call(["ask", "c1"])
      const events = yield* client.until((event) => event._tag === "ServerRequest")
      assert.strictEqual(events.filter((event) => nameOf(event) === "thread/status/changed").length, 1)
      const asked = events.at(-1)
      assert(asked?._tag === "ServerRequest")
      yield* client.handle.respondToServerRequest(asked.request.id, { contentItems: [], success: true })
      const last = yield* model.reply("done")
      assert.include(JSON.stringify(last.request.input.at(-1)), '"output":"true"')
    })
  )

  const bad = [
    ["malformed", { answers: 5 }],
    ["malformed", null]
  ] as const
  it.effect.each(bad)("fails for an answer that is %s: %j", ([reason, answer]) =>
    Effect.gen(function* () {
      const { client, model, start } = yield* makeThread({ toolbox: [asking] })
      yield* start("go")
      yield* model.call(["ask", "c1"])
      const { id } = yield* client.asked
      yield* client.handle.respondToServerRequest(id, answer)
      const last = yield* model.reply("done")
      assert.include(JSON.stringify(last.request.input.at(-1)), `failed ${reason}`)
      const statuses = (yield* client.until((event) => nameOf(event) === "turn/completed")).flatMap((event) =>
        nameOf(event) === "thread/status/changed" ? [JSON.stringify(paramsOf(event))] : []
      )
      assert.isFalse(statuses.some((status) => status.includes("waitingOnUserInput")))
    })
  )

  it.effect("of a call that is left behind is published as resolved once, and the call asks nothing more", () =>
    Effect.gen(function* () {
      const released = yield* Deferred.make<void>()
      const stubborn = toolOf((call, turn) =>
        Effect.gen(function* () {
          yield* asking.run(call, turn)
          const output = yield* asking.run(call, turn)
          yield* Deferred.succeed(released, undefined)
          return output
        }).pipe(Effect.uninterruptible)
      )
      const { client, model, start, threadId } = yield* makeThread({ toolbox: [stubborn] })
      yield* start("go")
      yield* model.call(["ask", "c1"])
      yield* client.asked
      const interrupting = yield* Effect.forkChild(client.request("turn/interrupt", { threadId, turnId: "" }))
      while (interrupting.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
      yield* Deferred.await(released)
      const names = yield* client.names("serverRequest/resolved")
      assert.deepStrictEqual(names.slice(-2), ["turn/completed", "serverRequest/resolved"])
      assert.deepStrictEqual(yield* unread(client), [])
    })
  )

  it.effect("ends with a turn whose end dies, which has failed", () =>
    Effect.gen(function* () {
      const { client, model, serverRequests, start, threadId } = yield* makeThread()
      yield* start("go")
      const answering = yield* model.next
      const call = { turnId: "u", callId: "c", namespace: null, tool: "x", arguments: {} }
      const { id } = yield* serverRequests.ask(threadId, "item/tool/call", { threadId, ...call })
      yield* client.asked
      yield* answering.finish("done")
      const events = yield* client.until((event) => nameOf(event) === "serverRequest/resolved")
      assert.deepStrictEqual(events.slice(-4).map(nameOf), [
        "thread/status/changed",
        "thread/readState/changed",
        "turn/completed",
        "serverRequest/resolved"
      ])
      assert.deepStrictEqual(paramsOf(events.at(-4)), { threadId, status: { type: "systemError" } })
      assert.deepStrictEqual(paramsOf(events.at(-1)), { threadId, requestId: id })
      const { turns } = (yield* client.request("thread/read", { threadId, includeTurns: true })).thread
      assert.deepStrictEqual(
        turns.map(({ status }) => status),
        ["failed"]
      )
    }).pipe(Effect.provide(dyingLog("turn completed")), Effect.provideService(References.MinimumLogLevel, "Debug"))
  )

  it.effect("is withdrawn when its tool stops waiting, and a late answer is ignored [78]", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const impatient = toolOf(({ callId }, turn) =>
        Effect.raceFirst(
          Effect.as(Effect.orDie(askUser(callId, turn)), text("answered")),
          Effect.as(Deferred.await(gate), text("went on"))
        )
      )
      const { client, model, start, threadId } = yield* makeThread({ toolbox: [impatient] })
      yield* start("go")
      yield* model.call(["ask", "c1"])
      const { id } = yield* client.asked
      yield* Deferred.succeed(gate, undefined)
      const last = yield* model.reply("done")
      assert.include(JSON.stringify(last.request.input.at(-1)), "went on")
      const events = withoutTokens(yield* client.until((event) => nameOf(event) === "item/started"))
      assert.deepStrictEqual(events.map(nameOf), ["serverRequest/resolved", "thread/status/changed", "item/started"])
      assert.deepStrictEqual(paramsOf(events[0]), { threadId, requestId: id })
      assert.deepStrictEqual(paramsOf(events[1]), { threadId, status: { type: "active", activeFlags: [] } })
      yield* client.handle.respondToServerRequest(id, { answers: {} })
      assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "completed")
    })
  )

  it.effect("ends with the turn, and a later one fails at once [65] [78]", () =>
    Effect.gen(function* () {
      const turns: Array<ToolTurn> = []
      const entered = yield* Deferred.make<void>()
      const tool = toolOf((call, turn) => {
        turns.push(turn)
        return Effect.andThen(Deferred.succeed(entered, undefined), asking.run(call, turn))
      })
      const { client, model, start, threadId } = yield* makeThread({ toolbox: [tool] })
      yield* start("go")
      yield* model.call(["ask", "c1"])
      yield* client.asked
      yield* client.request("turn/interrupt", { threadId, turnId: "" })
      const events = yield* client.until((event) => nameOf(event) === "serverRequest/resolved")
      assert.deepStrictEqual(events.slice(-3).map(nameOf), [
        "thread/status/changed",
        "turn/completed",
        "serverRequest/resolved"
      ])
      const [turn] = turns
      assert(turn !== undefined)
      assert.strictEqual((yield* Effect.flip(askUser("c2", turn))).reason, "turnTransition")
      const { thread } = yield* client.request("thread/read", { threadId })
      assert.deepStrictEqual(thread.status, { type: "idle" })
    })
  )
})

describe("a turn whose kind takes no input", () => {
  it("refuses steering with the release's text", () => {
    const turn = new ActiveTurn("t", "t", { kind: "compact", steerable: false })
    assert.isFalse(turn.steer({ item: null, entry: null, key: null }))
    assert.isTrue(turn.finish())
    const refusal = (purpose: "steer" | "submit", turnKind: "compact" | "review") =>
      fromServiceError(new TurnNotSteerable({ purpose, turnKind }))
    assert.deepStrictEqual(
      refusal("steer", "compact"),
      new RequestError({
        code: -32600,
        message: "cannot steer a compact turn",
        data: {
          message: "cannot steer a compact turn",
          codexErrorInfo: { activeTurnNotSteerable: { turnKind: "compact" } },
          additionalDetails: null,
          misalignment: null
        }
      })
    )
    assert.deepStrictEqual(
      refusal("submit", "review"),
      new RequestError({
        code: -32603,
        message: "failed to submit turn input: ActiveTurnNotSteerable { turn_kind: Review }"
      })
    )
  })
})
