import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Thread as ThreadView } from "../../../src/protocol/v2/thread/Thread.ts"
import * as Memory from "../../../src/layers/stores/Memory.ts"
import { RequestError } from "../../../src/services/routing/RequestError.ts"
import type { ThreadEvent } from "../../../src/services/thread/ThreadEvent.ts"
import { ThreadStore } from "../../../src/services/thread/ThreadStore.ts"
import { readState } from "../../../src/services/thread/StoredThread.ts"
import { completed, delta, done, started } from "../../support/ScriptedModel.ts"
import { created, turnEvents, userMessage } from "../../../src/testing/ThreadEvents.ts"
import { cwd, makeServer, userInput, type ServerOptions } from "../../support/Server.ts"
import * as SlowStore from "../../support/SlowStore.ts"
import { unread } from "../../support/Threads.ts"
import { asking } from "../../support/Tools.ts"

const unknown = "0198c0de-0000-7000-8000-000000000000"

const invalid = (message: string) => new RequestError({ code: -32600, message })

/** A server with a client and its thread, which has had a turn. */
const setUp = Effect.fnUntraced(function* (options: ServerOptions = {}) {
  const server = yield* makeServer(options)
  const client = yield* server.connect()
  const { thread } = yield* client.request("thread/start", { cwd })
  const threadId = thread.id
  const start = (text: string) => client.request("turn/start", { threadId, input: userInput(text) })
  yield* start("hello")
  yield* server.model.reply("hi")
  yield* client.notified("turn/completed")

  /** Another client, over a wire, whose messages and responses share one order. */
  const late = Effect.gen(function* () {
    const wire = yield* server.wire()
    yield* wire.initialize()
    /** Resumes and returns the thread of the response. */
    const resume = Effect.map(wire.request(1, "thread/resume", { threadId }), (answer) => {
      assert.strictEqual(answer["id"], 1)
      return (answer["result"] as { readonly thread: ThreadView }).thread
    })
    /** All messages up to and including this method. */
    const until = Effect.fnUntraced(function* (method: string) {
      const received: Array<Record<string, unknown>> = []
      do received.push(yield* wire.next)
      while (received.at(-1)?.["method"] !== method)
      return received
    })
    return { ...wire, resume, until }
  })
  return { ...server, client, late, start, threadId }
})

const methods = (received: ReadonlyArray<Record<string, unknown>>) => received.map((message) => message["method"])

/** The client's state of a thread after the response and the notifications. */
const known = (thread: ThreadView, received: ReadonlyArray<Record<string, unknown>>) => {
  const turns = thread.turns.map(({ id }) => id)
  const ended = thread.turns.filter(({ status }) => status !== "inProgress").map(({ id }) => id)
  const items = thread.turns.flatMap((turn) => turn.items.map(({ id }) => id))
  for (const { method, params } of received) {
    const { turn, item } = params as {
      readonly turn?: { readonly id: string }
      readonly item?: { readonly id: string }
    }
    if (method === "turn/started") turns.push(turn?.id ?? "")
    if (method === "turn/completed") ended.push(turn?.id ?? "")
    if (method === "item/completed") items.push(item?.id ?? "")
  }
  return { turns, ended, items }
}

