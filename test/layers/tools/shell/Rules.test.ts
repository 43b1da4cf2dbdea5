import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import {
  allowPrefix,
  matches,
  parse,
  printAllow,
  type Rule,
  RulesSyntaxError
} from "../../../../src/layers/tools/shell/Rules.ts"

const rule = (pattern: Rule["pattern"], decision: Rule["decision"], justification: string | null = null): Rule => ({
  pattern,
  decision,
  justification
})

describe("the rules file", () => {
  it("is read with its alternatives, comments, arguments over several lines and either quotes", () => {
    const source = `
# what I let through
prefix_rule(pattern=["git", ["add", "rm"]], decision="allow") # both
prefix_rule(
  pattern = ['mkdir'],
  decision = "prompt",
  justification = "ask \\"me\\"",
  match = ["mkdir x", ["mkdir", "y"]],
)
prefix_rule(pattern=["du"], decision="forbidden")
host_executable(name="git", paths=["/usr/bin/git"])
prefix_rule(pattern=["ls"])
`
    assert.deepStrictEqual(
      parse(source),
      Result.succeed([
        rule([["git"], ["add", "rm"]], "allow"),
        rule([["mkdir"]], "prompt", 'ask "me"'),
        rule([["du"]], "forbidden"),
        rule([["ls"]], "allow")
      ])
    )
  })

  const broken: ReadonlyArray<readonly [source: string, line: number, expected: string]> = [
    ['prefix_rule(pattern=["a"])\nthis is not', 2, "`(`"],
    ['prefix_rule(pattern=["a"', 1, "`,`"],
    ["prefix_rule(pattern=5)", 1, "a rule"],
    ["\n\nprefix_rule(pattern=[])", 3, "a pattern with at least one word"],
    ['prefix_rule(pattern=["a"], decision="maybe")', 1, 'decision "allow", "prompt" or "forbidden"'],
    ['prefix_rule(pattern=["a\n"])', 1, "a rule"]
  ]
  it.each(broken)("is refused as a whole when it is broken: %j", (source, line, expected) => {
    assert.deepStrictEqual(parse(source), Result.fail(new RulesSyntaxError({ line, expected })))
  })

  it.prop("reads back the prefix that was written", [Schema.NonEmptyArray(Schema.String)], ([prefix]) => {
    const line = printAllow(prefix)
    assert.deepStrictEqual(parse(`${line}\n${line}`), Result.succeed([allowPrefix(prefix), allowPrefix(prefix)]))
  })

  it("matches the first words of a command", () => {
    const git = rule([["git"], ["add", "rm"]], "allow")
    assert.deepStrictEqual(
      [["git", "add", "x"], ["git", "rm"], ["git"], ["git", "commit"], ["add", "git"]].map((words) =>
        matches(git, words)
      ),
      [true, true, false, false, false]
    )
  })
})
