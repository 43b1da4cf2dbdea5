import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { ReviewTarget } from "../../../../src/protocol/v2/review/Review.ts"
import { ModelError } from "../../../../src/services/model/ModelProvider.ts"
import { RequestError } from "../../../../src/services/routing/RequestError.ts"
import { labelOf, problemOf, promptOf, shownReview } from "../../../../src/services/thread/turn/ReviewText.ts"
import { cwd, makeServer, userInput } from "../../../support/Server.ts"

const finding = (title: string, body = "Why") => ({
  title,
  body,
  confidence_score: 0.5,
  priority: 1,
  code_location: { absolute_file_path: "/x/a.ts", line_range: { start: 1, end: 2 } }
})

const output = (findings: ReadonlyArray<unknown>, explanation = "Because") =>
  JSON.stringify({
    findings,
    overall_correctness: "patch is incorrect",
    overall_explanation: explanation,
    overall_confidence_score: 0.8
  })

describe("the answer of a reviewer", () => {
  it.each<readonly [form: string, answer: string, shown: string | null]>([
    ["one finding", output([finding("[P1] Bug")]), "Because\n\nReview comment:\n\n- [P1] Bug — /x/a.ts:1-2\n  Why"],
    [
      "several findings",
      output([finding("A", "one\ntwo"), finding("B")]),
      "Because\n\nFull review comments:\n\n- A — /x/a.ts:1-2\n  one\n  two\n\n- B — /x/a.ts:1-2\n  Why"
    ],
    ["no finding", output([], "Fine."), "Fine."],
    [
      "JSON in text",
      `Here:\n\`\`\`json\n${output([finding("A")], "")}\n\`\`\``,
      "Review comment:\n\n- A — /x/a.ts:1-2\n  Why"
    ],
    ["other JSON", `{"findings":[{"title":"A"}]}`, `{"findings":[{"title":"A"}]}`],
    ["words", " plain words \n", "plain words"],
    ["an unclosed brace", "} and {", "} and {"],
    ["nothing", " \n", null],
    ["no finding and no explanation", output([], " "), null]
  ])("is shown for %s", (_, answer, shown) => {
    assert.strictEqual(shownReview(answer), shown)
  })
})

describe("the target of a review", () => {
  it.each<readonly [target: ReviewTarget, label: string, inPrompt: string]>([
    [{ type: "uncommittedChanges" }, "current changes", "untracked files"],
    [{ type: "baseBranch", branch: " main " }, "changes against 'main'", "`git merge-base HEAD 'main'`"],
    [{ type: "baseBranch", branch: "a'; rm -rf /" }, "changes against 'a'; rm -rf /'", `'a'\\''; rm -rf /'`],
    [{ type: "commit", sha: "0123456789", title: "init" }, "commit 0123456: init", `commit 0123456789 ("init")`],
    [{ type: "commit", sha: "abc" }, "commit abc", "commit abc."],
    [{ type: "custom", instructions: " look " }, "look", "look"]
  ])("%j has a name and a prompt", (target, label, inPrompt) => {
    assert.strictEqual(labelOf(target), label)
    assert.include(promptOf(target), inPrompt)
  })

  it("must not be empty", () => {
    const targets: ReadonlyArray<ReviewTarget> = [
      { type: "baseBranch", branch: " " },
      { type: "commit", sha: "" },
      { type: "custom", instructions: "\n" },
      { type: "uncommittedChanges" }
    ]
    assert.deepStrictEqual(targets.map(problemOf), [
      "branch must not be empty",
      "sha must not be empty",
      "instructions must not be empty",
      undefined
    ])
  })
})

const target: ReviewTarget = { type: "uncommittedChanges" }

const make = Effect.gen(function* () {
  const server = yield* makeServer({ ownTools: true })
  const client = yield* server.connect({ capabilities: { experimentalApi: true } })
  const config = { review_model: "gpt-5", "tools.update_plan": { enabled: true } }
  const { thread } = yield* client.request("thread/start", { cwd, model: "gpt-5.5", config })
  const threadId = thread.id
  const review = client.request("review/start", { threadId, target })
  const start = (text: string) => client.request("turn/start", { threadId, input: userInput(text) })
  /** The items that completed in the turn, and its end. */
  const ended = Effect.map(
    client.until((event) => event._tag === "ServerNotification" && event.notification.method === "turn/completed"),
    (events) => {
      const items = events.flatMap((event) => {
        if (event._tag !== "ServerNotification" || event.notification.method !== "item/completed") return []
        const { item, turnId } = event.notification.params
        const text = item.type === "agentMessage" ? item.text : item.type === "exitedReviewMode" ? item.review : ""
        return [{ type: item.type, turnId, text }]
      })
      const last = events.at(-1)
      const turn =
        last?._tag === "ServerNotification" && last.notification.method === "turn/completed"
          ? last.notification.params.turn
          : undefined
      return { items, turn }
    }
  )
  return { ...server, client, threadId, review, start, ended }
})

const interrupted = "Review was interrupted. Please re-run /review and wait for it to complete."

