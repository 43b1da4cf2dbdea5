import { assert, describe, it } from "@effect/vitest"
import { isValid, matches } from "../../../../src/layers/tools/hooks/Matcher.ts"
import { type Point, type Verdict, verdictOf } from "../../../../src/layers/tools/hooks/Output.ts"

const verdict = (point: Point, stdout: string, code = 0, stderr = "") =>
  verdictOf(point, { _tag: "Exited", code, stdout, stderr })

const failed = (text: string): Verdict => ({ status: "failed", entries: [{ kind: "error", text }] })

const blocked = (text: string): Verdict => ({ status: "blocked", entries: [{ kind: "feedback", text }], reason: text })

const specific = (hookEventName: string, members: object) =>
  JSON.stringify({ hookSpecificOutput: { hookEventName, ...members } })

describe("the verdict of a hook", () => {
  it("is completed without an output", () => {
    for (const point of ["preToolUse", "postToolUse", "userPromptSubmit", "sessionStart", "stop"] as const)
      assert.deepStrictEqual(verdict(point, " \n"), { status: "completed", entries: [] })
  })

  it("blocks with exit code 2 and a reason", () => {
    assert.deepStrictEqual(verdict("preToolUse", "", 2, " no \n"), blocked("no"))
    assert.deepStrictEqual(verdict("stop", "", 2, "go on"), blocked("go on"))
    assert.deepStrictEqual(
      verdict("userPromptSubmit", "", 2),
      failed("UserPromptSubmit hook exited with code 2 but did not write a blocking reason to stderr")
    )
    assert.deepStrictEqual(verdict("sessionStart", "", 2, "no"), failed("hook exited with code 2"))
    assert.deepStrictEqual(verdict("postToolUse", "{}", 1), failed("hook exited with code 1"))
  })

  it("fails for an output that is not understood", () => {
    const invalid = failed("hook returned invalid pre-tool-use JSON output")
    for (const output of ["{bad", "[1]", '{"foo":1}', specific("PostToolUse", {})])
      assert.deepStrictEqual(verdict("preToolUse", output), invalid)
    assert.deepStrictEqual(verdict("stop", "text"), failed("hook returned invalid stop hook JSON output"))
  })

  it("takes plain text as context where a message is given", () => {
    const context: Verdict = { status: "completed", entries: [{ kind: "context", text: "hi" }] }
    assert.deepStrictEqual(verdict("userPromptSubmit", "hi\n"), context)
    assert.deepStrictEqual(verdict("sessionStart", "hi\n"), context)
    assert.deepStrictEqual(verdict("preToolUse", "hi\n"), { status: "completed", entries: [] })
  })

  it("denies or rewrites a call", () => {
    const deny = { permissionDecision: "deny", permissionDecisionReason: "never" }
    assert.deepStrictEqual(verdict("preToolUse", specific("PreToolUse", deny)), blocked("never"))
    const updatedInput = { command: "true" }
    assert.deepStrictEqual(
      verdict("preToolUse", specific("PreToolUse", { permissionDecision: "allow", updatedInput })),
      { status: "completed", entries: [], updatedInput }
    )
  })

  it("fails for decisions that a point does not have", () => {
    const outputs: ReadonlyArray<readonly [output: string, problem: string]> = [
      ['{"continue":false}', "unsupported continue:false"],
      ['{"decision":"approve"}', "unsupported decision:approve"],
      ['{"decision":"block"}', "decision:block without a non-empty reason"],
      ['{"reason":"x"}', "reason without decision"],
      [specific("PreToolUse", { permissionDecision: "ask" }), "unsupported permissionDecision:ask"],
      [specific("PreToolUse", { updatedInput: {} }), "updatedInput without permissionDecision:allow"]
    ]
    for (const [output, problem] of outputs)
      assert.deepStrictEqual(verdict("preToolUse", output), failed(`PreToolUse hook returned ${problem}`))
  })

  it("stops behind a tool", () => {
    assert.deepStrictEqual(verdict("postToolUse", '{"continue":false}'), {
      status: "stopped",
      entries: [{ kind: "stop", text: "PostToolUse hook stopped execution" }],
      reason: "PostToolUse hook stopped execution"
    })
  })
})

describe("a matcher", () => {
  it("is a list of names, or an expression", () => {
    assert.isTrue(matches("Edit|Write", ["apply_patch", "Write", "Edit"]))
    assert.isFalse(matches("Ba", ["Bash"]))
    assert.isTrue(matches("^Ba", ["Bash"]))
    assert.isTrue(matches("*", ["Bash"]))
    assert.isFalse(isValid("["))
    assert.isFalse(matches("[", ["Bash"]))
  })
})
