import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ask, decisionOf, questionOf } from "../../../src/program/reporters/ApprovalPrompt.ts"

const approval = {
  kind: "command",
  threadId: "thread",
  turnId: "turn",
  itemId: "item",
  startedAtMs: 1,
  environmentId: null
} as const

describe("Question", () => {
  it("reads what is asked about a command, a connection and files", () => {
    assert.deepStrictEqual(
      [
        questionOf({
          id: 1,
          method: "item/commandExecution/requestApproval",
          params: { ...approval, command: "rm x", cwd: "/tmp", reason: "why" }
        }),
        questionOf({
          id: 1,
          method: "item/commandExecution/requestApproval",
          params: { ...approval, networkApprovalContext: { host: "example.org", protocol: "https" } }
        }),
        questionOf({
          id: 1,
          method: "item/fileChange/requestApproval",
          params: { threadId: "thread", turnId: "turn", itemId: "item", startedAtMs: 1, grantRoot: "/srv" }
        })
      ],
      [
        { itemId: "item", subject: "rm x", asks: "Run this command?", reason: "why", cwd: "/tmp" },
        {
          itemId: "item",
          subject: "a connection to example.org",
          asks: "Allow this connection?",
          reason: null,
          cwd: null
        },
        { itemId: "item", subject: "files in /srv", asks: "Make these changes?", reason: null, cwd: null }
      ]
    )
  })

  it("takes nothing else for a question of yes or no", () => {
    assert.strictEqual(questionOf({ id: 1, method: "currentTime/read", params: { threadId: "thread" } }), undefined)
  })

  it.each([
    ["y", "accept"],
    [" YES\t", "accept"],
    ["a", "acceptForSession"],
    ["always", "acceptForSession"],
    ["n", "decline"],
    ["No", "decline"],
    ["s", "cancel"],
    ["stop", "cancel"],
    ["", undefined],
    ["yeah, but", undefined]
  ])("takes %j for %s", (line, decision) => {
    assert.strictEqual(decisionOf(line), decision)
  })

  it.effect("asks until the answer is one", () =>
    Effect.gen(function* () {
      const lines = ["", "what?", "a", "n"]
      const decision = yield* ask(Effect.sync(() => lines.shift()))
      assert.deepStrictEqual({ decision, left: lines }, { decision: "acceptForSession", left: ["n"] })
    })
  )

  it.effect("takes the end of the input for a no", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* ask(Effect.succeed(undefined)), "decline")
    })
  )
})
