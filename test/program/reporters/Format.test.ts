import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { display } from "../../../src/layers/tools/shell/CommandLine.ts"
import * as Describe from "../../../src/program/reporters/Format.ts"
import type { Item } from "../../../src/protocol/v2/item/Item.ts"
import { command as running } from "../Fixtures.ts"

const command: Item<"commandExecution"> = { ...running, status: "completed", exitCode: 0, durationMs: 80 }

const usage = {
  totalTokens: 1300,
  inputTokens: 1234,
  cachedInputTokens: 0,
  cacheWriteInputTokens: 0,
  outputTokens: 66,
  reasoningOutputTokens: 0
}

describe("Describe", () => {
  it.each([
    ["/bin/bash -lc 'echo hi; exit 3'", "echo hi; exit 3"],
    ["zsh -c ls", "ls"],
    ["/bin/bash -lc", "/bin/bash -lc"],
    ["/tmp/bash -lc ls", "/tmp/bash -lc ls"],
    ["./sh -c ls", "./sh -c ls"],
    ["bash script.sh now", "bash script.sh now"],
    ["/bin/bash -lc 'a' && rm b", "/bin/bash -lc 'a' && rm b"],
    ["env -lc x", "env -lc x"],
    ["", ""]
  ])("shows of %j only what the shell is to do", (line, shown) => {
    assert.strictEqual(Describe.command(line), shown)
  })

  it.prop("finds the script in every line that hands one to a shell", [Schema.String], ([text]) => {
    const script = `echo ${text}`
    assert.strictEqual(Describe.command(display(["/bin/bash", "-lc", script])), script)
  })

  it.each([
    [0, "0 ms"],
    [999, "999 ms"],
    [1000, "1.0 s"],
    [9949, "9.9 s"],
    [9950, "10 s"],
    [59_499, "59 s"],
    [185_000, "3 min 5 s"]
  ])("says %d ms as %s", (millis, text) => {
    assert.strictEqual(Describe.duration(millis), text)
  })

  it("says how a command ended", () => {
    assert.deepStrictEqual(
      [
        Describe.outcome(command),
        Describe.outcome({ ...command, status: "failed", exitCode: 3, durationMs: 2500 }),
        Describe.outcome({ ...command, status: "failed", exitCode: null }),
        Describe.outcome({ ...command, status: "declined", exitCode: null }),
        Describe.outcome({ ...command, durationMs: null })
      ],
      ["exit 0, 80 ms", "exit 3, 2.5 s", "did not end well, 80 ms", "declined, not run", "exit 0"]
    )
  })

  it("says what a turn cost, and leaves out what is nothing", () => {
    assert.deepStrictEqual(
      [
        Describe.cost(usage, 80),
        Describe.cost({ ...usage, cachedInputTokens: 1000, reasoningOutputTokens: 6 }, 80),
        Describe.cost(null, 80)
      ],
      ["tokens: 1,234 in, 66 out · 80 ms", "tokens: 1,234 in (1,000 cached), 66 out (6 reasoning) · 80 ms", "80 ms"]
    )
  })
})

describe("Describe.excerpt", () => {
  const lines = (count: number): string => Array.from({ length: count }, (_, index) => `${index + 1}\n`).join("")

  it("shows a short output whole, without the line ends behind it", () => {
    assert.deepStrictEqual(Describe.excerpt("a\nb\n\n", 80), ["a", "b"])
    assert.deepStrictEqual(Describe.excerpt(lines(13), 80), lines(13).trim().split("\n"))
    assert.deepStrictEqual(Describe.excerpt("\n\n", 80), [])
  })

  it("shows the beginning and the end of a long one", () => {
    assert.deepStrictEqual(Describe.excerpt(lines(20), 80), [
      "1",
      "2",
      "3",
      "4",
      "… 8 more lines",
      ..."13 14 15 16 17 18 19 20".split(" ")
    ])
  })

  it("cuts lines that do not fit", () => {
    assert.deepStrictEqual(Describe.excerpt("abcdef\nabcde\n", 5), ["abcd…", "abcde"])
  })
})
