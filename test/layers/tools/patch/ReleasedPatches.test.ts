import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { type FileSpec, folderWith, shown, tree } from "./PatchFolder.ts"

/** A patch, and what the released server makes of it. `<cwd>` stands for the folder. */
interface Case {
  readonly files: Readonly<Record<string, FileSpec>>
  readonly patch: string
  readonly output: string
  /** The changes of the item; absent without an item. */
  readonly changes?: ReadonlyArray<unknown>
  readonly diff?: string
  readonly tree: Readonly<Record<string, string>>
}

const cases = readFileSync(fileURLToPath(new URL("ReleasedPatches.jsonl", import.meta.url)), "utf8")
  .trimEnd()
  .split("\n")
  .map((line): Case => JSON.parse(line))

describe("a patch", () => {
  it.effect(
    "has the result, the item and the diff that it has with the released server",
    () =>
      Effect.gen(function* () {
        assert.isAbove(cases.length, 150)
        for (const { changes, diff, files, output, patch, tree: expected } of cases) {
          const { apply, cwd, turn } = yield* folderWith(files)
          const events = turn()
          const { text } = yield* apply(patch, events)
          const isApplied = text.startsWith("Exit code: 0")
          const published = shown(events.published)
          const items =
            changes === undefined
              ? []
              : [
                  ["started", "inProgress", changes],
                  ["completed", isApplied ? "completed" : "failed", changes]
                ]
          assert.deepStrictEqual(
            { output: text.replace(/Wall time: [\d.]+/, "Wall time: 0"), tree: tree(cwd), published },
            JSON.parse(
              JSON.stringify({
                output,
                tree: expected,
                published: diff === undefined ? items : [...items, { diff }]
              }).replaceAll("<cwd>", cwd)
            ),
            patch
          )
        }
      }),
    60_000
  )
})