describe("a review", () => {
  it.effect("is done by another model with its own instructions, tools and conversation", () =>
    Effect.gen(function* () {
      const { ended, model, review, start, threadId } = yield* make
      yield* start("earlier")
      yield* model.reply("answer")
      yield* ended
      const { reviewThreadId, turn } = yield* review
      assert.deepStrictEqual([reviewThreadId, turn.rootTurnId, turn.items.length], [threadId, null, 1])
      const { request } = yield* model.reply(output([finding("A")]))
      assert.strictEqual(request.model, "gpt-5")
      assert.deepStrictEqual(
        request.tools.map(({ name }) => name),
        ["exec_command", "write_stdin", "view_image"]
      )
      assert.notInclude(JSON.stringify(request.input), "earlier")
      const text = "Because\n\nReview comment:\n\n- A — /x/a.ts:1-2\n  Why"
      const end = yield* ended
      assert.deepStrictEqual(end.items, [
        { type: "enteredReviewMode", turnId: turn.id, text: "" },
        { type: "userMessage", turnId: turn.id, text: "" },
        { type: "exitedReviewMode", turnId: turn.id, text },
        { type: "agentMessage", turnId: turn.id, text }
      ])
      assert.deepStrictEqual([end.turn?.id, end.turn?.status], [turn.id, "completed"])
      yield* start("next")
      const next = (yield* model.reply("ok")).request
      assert.strictEqual(next.model, "gpt-5.5")
      const said = JSON.stringify(next.input)
      assert.include(said, "<user_action>")
      assert.notInclude(said, "merge-base")
      assert.notInclude(said, "untracked files")
    })
  )

  it.effect("runs its tools, whose calls stay out of the thread's conversation", () =>
    Effect.gen(function* () {
      const { ended, model, review, start } = yield* make
      yield* review
      yield* model.call(["update_plan", "c1"], ["nothing", "c2"])
      const second = yield* model.reply("fine")
      const outputs = second.request.input.flatMap((item) =>
        item.type === "function_call_output" ? [item.output] : []
      )
      assert.deepStrictEqual(outputs, ["unsupported call: update_plan", "unsupported call: nothing"])
      yield* ended
      yield* start("next")
      const { request } = yield* model.reply("ok")
      assert.isFalse(request.input.some(({ type }) => type === "function_call" || type === "function_call_output"))
    })
  )

  it.effect("that is interrupted, fails or says nothing ends with the same items", () =>
    Effect.gen(function* () {
      const { client, ended, model, review, threadId } = yield* make
      const last = [
        ["exitedReviewMode", "Reviewer failed to output a response."],
        ["agentMessage", interrupted]
      ]
      const tail = Effect.map(ended, ({ items, turn }) => [
        turn?.status,
        items.slice(-2).map(({ text, type }) => [type, text])
      ])
      yield* review
      const pending = yield* model.next
      yield* client.request("turn/interrupt", { threadId, turnId: "" })
      yield* pending.closed
      assert.deepStrictEqual(yield* tail, ["interrupted", last])
      yield* review
      yield* (yield* model.next).fail(new ModelError({ message: "no", info: "other" }))
      assert.deepStrictEqual(yield* tail, ["failed", last])
      yield* review
      yield* (yield* model.next).finish()
      assert.deepStrictEqual(yield* tail, ["completed", last])
    })
  )

  it.effect("that is interrupted during a call leaves no output without a call", () =>
    Effect.gen(function* () {
      const { client, ended, model, review, start, threadId } = yield* make
      yield* review
      const call = yield* model.next
      yield* call.emit({
        _tag: "ItemDone",
        item: { type: "function_call", call_id: "c1", name: "exec_command", arguments: `{"cmd":"sleep 60"}` }
      })
      yield* client.until(
        (event) =>
          event._tag === "ServerNotification" &&
          event.notification.method === "item/completed" &&
          event.notification.params.item.type === "userMessage"
      )
      yield* client.request("turn/interrupt", { threadId, turnId: "" })
      yield* ended
      yield* start("next")
      const { request } = yield* model.reply("ok")
      assert.isFalse(request.input.some(({ type }) => type === "function_call_output"))
    })
  )

  it.effect("takes no input, and another review takes its place", () =>
    Effect.gen(function* () {
      const { client, ended, model, review, start, threadId } = yield* make
      const { turn } = yield* review
      const first = yield* model.next
      const steering = client.request("turn/steer", { threadId, input: userInput("x"), expectedTurnId: turn.id })
      assert.strictEqual((yield* Effect.flip(steering)).message, "cannot steer a review turn")
      assert.include((yield* Effect.flip(start("x"))).message, "ActiveTurnNotSteerable { turn_kind: Review }")
      const second = yield* review
      yield* first.closed
      assert.deepStrictEqual((yield* ended).turn?.status, "interrupted")
      yield* model.reply("fine")
      assert.deepStrictEqual((yield* ended).turn?.id, second.turn.id)
    })
  )

  it.effect("is refused for a target that is empty", () =>
    Effect.gen(function* () {
      const { client, threadId } = yield* make
      const empty = client.request("review/start", { threadId, target: { type: "custom", instructions: " " } })
      assert.deepStrictEqual(
        yield* Effect.flip(empty),
        new RequestError({ code: -32600, message: "instructions must not be empty" })
      )
    })
  )
})
