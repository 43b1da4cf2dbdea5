import { assert, describe, it } from "@effect/vitest"
import { releasedRequestTable } from "../../../src/protocol/ReleasedTable.ts"
import { mismatch } from "../../../src/services/decoding/Mismatch.ts"

/** The text for parameters of a request, whether this server serves it or not. */
const text = (
  method:
    | "collaborationMode/list"
    | "command/exec"
    | "feedback/upload"
    | "getConversationSummary"
    | "review/start"
    | "userVerification/cancel",
  params: unknown
) => mismatch(releasedRequestTable[method].params().ast, params)

describe("the text of a mismatch", () => {
  it("names parameters without members", () => {
    assert.strictEqual(
      text("collaborationMode/list", "x"),
      'invalid type: string "x", expected struct CollaborationModeListParams'
    )
  })

  it("does not name a map", () => {
    const upload = { classification: "bug", tags: true }
    assert.strictEqual(text("feedback/upload", upload), "invalid type: boolean `true`, expected a map")
  })

  it("names a union without a tag, and none of its variants", () => {
    const expected = "data did not match any variant of untagged enum GetConversationSummaryParams"
    const wrong = [{}, "rolloutPath", 1, true, { rolloutPath: 1 }, { conversationId: {} }, { other: "a" }]
    assert.deepStrictEqual(
      wrong.map((params) => text("getConversationSummary", params)),
      wrong.map(() => expected)
    )
    assert.strictEqual(
      text("userVerification/cancel", { requestId: {} }),
      "data did not match any variant of untagged enum RequestId"
    )
  })

  it("names a union with a tag", () => {
    const review = { threadId: "t", target: 1 }
    assert.strictEqual(
      text("review/start", review),
      "invalid type: integer `1`, expected internally tagged enum ReviewTarget"
    )
  })

  it("distinguishes paths and sizes from other texts and numbers", () => {
    assert.deepStrictEqual(
      [{ cwd: 1 }, { outputBytesCap: -1 }, { timeoutMs: "x" }, { size: 1 }].map((params) =>
        text("command/exec", params)
      ),
      [
        "invalid type: integer `1`, expected path string",
        "invalid value: integer `-1`, expected usize",
        'invalid type: string "x", expected i64',
        "invalid type: integer `1`, expected struct CommandExecTerminalSize"
      ]
    )
  })
})
