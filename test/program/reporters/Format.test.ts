import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { display } from "../../../src/layers/tools/shell/CommandLine.ts"
import * as Format from "../../../src/program/reporters/Format.ts"
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

describe("Format", () => {
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
  ])("shows of %j only the script", (line, shown) => {
    assert.strictEqual(Format.command(line), shown)
  })

  it.prop("finds the script in every command line that passes one to a shell", [Schema.String], ([text]) => {
    const script = `echo ${text}`
    assert.strictEqual(Format.command(display(["/bin/bash", "-lc", script])), script)
  })

  it.each([
    [0, "0 ms"],
    [999, "999 ms"],
    [1000, "1.0 s"],
    [9949, "9.9 s"],
    [9950, "10 s"],
    [59_499, "59 s"],
    [185_000, "3 min 5 s"]
  ])("formats %d ms as %s", (millis, text) => {
    assert.strictEqual(Format.duration(millis), text)
  })

  it("formats the outcome of a command", () => {
    assert.deepStrictEqual(
      [
        Format.outcome(command),
        Format.outcome({ ...command, status: "failed", exitCode: 3, durationMs: 2500 }),
        Format.outcome({ ...command, status: "failed", exitCode: null }),
        Format.outcome({ ...command, status: "declined", exitCode: null }),
        Format.outcome({ ...command, status: "declined", exitCode: null, aggregatedOutput: "refused: a rule" }),
        Format.outcome({ ...command, durationMs: null })
      ],
      ["exit 0, 80 ms", "exit 3, 2.5 s", "failed, 80 ms", "declined by you, not run", "refused: a rule", "exit 0"]
    )
  })

  it("formats the token usage of a turn without zero counts", () => {
    assert.deepStrictEqual(
      [
        Format.cost(usage, 80),
        Format.cost({ ...usage, cachedInputTokens: 1000, reasoningOutputTokens: 6 }, 80),
        Format.cost(null, 80)
      ],
      ["tokens: 1,234 in, 66 out · 80 ms", "tokens: 1,234 in (1,000 cached), 66 out (6 reasoning) · 80 ms", "80 ms"]
    )
  })
})

describe("Format.excerpt", () => {
  const lines = (count: number): string => Array.from({ length: count }, (_, index) => `${index + 1}\n`).join("")

  it("shows a short output completely, without trailing line ends", () => {
    assert.deepStrictEqual(Format.excerpt("a\nb\n\n", 80), ["a", "b"])
    assert.deepStrictEqual(Format.excerpt(lines(13), 80), lines(13).trim().split("\n"))
    assert.deepStrictEqual(Format.excerpt("\n\n", 80), [])
  })

  it("shows the beginning and the end of a long output", () => {
    assert.deepStrictEqual(Format.excerpt(lines(20), 80), [
      "1",
      "2",
      "3",
      "4",
      "… 8 more lines",
      ..."13 14 15 16 17 18 19 20".split(" ")
    ])
  })

  it("truncates long lines", () => {
    assert.deepStrictEqual(Format.excerpt("abcdef\nabcde\n", 5), ["abcd…", "abcde"])
  })
})
