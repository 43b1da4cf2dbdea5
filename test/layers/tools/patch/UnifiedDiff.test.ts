import { assert, describe, it } from "@effect/vitest"
import { applyPatch } from "diff"
import * as Schema from "effect/Schema"
import { hunks } from "../../../../src/layers/tools/patch/UnifiedDiff.ts"

const Line = Schema.Literals(["a\n", "b\n", "\n", "c\r\n", "a b\n", "-\n", "@@\n"])
const Text = Schema.Tuple([Schema.Array(Line), Schema.Literals(["", "end"])])
const textOf = ([lines, end]: typeof Text.Type): string => lines.join("") + end

const apply = (before: string, diff: string): string | false => applyPatch(before, `--- f\n+++ f\n${diff}`)

describe("a unified diff", () => {
  it.prop(
    "gives the new text when it is applied to the old one",
    [Text, Text, Schema.Literals([0, 1, 3])],
    (inputs) => {
      const [before, after] = [textOf(inputs[0]), textOf(inputs[1])]
      const diff = hunks(before, after, inputs[2])
      assert.strictEqual(before === after, diff === "")
      if (diff !== "") assert.strictEqual(apply(before, diff), after)
    }
  )

  it("is correct and bounded for large texts without a line in common", () => {
    const before = Array.from({ length: 50_000 }, (_, index) => `old ${index % 300}\n`).join("")
    const after = Array.from({ length: 50_000 }, (_, index) => `new ${index % 300}\n`).join("")
    assert.strictEqual(apply(before, hunks(before, after, 3)), after)
  })

  it("finds each of a thousand changes between lines that occur once", () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`)
    const after = lines.map((line, index) => (index % 20 === 10 ? `changed ${index}\n` : line)).join("")
    const diff = hunks(lines.join(""), after, 3)
    assert.strictEqual(diff.match(/^@@ /gm)?.length, 1000)
    assert.strictEqual(apply(lines.join(""), diff), after)
  })

  it("has the ranges and the marks of diff -u", () => {
    assert.strictEqual(hunks("", "a\n", 3), "@@ -0,0 +1 @@\n+a\n")
    assert.strictEqual(hunks("a\n", "", 3), "@@ -1 +0,0 @@\n-a\n")
    assert.strictEqual(hunks("a\nb", "a\nb\n", 1), "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n")
  })
})
