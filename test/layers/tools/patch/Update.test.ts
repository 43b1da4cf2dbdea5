import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { changesOf } from "../../../../src/layers/tools/patch/LineDiff.ts"
import { parse } from "../../../../src/layers/tools/patch/Parser.ts"
import type { Chunk } from "../../../../src/layers/tools/patch/Patch.ts"
import { MaxComparisons } from "../../../../src/layers/tools/patch/Seek.ts"
import { update } from "../../../../src/layers/tools/patch/Update.ts"
import { patch } from "./PatchFolder.ts"

/** What happens to a line of a random file. */
const Fate = Schema.Literals(["keep", "keep", "keep", "remove", "replace", "insert"])

/** Words with characters that patches give a meaning to. */
const words = ["", " ", "@@", "*** End Patch", "+", "-", "a", "\t", "é", "—", "***"]

/** A file of lines that all differ, and its edited form. */
const edited = (fates: ReadonlyArray<typeof Fate.Type>) => {
  const lines = fates.map((_, index) => `${index}${words[index % words.length]}`)
  const result = fates.flatMap((fate, index) => {
    const line = lines[index] ?? ""
    if (fate === "remove") return []
    if (fate === "replace") return [`${words[index % words.length]}new${index}`]
    return fate === "insert" ? [line, `added${index}`, ""] : [line]
  })
  return { lines, result }
}

/** A patch from one file to the other, with `context` lines around each change. */
const patchOf = (old: ReadonlyArray<string>, now: ReadonlyArray<string>, context: number): string => {
  const out = ["*** Update File: f"]
  let previousEnd = 0
  for (const { newCount, newStart, oldCount, oldStart } of changesOf(old, now)) {
    const from = Math.max(previousEnd, oldStart - context)
    const end = oldStart + oldCount
    out.push(
      "@@",
      ...old.slice(from, oldStart).map((line) => ` ${line}`),
      ...old.slice(oldStart, end).map((line) => `-${line}`),
      ...now.slice(newStart, newStart + newCount).map((line) => `+${line}`)
    )
    previousEnd = end
  }
  return patch(...out)
}

const chunksOf = (text: string): ReadonlyArray<Chunk> => {
  const [operation] = Result.getOrThrowWith(parse(text), (error) => new Error(error))
  assert(operation?.type === "update")
  return operation.chunks
}

const fileOf = (lines: ReadonlyArray<string>, ending: string): string => lines.map((line) => line + ending).join("")

describe("the chunks of a patch", () => {
  for (const [name, ending] of [
    ["LF", "\n"],
    ["CRLF", "\r\n"]
  ] as const) {
    it.prop(`give the edited file, for any file with ${name} and any edit`, [Schema.Array(Fate)], ([fates]) => {
      const { lines, result } = edited(["keep", ...fates])
      if (lines.join("\n") === result.join("\n")) return
      const chunks = chunksOf(patchOf(lines, result, 3))
      assert.deepStrictEqual(update(fileOf(lines, ending), chunks, "f"), Result.succeed(fileOf(result, ending)))
    })
  }

  it.prop(
    "are refused when a line that they expect is missing, whichever it is",
    [Schema.Array(Fate), Schema.Int],
    ([fates, choice]) => {
      const { lines, result } = edited(["replace", ...fates])
      const expected = lines.map((line) => ({ sign: "-" as const, text: line }))
      const chunk: Chunk = { context: null, lines: [...expected, { sign: "+", text: result.join() }], endOfFile: false }
      const missing = Math.abs(choice) % lines.length
      const file = fileOf(lines.toSpliced(missing, 1, "something else"), "\n")
      assert.deepStrictEqual(
        update(file, [chunk], "f"),
        Result.fail(`Failed to find expected lines in f:\n${lines.join("\n")}`)
      )
    }
  )

  it("keep the file's own lines as context, also when they only match leniently", () => {
    const chunks = chunksOf(patch("*** Update File: f", "@@", " one - 1", "-two", "+TWO", " three"))
    assert.deepStrictEqual(
      update("  one — 1\r\ntwo \r\n\tthree\n", chunks, "f"),
      Result.succeed("  one — 1\r\nTWO\r\n\tthree\n")
    )
  })

  it("keep a byte order mark", () => {
    const chunks = chunksOf(patch("*** Update File: f", "@@", "-one", "+two"))
    assert.deepStrictEqual(update("\uFEFFone\n", chunks, "f"), Result.succeed("\uFEFFtwo\n"))
  })

  it("do not take a carriage return within a line for a line ending", () => {
    const chunks = chunksOf(patch("*** Update File: f", "@@", "-b", "+c"))
    assert.deepStrictEqual(update("a\rx\nb\n", chunks, "f"), Result.succeed("a\rx\nc\n"))
  })

  it("are refused instead of searched without end", () => {
    const lines = 2 * Math.ceil(Math.sqrt(MaxComparisons))
    const file = "x\n".repeat(lines)
    const wanted = Array.from({ length: lines / 2 }, () => ({ sign: " " as const, text: "x" }))
    const chunk: Chunk = { context: null, lines: [...wanted, { sign: "-", text: "y" }], endOfFile: false }
    assert.deepStrictEqual(
      update(file, [chunk], "f"),
      Result.fail("Failed to apply the patch to f: its lines repeat too often to be found in time. Split the patch.")
    )
  })

  it("may be a thousand in a large file", () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`)
    const result = lines.map((line, index) => (index % 20 === 10 ? `${line} changed` : line))
    const chunks = chunksOf(patchOf(lines, result, 3))
    assert.strictEqual(chunks.length, 1000)
    assert.deepStrictEqual(update(fileOf(lines, "\n"), chunks, "f"), Result.succeed(fileOf(result, "\n")))
  })
})
