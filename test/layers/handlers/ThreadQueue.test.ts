import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { invalid, makeThread } from "../../support/Threads.ts"
import { userInput } from "../../support/Server.ts"

const stranger = "0198c0de-0000-7000-8000-000000000000"

/** A thread whose first turn runs, and its queue. */
const makeBusy = Effect.gen(function* () {
  const made = yield* makeThread()
  const { client, model, start, threadId } = made
  yield* start("first")
  const call = yield* model.next
  yield* client.notified("turn/started")
  const add = (text: string) =>
    Effect.map(
      client.request("thread/queue/add", { threadId, input: userInput(text), clientUserMessageId: text }),
      ({ queuedSubmission }) => queuedSubmission.id
    )
  const queued = Effect.map(client.request("thread/queue/list", { threadId }), ({ data }) =>
    data.map(({ clientUserMessageId }) => clientUserMessageId)
  )
  return { ...made, call, add, queued }
})

describe("the queue of a thread", () => {
  it.effect("says that a submission is unknown also while a turn runs", () =>
    Effect.gen(function* () {
      const { client, threadId } = yield* makeBusy
      const started = client.request("thread/queue/start", { threadId, queuedSubmissionId: "nope" })
      assert.deepStrictEqual(yield* Effect.flip(started), invalid("queued submission not found: nope"))
    })
  )

  it.effect("starts turns one after the other, in its order", () =>
    Effect.gen(function* () {
      const { add, call, client, model, queued, threadId } = yield* makeBusy
      const a = yield* add("a")
      const b = yield* add("b")
      const c = yield* add("c")
      yield* client.request("thread/queue/reorder", { threadId, queuedSubmissionIds: [c, b, a] })
      yield* client.request("thread/queue/update", { threadId, queuedSubmissionId: b, input: userInput("B") })
      assert.deepStrictEqual(yield* client.request("thread/queue/delete", { threadId, queuedSubmissionId: a }), {
        deleted: true
      })
      assert.deepStrictEqual(yield* queued, ["c", "b"])
      yield* call.finish("done")
      yield* client.notified("turn/completed")
      const second = yield* model.reply("second")
      assert.strictEqual(second.request.prompt, "c")
      yield* client.notified("turn/completed")
      const third = yield* model.reply("third")
      assert.strictEqual(third.request.prompt, "B")
      yield* client.notified("turn/completed")
      assert.deepStrictEqual(yield* queued, [])
    })
  )

  it.effect("starts immediately in an idle thread, and waits after an interrupted turn", () =>
    Effect.gen(function* () {
      const { add, client, model, queued, threadId } = yield* makeBusy
      yield* add("a")
      yield* client.request("turn/interrupt", { threadId, turnId: "" })
      yield* client.notified("turn/completed")
      yield* add("b")
      assert.deepStrictEqual(yield* queued, ["a", "b"])
      const { turn } = yield* client.request("thread/queue/start", { threadId })
      assert.strictEqual((yield* client.notified("turn/started")).turn.id, turn.id)
      yield* model.reply("first")
      yield* client.notified("turn/completed")
      yield* model.reply("second")
      yield* client.notified("turn/completed")
      yield* add("c")
      assert.strictEqual((yield* model.reply("third")).request.prompt, "c")
      yield* client.notified("turn/completed")
    })
  )

  it.effect("refuses what it does not have, and more than it can hold", () =>
    Effect.gen(function* () {
      const { add, client, threadId } = yield* makeBusy
      const refusal = (request: Effect.Effect<unknown, unknown>) => Effect.flip(request)
      const empty = yield* refusal(client.request("thread/queue/reorder", { threadId, queuedSubmissionIds: ["x"] }))
      const id = yield* add("a")
      const failures = yield* Effect.all([
        refusal(client.request("thread/queue/add", { threadId, input: [], clientUserMessageId: "m" })),
        refusal(client.request("thread/queue/list", { threadId, cursor: "garbage" })),
        refusal(client.request("thread/queue/update", { threadId, queuedSubmissionId: "x", input: userInput("y") })),
        refusal(client.request("thread/queue/reorder", { threadId, queuedSubmissionIds: [id, id] })),
        refusal(client.request("thread/queue/start", { threadId, queuedSubmissionId: id })),
        refusal(client.request("thread/queue/list", { threadId: stranger }))
      ])
      const whole = "queue reorder must include every queued submission exactly once"
      assert.deepStrictEqual<ReadonlyArray<unknown>>(
        [empty, ...failures.slice(0, 5)],
        [
          whole,
          "only user input can be added to the user-message queue",
          "invalid queue pagination cursor: invalid digit found in string",
          "queued submission not found: x",
          whole,
          "thread already has an active or pending turn"
        ].map((message) => invalid(message))
      )
      for (let count = 1; count < 256; count++) yield* add(`m${count}`)
      assert.deepStrictEqual(
        yield* Effect.flip(add("too many")),
        invalid("a queue must not have more than 256 submissions")
      )
    })
  )
})

describe("the goal of a thread", () => {
  it.effect("is set, changed, read and cleared", () =>
    Effect.gen(function* () {
      const { client, connect, threadId } = yield* makeThread()
      const other = yield* connect()
      const set = (params: object) => client.request("thread/goal/set", { threadId, ...params })
      const { goal } = yield* set({ objective: " o ", status: "paused" })
      assert.deepStrictEqual([goal.objective, goal.status, goal.tokenBudget], ["o", "paused", null])
      assert.deepStrictEqual(yield* other.notified("thread/goal/updated"), { threadId, turnId: null, goal })
      assert.strictEqual((yield* set({ tokenBudget: 5 })).goal.tokenBudget, 5)
      assert.strictEqual((yield* client.request("thread/goal/get", { threadId })).goal?.tokenBudget, 5)
      assert.deepStrictEqual(yield* client.request("thread/goal/clear", { threadId }), { cleared: true })
      assert.deepStrictEqual(yield* other.notified("thread/goal/cleared"), { threadId })
      assert.deepStrictEqual(yield* client.request("thread/goal/clear", { threadId }), { cleared: false })
      const failures = yield* Effect.forEach(
        [{}, { objective: "" }, { objective: "x".repeat(4001) }, { objective: "o", tokenBudget: 0 }],
        (params) => Effect.flip(set(params))
      )
      assert.deepStrictEqual(
        failures,
        [
          `cannot update goal for thread ${threadId}: no goal exists`,
          "goal objective must not be empty",
          "goal objective must be at most 4000 characters",
          "goal budgets must be positive when provided"
        ].map((message) => invalid(message))
      )
    })
  )
})
