import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { execFileSync } from "node:child_process"
import { display } from "../../../../src/layers/tools/shell/CommandLine.ts"

/** As formatted by the released server. */
const shown: ReadonlyArray<readonly [argv: ReadonlyArray<string>, line: string]> = [
  [["/bin/bash", "-lc", "ls"], "/bin/bash -lc ls"],
  [["/bin/bash", "-lc", ""], "/bin/bash -lc ''"],
  [["/bin/bash", "-lc", "echo hi; echo err >&2"], "/bin/bash -lc 'echo hi; echo err >&2'"],
  [["/bin/bash", "-lc", "printf 'a\\xff\\n'"], `/bin/bash -lc "printf 'a\\\\xff\\\\n'"`],
  [["/bin/bash", "-lc", "printf 'aé%.0s' $(seq 300)"], `/bin/bash -lc "printf 'aé%.0s' "'$(seq 300)'`],
  [["/bin/bash", "-lc", "grep -v '^npm_\\|LS'"], `/bin/bash -lc "grep -v '"'^npm_'"\\\\|LS'"`],
  [["/bin/bash", "-lc", "echo 'a b' \"c d\"\necho $HOME"], `/bin/bash -lc "echo 'a b' \\"c d\\"\necho "'$HOME'`],
  [["ls", "--color=auto", "src"], "ls '--color=auto' src"]
]

describe("the line of a command", () => {
  it.each(shown)("formats %j like the release", (argv, line) => {
    assert.strictEqual(display(argv), line)
  })

  it.prop("is parsed by a shell to the same words", [Schema.Array(Schema.String)], ([words]) => {
    const argv = words.map((word) => word.replaceAll("\0", "").toWellFormed())
    if (argv.length > 0) {
      const line = `printf '%s\\0' ${display(argv)}`
      const read = execFileSync("/bin/sh", ["-c", line], { encoding: "utf8" })
      assert.deepStrictEqual(read.split("\0").slice(0, -1), argv)
    }
  })
})
