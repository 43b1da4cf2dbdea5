import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { ClientEvent } from "../../../src/services/client/ClientEvent.ts"
import { ModelError, type ModelRequest } from "../../../src/services/model/ModelProvider.ts"
import type { ModelCall } from "../../support/ScriptedModel.ts"
import { invalid, makeThread } from "../../support/Threads.ts"
import { nameOf, type ServerOptions, userInput } from "../../support/Server.ts"

/** What the model reads last. */
const lastText = ({ input }: ModelRequest): string => {
  const last = input.at(-1)
  return last?.type === "message" && last.content[0]?.type === "input_text" ? last.content[0].text : ""
}

const outputs = ({ input }: ModelRequest): ReadonlyArray<unknown> =>
  input.flatMap((item) =>
    item.type === "function_call_output" && typeof item.output === "string" ? [item.output] : []
  )

/** Answers with calls of tools. */
const callTools = (call: ModelCall, ...calls: ReadonlyArray<readonly [name: string, input: unknown]>) =>
  Effect.andThen(
    call.emit(
      ...calls.map(([name, input], index) => ({
        _tag: "ItemDone" as const,
        item: {
          type: "function_call" as const,
          call_id: `${name}-${index}`,
          name,
          arguments: typeof input === "string" ? input : JSON.stringify(input)
        }
      }))
    ),
    call.finish()
  )

const goalsIn = (events: ReadonlyArray<ClientEvent>) =>
  events.flatMap((event) => {
    if (event._tag !== "ServerNotification" || event.notification.method !== "thread/goal/updated") return []
    const { goal, turnId } = event.notification.params
    return [[turnId, goal.status, goal.tokensUsed]]
  })

const completes = (event: ClientEvent) => nameOf(event) === "turn/completed"

/** A thread that has the tools of goals. Each answer of its model uses four tokens that count. */
const makeGoals = Effect.fnUntraced(function* (options: ServerOptions = {}) {
  const made = yield* makeThread({ ownTools: true, ...options })
  const { client, threadId } = made
  const set = (goal: object) => client.request("thread/goal/set", { threadId, ...goal })
  const get = Effect.map(client.request("thread/goal/get", { threadId }), ({ goal }) => goal)
  return { ...made, set, get }
})

