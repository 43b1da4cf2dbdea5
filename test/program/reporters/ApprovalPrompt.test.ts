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

describe("ApprovalPrompt", () => {
  it("reads approval requests for a command, a connection and files", () => {
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
        {
          itemId: "item",
          subject: "rm x",
          question: "Run this command?",
          always: "this exact command in this folder",
          reason: "why",
          cwd: "/tmp"
        },
        {
          itemId: "item",
          subject: "a connection to example.org",
          question: "Allow this connection?",
          always: "connections to example.org",
          reason: null,
          cwd: null
        },
        {
          itemId: "item",
          subject: "files in /srv",
          question: "Make these changes?",
          always: "changes in /srv",
          reason: null,
          cwd: null
        }
      ]
    )
  })

  it("reads no question from other requests", () => {
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

  it.effect("repeats the question until the answer is valid", () =>
    Effect.gen(function* () {
      const lines = ["", "what?", "a", "n"]
      const decision = yield* ask(Effect.sync(() => lines.shift()))
      assert.deepStrictEqual({ decision, left: lines }, { decision: "acceptForSession", left: ["n"] })
    })
  )

  it.effect("treats the end of the input as no", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* ask(Effect.succeed(undefined)), "decline")
    })
  )
})
