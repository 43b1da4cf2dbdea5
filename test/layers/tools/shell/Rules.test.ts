import { assert, describe, it } from "@effect/vitest"
import { allowPrefix, allows, matches, none, restricts } from "../../../../src/layers/tools/shell/Rules.ts"
import type { Rule } from "../../../../src/services/tool/ExecRules.ts"

const rule = (pattern: Rule["pattern"], decision: Rule["decision"]): Rule => ({
  pattern,
  decision,
  justification: null
})

describe("a rule", () => {
  it("matches the first words of a command", () => {
    const git = rule([["git"], ["add", "rm"]], "allow")
    assert.deepStrictEqual(
      [["git", "add", "x"], ["git", "rm"], ["git"], ["git", "commit"], ["add", "git"], ["git", null]].map((words) =>
        matches(git, words)
      ),
      [true, true, false, false, false, false]
    )
  })

  it("that allows applies to a path only if host_executable lists it", () => {
    const set = { ...none, hostExecutables: new Map([["git", ["/usr/bin/git"]]]) }
    const git = allowPrefix(["git", "add"])
    assert.deepStrictEqual(
      [
        ["git", "add"],
        ["/usr/bin/git", "add"],
        ["/opt/git", "add"],
        ["./git", "add"],
        ["/usr/bin/git", "rm"]
      ].map((words) => [allows(git, words, none), allows(git, words, set)]),
      [
        [true, true],
        [false, true],
        [false, false],
        [false, false],
        [false, false]
      ]
    )
  })

  it("that restricts applies to any path and letter case, and may apply after options and unknown words", () => {
    const push = rule([["git"], ["push"]], "forbidden")
    const cases: ReadonlyArray<readonly [ReadonlyArray<string | null>, string]> = [
      [["git", "push"], "yes"],
      [["/tmp/x/git", "push", "a"], "yes"],
      [["../GIT", "push"], "yes"],
      [["ｇｉｔ", "push"], "yes"],
      [["git", "-C", "dir", "push"], "maybe"],
      [["git", null], "maybe"],
      [[null, "push"], "maybe"],
      [["git", "status"], "no"],
      [["git", "log", "push"], "no"],
      [["git"], "no"],
      [["gitk", "push"], "no"],
      [[], "no"]
    ]
    assert.deepStrictEqual(
      cases.map(([words]) => [words, restricts(push, words)]),
      cases.map(([words, verdict]) => [words, verdict])
    )
  })
})