describe("the goal of a thread", () => {
  it.effect("starts turns one after the other until the model completes it", () =>
    Effect.gen(function* () {
      const { client, get, model, set, threadId } = yield* makeGoals()
      yield* set({ objective: " Write <a> poem & more " })
      const first = yield* model.next
      assert.include(lastText(first.request), "<objective>\nWrite &lt;a&gt; poem &amp; more\n</objective>")
      assert.deepStrictEqual(
        first.request.tools.map(({ name }) => name),
        [
          "exec_command",
          "write_stdin",
          "apply_patch",
          "request_user_input",
          "view_image",
          "get_goal",
          "create_goal",
          "update_goal",
          "web_search"
        ]
      )
      yield* first.finish("working")
      const one = yield* client.until(completes)
      assert.deepStrictEqual(one.map(nameOf), [
        "thread/goal/updated",
        "thread/status/changed",
        "turn/started",
        "item/started",
        "item/agentMessage/delta",
        "item/completed",
        "thread/tokenUsage/updated",
        "thread/goal/updated",
        "thread/status/changed",
        "turn/completed"
      ])
      const second = yield* model.next
      yield* callTools(second, ["update_goal", { status: "complete" }], ["get_goal", {}])
      yield* model.reply("done")
      const two = yield* client.until(completes)
      const turnId = second.request.turnId
      assert.deepStrictEqual(goalsIn([...one, ...two]), [
        [null, "active", 0],
        [first.request.turnId, "active", 4],
        [turnId, "active", 8],
        [turnId, "complete", 8]
      ])
      assert.include(two.map(nameOf), "thread/readState/changed")
      const goal = yield* get
      assert.deepStrictEqual(goal, {
        ...goal!,
        threadId,
        objective: "Write <a> poem & more",
        status: "complete",
        tokenBudget: null,
        tokensUsed: 8
      })
      const { data } = yield* client.request("thread/turns/list", { threadId, sortDirection: "asc", itemsView: "full" })
      assert.deepStrictEqual(
        data.map(({ id, items, rootTurnId }) => [id === rootTurnId, items.map(({ type }) => type)]),
        [
          [true, ["agentMessage"]],
          [true, ["agentMessage"]]
        ]
      )
      yield* client.request("thread/goal/clear", { threadId })
      assert.isNull(yield* get)
    })
  )

  it.effect("of the model has its turns below the one that created it, and ends with its budget", () =>
    Effect.gen(function* () {
      const { client, get, model, start } = yield* makeGoals()
      const { turn } = yield* start("pursue it")
      yield* callTools(yield* model.next, ["create_goal", { objective: "it", token_budget: 10 }])
      const made = yield* model.reply("made")
      assert.deepStrictEqual(
        outputs(made.request).map((text) => JSON.parse(String(text)).remainingTokens),
        [10]
      )
      yield* client.notified("turn/completed")
      const next = yield* model.next
      assert.strictEqual(next.request.rootTurnId, turn.id)
      yield* callTools(next, ["get_goal", {}])
      yield* callTools(yield* model.next, ["get_goal", {}])
      const last = yield* model.next
      assert.include(lastText(last.request), "budget of the goal is used up")
      yield* last.finish("over")
      yield* client.notified("turn/completed")
      const goal = yield* get
      assert.deepStrictEqual([goal?.status, goal?.tokensUsed, goal?.tokenBudget], ["budgetLimited", 16, 10])
      yield* start("no goal any more")
      yield* model.reply("right")
      yield* client.notified("turn/completed")
      assert.strictEqual((yield* get)?.tokensUsed, 16)
    })
  )

  it.effect("waits after an interrupt, until it is set, the thread is resumed or a turn ends", () =>
    Effect.gen(function* () {
      const { client, get, model, set, start, threadId } = yield* makeGoals()
      const interrupted = Effect.gen(function* () {
        const { request } = yield* model.next
        yield* client.request("turn/interrupt", { threadId, turnId: request.turnId })
        assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "interrupted")
        assert.strictEqual((yield* get)?.status, "active")
      })
      yield* set({ objective: "A" })
      yield* interrupted
      yield* set({ tokenBudget: 1000 })
      yield* interrupted
      yield* client.request("thread/resume", { threadId, excludeTurns: true })
      yield* interrupted
      yield* start("a question")
      yield* model.reply("an answer")
      yield* client.notified("turn/completed")
      yield* interrupted
      assert.strictEqual((yield* get)?.tokensUsed, 4)
    })
  )

  it.effect("is blocked by a turn that fails, or waits for the user's limit", () =>
    Effect.gen(function* () {
      const { client, get, model, set } = yield* makeGoals()
      yield* set({ objective: "A" })
      for (const [info, status] of [
        ["other", "blocked"],
        ["usageLimitExceeded", "usageLimited"]
      ] as const) {
        const call = yield* model.next
        yield* call.fail(new ModelError({ message: "no", info }))
        const names = (yield* client.until(completes)).map(nameOf)
        assert.isBelow(names.lastIndexOf("thread/goal/updated"), names.indexOf("error"))
        assert.strictEqual((yield* get)?.status, status)
        yield* set({ status: "active" })
      }
      yield* model.next
    })
  )

  it.effect("is blocked when its turns produce nothing", () =>
    Effect.gen(function* () {
      const { client, get, model, set } = yield* makeGoals()
      yield* set({ objective: "A" })
      for (let turn = 1; turn <= 5; turn++) {
        const call = yield* model.next
        yield* call.finish()
        yield* client.notified("turn/completed")
      }
      assert.strictEqual((yield* client.notified("thread/goal/updated")).goal.status, "blocked")
      assert.strictEqual((yield* get)?.status, "blocked")
      yield* set({ status: "active" })
      yield* model.next
    })
  )

  it.effect("lets queued input go first", () =>
    Effect.gen(function* () {
      const { client, model, set, threadId } = yield* makeGoals()
      yield* set({ objective: "A" })
      const call = yield* model.next
      yield* client.request("thread/queue/add", { threadId, input: userInput("queued"), clientUserMessageId: "1" })
      yield* call.finish("one")
      assert.strictEqual((yield* model.reply("two")).request.prompt, "queued")
      assert.include(lastText((yield* model.next).request), "started by the goal")
    })
  )

  it.effect("tells a running turn a new objective", () =>
    Effect.gen(function* () {
      const { client, model, set } = yield* makeGoals()
      yield* set({ objective: "A" })
      const call = yield* model.next
      yield* set({ objective: "A" })
      yield* set({ objective: "B" })
      yield* call.finish("one")
      const next = yield* model.next
      assert.strictEqual(next.request.turnId, call.request.turnId)
      assert.include(lastText(next.request), "<objective>\nB\n</objective>")
      assert.strictEqual(
        next.request.input.filter(({ type }) => type === "message").length,
        call.request.input.length + 2
      )
      yield* next.finish("two")
      yield* client.notified("turn/completed")
    })
  )

  it.effect("stops counting when a client pauses or clears it, and the turn goes on", () =>
    Effect.gen(function* () {
      const { client, get, model, set, threadId } = yield* makeGoals()
      yield* set({ objective: "A" })
      const call = yield* model.next
      yield* set({ status: "paused" })
      yield* call.finish("one")
      assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "completed")
      assert.deepStrictEqual([(yield* get)?.status, (yield* get)?.tokensUsed], ["paused", 0])
      yield* set({ status: "active" })
      const again = yield* model.next
      yield* client.request("thread/goal/clear", { threadId })
      yield* again.finish("two")
      assert.strictEqual((yield* client.notified("turn/completed")).turn.status, "completed")
      assert.isNull(yield* get)
    })
  )

  it.effect("counts the time while it is active, in whole seconds", () =>
    Effect.gen(function* () {
      const { client, get, model, set, threadId } = yield* makeGoals()
      yield* set({ objective: "A" })
      const call = yield* model.next
      yield* TestClock.adjust("1900 millis")
      yield* client.request("turn/interrupt", { threadId, turnId: call.request.turnId })
      yield* client.notified("turn/completed")
      yield* TestClock.adjust("1200 millis")
      yield* set({ status: "paused" })
      assert.strictEqual((yield* get)?.timeUsedSeconds, 3)
      yield* TestClock.adjust("1 hour")
      yield* set({ status: "complete" })
      assert.strictEqual((yield* get)?.timeUsedSeconds, 3)
    })
  )

  it.effect("is kept within its budget and changed by members", () =>
    Effect.gen(function* () {
      const { client, model, set, threadId } = yield* makeGoals()
      yield* set({ objective: "A", status: "paused", tokenBudget: 3 })
      const states: Array<unknown> = []
      for (const change of [{ status: "active" }, {}, { tokenBudget: null }]) {
        const { goal } = yield* set(change)
        states.push([goal.status, goal.tokenBudget])
        if (states.length === 1) {
          yield* model.reply("over the budget")
          yield* client.notified("turn/completed")
        }
      }
      assert.deepStrictEqual(states, [
        ["active", 3],
        ["budgetLimited", 3],
        ["budgetLimited", null]
      ])
      assert.strictEqual((yield* set({ tokenBudget: 4, status: "active" })).goal.status, "budgetLimited")
      const problems = [
        [{ tokenBudget: 0 }, "goal budgets must be positive when provided"],
        [{ objective: " \n" }, "goal objective must not be empty"],
        [{ objective: "x".repeat(4001) }, "goal objective must be at most 4000 characters"]
      ] as const
      for (const [change, problem] of problems)
        assert.deepStrictEqual(yield* Effect.flip(set(change)), invalid(problem))
      yield* client.request("thread/goal/clear", { threadId })
      assert.deepStrictEqual(
        yield* Effect.flip(set({ status: "active" })),
        invalid(`cannot update goal for thread ${threadId}: no goal exists`)
      )
    })
  )

  it.effect("starts no turn in plan mode", () =>
    Effect.gen(function* () {
      const { client, get, model, set, start, threadId } = yield* makeGoals()
      const mode = (mode: "plan" | "default") =>
        client.request("thread/settings/update", {
          threadId,
          collaborationMode: {
            mode,
            settings: { model: "gpt-5", reasoning_effort: null, developer_instructions: null }
          }
        })
      yield* mode("plan")
      yield* set({ objective: "A" })
      yield* start("a question")
      yield* model.reply("an answer")
      yield* client.notified("turn/completed")
      assert.deepStrictEqual([(yield* get)?.status, (yield* get)?.tokensUsed], ["active", 0])
      yield* mode("default")
      yield* set({})
      assert.include(lastText((yield* model.next).request), "started by the goal")
    })
  )

  it.effect("answers wrong calls of the model with what is wrong", () =>
    Effect.gen(function* () {
      const { client, model, start } = yield* makeGoals()
      yield* start("call")
      const call = yield* model.next
      yield* callTools(
        call,
        ["get_goal", {}],
        ["update_goal", { status: "complete" }],
        ["update_goal", { status: "active" }],
        ["create_goal", { objective: "" }],
        ["create_goal", { objective: "x", token_budget: 0 }],
        ["create_goal", { objective: "y".repeat(4001) }],
        ["create_goal", {}],
        ["create_goal", "no json"]
      )
      const [none, ...problems] = outputs((yield* model.reply("done")).request)
      assert.strictEqual(none, '{"goal":null,"remainingTokens":null,"completionBudgetReport":null}')
      assert.deepStrictEqual(problems.slice(0, 6), [
        "cannot update goal because this thread has no goal",
        "update_goal can only mark the existing goal complete, blocked, or paused at the user's explicit request; resume, " +
          "budget-limited, and usage-limited status changes are controlled by the user or system",
        "goal objective must not be empty",
        "goal budgets must be positive when provided",
        "goal objective must be at most 4000 characters",
        "failed to parse function arguments: missing field `objective`"
      ])
      assert.match(String(problems[6]), /^failed to parse function arguments: /)
      yield* client.notified("turn/completed")
    })
  )

  it.effect("does not exist in threads that are not stored, nor when the feature is off", () =>
    Effect.gen(function* () {
      const { client, model } = yield* makeGoals()
      const { thread } = yield* client.request("thread/start", { cwd: "/spindle-test/project", ephemeral: true })
      yield* client.request("turn/start", { threadId: thread.id, input: userInput("call") })
      yield* callTools(yield* model.next, ["create_goal", { objective: "x" }])
      assert.deepStrictEqual(outputs((yield* model.next).request), ["Goal tools require a persistent thread."])

      const off = yield* makeGoals({ cliOverrides: [["features.goals", false]] })
      assert.deepStrictEqual(yield* Effect.flip(off.set({ objective: "A" })), invalid("goals feature is disabled"))
      assert.deepStrictEqual(yield* Effect.flip(off.get), invalid("goals feature is disabled"))
      yield* off.start("a question")
      assert.deepStrictEqual(
        (yield* off.model.next).request.tools.map(({ name }) => name),
        ["exec_command", "write_stdin", "apply_patch", "request_user_input", "view_image", "web_search"]
      )
    })
  )
})