describe("thread/resume", () => {
  describe("of a running thread", () => {
    it.effect("is answered, followed by tokens, goal, pending requests by id, and new events [62]", () =>
      Effect.gen(function* () {
        const { client, late, model, start } = yield* setUp({ toolbox: [asking] })
        yield* start("work")
        yield* model.call(["ask", "c1"], ["ask", "c2"], ["ask", "c3"])
        for (let count = 0; count < 3; count++) yield* client.asked
        yield* client.handle.respondToServerRequest(1, { decision: "accept" })
        yield* client.notified("item/completed")
        const other = yield* late
        const thread = yield* other.resume
        assert.deepStrictEqual(
          thread.turns.map(({ status }) => status),
          ["completed", "inProgress"]
        )
        assert.deepStrictEqual(thread.status, { type: "active", activeFlags: ["waitingOnApproval"] })
        const received = [yield* other.next, yield* other.next, yield* other.next, yield* other.next]
        assert.deepStrictEqual(
          received.map((message) => message["id"] ?? message["method"]),
          ["thread/tokenUsage/updated", "thread/goal/cleared", 0, 2]
        )
        yield* client.handle.respondToServerRequest(2, { decision: "accept" })
        assert.deepStrictEqual(methods(yield* other.until("item/completed")), [
          "serverRequest/resolved",
          "item/completed"
        ])
      })
    )

    const stages: ReadonlyArray<readonly [stage: string, meant: (event: ThreadEvent) => boolean]> = [
      ["a turn begins", (event) => event._tag === "TurnStarted"],
      ["the user message is recorded", (event) => event._tag === "ItemCompleted" && event.item.type === "userMessage"],
      ["an item ends", (event) => event._tag === "ItemCompleted" && event.item.type === "agentMessage"],
      ["tokens are counted", (event) => event._tag === "TokensCounted"],
      ["the turn ends", (event) => event._tag === "TurnEnded"]
    ]
    for (const [stage, meant] of stages) {
      it.effect(`misses nothing and gets nothing twice when it resumes while ${stage} [62]`, () =>
        Effect.gen(function* () {
          const slow = yield* SlowStore.make
          const { client, late, model, router, start, threadId } = yield* setUp({ store: slow.layer })
          const halted = slow.haltAt(meant)
          yield* start("more")
          yield* Effect.forkChild(model.reply("ok"))
          yield* halted.reached
          const other = yield* late
          const thread = yield* other.resume
          yield* halted.goOn
          yield* client.notified("turn/completed")
          yield* router.notify("thread/closed", { threadId }, threadId)
          const received = yield* other.until("thread/closed")
          const record = yield* readState(slow.store, threadId)
          const all = {
            turns: record!.turns.map(({ id }) => id),
            ended: record!.turns.map(({ id }) => id),
            items: record!.turns.flatMap((turn) => turn.items.map(({ id }) => id))
          }
          assert.strictEqual(all.turns.length, 2)
          assert.deepStrictEqual(known(thread, received), all)
        })
      )
    }

    it.effect("receives the rest of a partial answer, and its complete end [62]", () =>
      Effect.gen(function* () {
        const { client, late, model, start } = yield* setUp()
        yield* start("more")
        const call = yield* model.next
        yield* call.emit(started("m"), delta("m", "one "))
        yield* client.notified("item/agentMessage/delta")
        const other = yield* late
        const thread = yield* other.resume
        assert.deepStrictEqual(
          thread.turns.at(-1)?.items.map(({ type }) => type),
          ["userMessage"]
        )
        yield* call.emit(delta("m", "two"), done("m", "one two"), completed)
        yield* call.finish()
        const received = yield* other.until("turn/completed")
        assert.deepStrictEqual(methods(received).slice(0, 4), [
          "thread/tokenUsage/updated",
          "thread/goal/cleared",
          "item/agentMessage/delta",
          "item/completed"
        ])
        assert.include(JSON.stringify(received[3]), '"text":"one two"')
      })
    )

    it.effect("repeated sends nothing twice", () =>
      Effect.gen(function* () {
        const { client, model, start, threadId } = yield* setUp()
        yield* client.request("thread/resume", { threadId })
        yield* client.notified("thread/goal/cleared")
        yield* start("more")
        yield* model.reply("ok")
        const names = yield* client.names("turn/completed")
        assert.strictEqual(names.filter((name) => name === "turn/started").length, 1)
      })
    )
  })

  describe("of an unloaded thread", () => {
    /** A store with a thread whose server died in its second turn. */
    const stored = Layer.effect(
      ThreadStore,
      Effect.gen(function* () {
        const store = yield* ThreadStore
        const at = 1_700_000_000_000
        yield* store.append(unknown, 0, [
          created(unknown),
          ...turnEvents("u1", at, "hello", "hi"),
          { _tag: "TurnStarted", at: at + 5000, turnId: "u2", rootTurnId: "u2" },
          { _tag: "ItemCompleted", at: at + 5000, turnId: "u2", item: userMessage("i", "more") }
        ])
        return store
      })
    ).pipe(Layer.provide(Memory.layer), Layer.orDie)

    it.effect("shows unfinished turns as interrupted, and so does thread/read [63]", () =>
      Effect.gen(function* () {
        const { connect } = yield* makeServer({ store: stored })
        const client = yield* connect()
        const stale = (thread: ThreadView) => thread.turns.map(({ id, status, items }) => [id, status, items.length])
        const expected = [
          ["u1", "completed", 2],
          ["u2", "interrupted", 1]
        ]
        const read = yield* client.request("thread/read", { threadId: unknown, includeTurns: true })
        assert.deepStrictEqual([stale(read.thread), read.thread.status], [expected, { type: "notLoaded" }])
        const { thread } = yield* client.request("thread/resume", { threadId: unknown })
        assert.deepStrictEqual([stale(thread), thread.status], [expected, { type: "idle" }])
        const again = yield* client.request("thread/read", { threadId: unknown, includeTurns: true })
        assert.deepStrictEqual(stale(again.thread), expected)
      })
    )

    it.effect("publishes its status without thread/started, and the conversation continues", () =>
      Effect.gen(function* () {
        const { connect, model } = yield* makeServer({ store: stored })
        const client = yield* connect()
        yield* client.request("thread/resume", { threadId: unknown })
        const received = [yield* client.next, yield* client.next, yield* client.next]
        assert.deepStrictEqual(
          received.map((event) => event._tag === "ServerNotification" && event.notification.method),
          ["thread/status/changed", "thread/tokenUsage/updated", "thread/goal/cleared"]
        )
        yield* client.request("turn/start", { threadId: unknown, input: userInput("and now") })
        const call = yield* model.reply("ok")
        const input = call.request.input.map((entry) => JSON.stringify(entry))
        assert.isTrue(input.some((entry) => entry.includes("hello")) && input.at(-1)?.includes("and now"))
        assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "completed")
      })
    )

    it.effect("loads it once for concurrent requests", () =>
      Effect.gen(function* () {
        const { connect, threads } = yield* makeServer({ store: stored })
        const clients = [yield* connect(), yield* connect()]
        yield* Effect.forEach(clients, (client) => client.request("thread/resume", { threadId: unknown }), {
          concurrency: 2
        })
        assert.deepStrictEqual(threads.loaded(), [unknown])
      })
    )
  })

  describe("of a loaded thread without subscribers, with overrides", () => {
    it.effect("loads it again when they change it, and continues the conversation [81]", () =>
      Effect.gen(function* () {
        const { client, model, start, threadId } = yield* setUp()
        yield* client.request("thread/unsubscribe", { threadId })
        const overrides = { approvalPolicy: "never", sandbox: "read-only" } as const
        const resumed = yield* client.request("thread/resume", { threadId, ...overrides })
        assert.deepStrictEqual(
          [resumed.approvalPolicy, resumed.sandbox.type, resumed.thread.turns.length],
          ["never", "readOnly", 1]
        )
        assert.deepStrictEqual(yield* client.names("thread/goal/cleared"), [
          "thread/status/changed",
          "thread/status/changed",
          "thread/tokenUsage/updated",
          "thread/goal/cleared"
        ])
        yield* start("and now")
        const call = yield* model.reply("ok")
        assert.isTrue(call.request.input.some((entry) => JSON.stringify(entry).includes("hello")))
        assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "completed")
      })
    )

    it.effect("joins it without overrides, while another client is subscribed, and while a turn runs [81]", () =>
      Effect.gen(function* () {
        const { client, connect, model, start, threadId } = yield* setUp()
        const other = yield* connect()
        const { approvalPolicy } = yield* client.request("thread/resume", { threadId })
        const change = { threadId, approvalPolicy: "never", cwd: "/spindle-test/other" } as const
        assert.notStrictEqual(approvalPolicy, "never")
        const resume = (params: { readonly threadId: string; readonly approvalPolicy?: "never" }) =>
          Effect.map(other.request("thread/resume", params), (resumed) => resumed.approvalPolicy)
        assert.strictEqual(yield* resume(change), approvalPolicy)
        yield* other.request("thread/unsubscribe", { threadId })
        yield* start("slow")
        const call = yield* model.next
        yield* client.request("thread/unsubscribe", { threadId })
        assert.strictEqual(yield* resume(change), approvalPolicy)
        yield* call.finish("done")
        yield* other.notified("turn/completed")
        yield* other.request("thread/unsubscribe", { threadId })
        assert.strictEqual(yield* resume({ threadId }), approvalPolicy)
        assert.deepStrictEqual(yield* other.names("thread/goal/cleared"), [
          "thread/tokenUsage/updated",
          "thread/goal/cleared"
        ])
      })
    )
  })

  describe("of a thread that cannot be resumed", () => {
    it.effect("reports a missing record: before the first turn, of an ephemeral or an unknown thread", () =>
      Effect.gen(function* () {
        const { connect, model } = yield* makeServer()
        const client = yield* connect()
        const other = yield* connect()
        const fresh = yield* client.request("thread/start", { cwd })
        const ephemeral = yield* client.request("thread/start", { cwd, ephemeral: true })
        yield* client.request("turn/start", { threadId: ephemeral.thread.id, input: userInput("x") })
        yield* model.reply("ok")
        yield* client.notified("turn/completed")
        for (const threadId of [fresh.thread.id, ephemeral.thread.id, unknown]) {
          assert.deepStrictEqual(
            yield* Effect.flip(other.request("thread/resume", { threadId })),
            invalid(`no rollout found for thread id ${threadId}`)
          )
        }
      })
    )

    it.effect("reports the error of an invalid id", () =>
      Effect.gen(function* () {
        const { connect } = yield* makeServer()
        const client = yield* connect()
        assert.deepStrictEqual(
          yield* Effect.flip(client.request("thread/resume", { threadId: "abc" })),
          invalid("invalid session id: invalid length: expected length 32 for simple format, found 3")
        )
        assert.deepStrictEqual(
          yield* Effect.flip(client.request("turn/start", { threadId: unknown, input: [] })),
          invalid(`thread not found: ${unknown}`)
        )
      })
    )
  })

  describe("when the store fails", () => {
    const failedTurn = {
      message: "thread store failed to append",
      codexErrorInfo: "other",
      additionalDetails: null,
      misalignment: null
    }

    it.effect("the turn fails, clients are warned once, and no turn starts until the store works again", () =>
      Effect.gen(function* () {
        const slow = yield* SlowStore.make
        const { client, model, start, threadId } = yield* setUp({ store: slow.layer })
        const before = yield* readState(slow.store, threadId)
        slow.break()
        yield* start("more")
        const warning = yield* client.notified("warning")
        assert.strictEqual(
          warning.message,
          "thread store failed to append. What happened since is kept in memory only. No turn starts in this thread until it can be stored."
        )
        const { turn } = yield* client.notified("turn/completed")
        assert.deepStrictEqual([turn.status, turn.error], ["failed", failedTurn])
        assert.deepStrictEqual(yield* readState(slow.store, threadId), before)
        const refused = yield* Effect.flip(start("again"))
        assert.deepStrictEqual(refused, new RequestError({ code: -32603, message: "thread store failed to append" }))
        const { thread } = yield* client.request("thread/read", { threadId, includeTurns: true })
        assert.deepStrictEqual(
          thread.turns.map(({ status }) => status),
          ["completed", "failed"]
        )
        slow.repair()
        yield* start("once more")
        yield* model.reply("ok")
        assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "completed")
        const stored = yield* readState(slow.store, threadId)
        assert.deepStrictEqual(
          stored?.turns.map(({ items, status }) => [status, items.length]),
          [
            ["completed", 2],
            ["failed", 1],
            ["completed", 2]
          ]
        )
        const names = yield* unread(client)
        assert.notInclude(names, "warning")
      })
    )
  })
})
