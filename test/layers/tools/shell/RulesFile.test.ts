import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { allowPrefix } from "../../../../src/layers/tools/shell/Rules.ts"
import type { Rule } from "../../../../src/services/tool/ExecRules.ts"
import { parse, printAllow } from "../../../../src/layers/tools/shell/RulesFile.ts"

const rule = (pattern: Rule["pattern"], decision: Rule["decision"], justification: string | null = null): Rule => ({
  pattern,
  decision,
  justification
})

/** The rules, or the error with its position. */
const outcome = (source: string) =>
  Result.match(parse(source), {
    onSuccess: ({ rules }) => rules,
    onFailure: ({ column, detail, line }) => `${line}:${column} ${detail}`
  })

const words = (source: string) => {
  const rules = outcome(source)
  return typeof rules === "string" ? rules : rules.map(({ pattern }) => pattern.map((word) => word.join("|")).join(" "))
}

describe("a rules file", () => {
  it("may have alternatives, comments, examples and both kinds of quotes", () => {
    const source = `
# what I let through
prefix_rule(pattern=["git", ["add", "rm"]], decision="allow") # both
prefix_rule(
  pattern = ['mkdir'],
  decision = "prompt",
  justification = "ask \\"me\\"",
  match = ["mkdir 'a b'", ["mkdir", "y"]],
  not_match = ["rmdir x"],
)
prefix_rule(["du"], "forbidden")
host_executable(name="git", paths=["/usr/bin/git"])
network_rule(host="example.com", protocol="https", decision="allow")
prefix_rule(pattern=["ls"])\r
`
    assert.deepStrictEqual(
      parse(source),
      Result.succeed({
        rules: [
          rule([["git"], ["add", "rm"]], "allow"),
          rule([["mkdir"]], "prompt", 'ask "me"'),
          rule([["du"]], "forbidden"),
          rule([["ls"]], "allow")
        ],
        hostExecutables: new Map([["git", ["/usr/bin/git"]]])
      })
    )
  })

  const programs: ReadonlyArray<readonly [name: string, source: string, expected: ReadonlyArray<string>]> = [
    ["variables and concatenation", 'git = ["git"]\nprefix_rule(pattern=git + ["push"])', ["git push"]],
    ["augmented assignment", 'x = "a"\nx += "b"\nprefix_rule(pattern=[x])', ["ab"]],
    [
      "a function",
      'def f(n, d="allow"):\n    prefix_rule(pattern=[n], decision=d)\n\nf("a")\nf("b", d="prompt")',
      ["a", "b"]
    ],
    [
      "a function with a value",
      'def f(*args, **kw):\n  return args[0] + kw["z"]\nprefix_rule(pattern=[f("a", z="b")])',
      ["ab"]
    ],
    ["a loop", 'for c in ["a", "b", "c"]:\n  if c == "b":\n    continue\n  prefix_rule(pattern=[c])', ["a", "c"]],
    [
      "a comprehension",
      '[prefix_rule(pattern=[c, s]) for c in ["a", "b"] for s in "x y".split(" ") if s != c]',
      ["a x", "a y", "b x", "b y"]
    ],
    ["a dict", 'd = {"k": ["v"]}\nfor k, v in d.items():\n    prefix_rule(pattern=[k] + v)', ["k v"]],
    [
      "branches",
      'if not True:\n    x = "a"\nelif 1 in [1]:\n    x = "b"\nelse:\n    x = "c"\nprefix_rule(pattern=[x])',
      ["b"]
    ],
    ["formats", 'prefix_rule(pattern=["%s-%d" % ("a", 1), "{}{x}".format("b", x="c")])', ["a-1 bc"]],
    ["a condition and a lambda", 'f = lambda q: q + "z"\nprefix_rule(pattern=[f("a") if True else "b"])', ["az"]],
    ["tuples, indexes and slices", 'a, b = "x", ["y", "z"]\nprefix_rule(pattern=[a, b[-1]] + b[:1])', ["x z y"]],
    ["escapes", 'prefix_rule(pattern=[\'\\x41\\u0042\\101\\U0001F600\', r\'a\\n\', """b\nc"""])', ["ABA😀 a\\n b\nc"]],
    ["keywords from a dict", 'prefix_rule(**{"pattern": ["a"]})', ["a"]],
    ["semicolons and lines in brackets", 'x = "a"; prefix_rule(\n  pattern = [\n    x, # first\n  ],\n)', ["a"]],
    ["builtins", 'prefix_rule(pattern=sorted([str(i) for i in range(3)]) + [type("")])', ["0 1 2 string"]]
  ]
  it.each(programs)("may use %s", (_, source, expected) => {
    assert.deepStrictEqual(words(source), [...expected])
  })

  const broken: ReadonlyArray<readonly [source: string, problem: string]> = [
    ['prefix_rule(pattern=["a"])\nthis is not', "2:6 unexpected `is`, expected a new line"],
    ['prefix_rule(pattern=["a"', "1:25 unexpected new line, expected `,`"],
    ["prefix_rule(pattern=5)", "1:1 parameter `pattern` must be a list, not int"],
    ["\n\nprefix_rule(pattern=[])", "3:1 invalid pattern element: pattern cannot be empty"],
    ['prefix_rule(pattern=["a", []])', "1:1 invalid pattern element: pattern alternatives cannot be empty"],
    [
      'prefix_rule(pattern=["a", ("b",)])',
      "1:1 invalid pattern element: pattern element must be a string or list of strings (got tuple)"
    ],
    ['prefix_rule(pattern=["a"], decision="maybe")', "1:1 invalid decision: maybe"],
    [
      'prefix_rule(pattern=["a"], decision=None)',
      "1:1 parameter `decision` of prefix_rule must be a string, not NoneType"
    ],
    ['prefix_rule(pattern=["a"], justification=" ")', "1:1 invalid rule: justification cannot be empty"],
    ['prefix_rule(pattern=["a"], other="x")', "1:1 prefix_rule has no parameter `other`"],
    ['prefix_rule(pattern=["a"], match=["b"])', "1:1 example does not match its rule: b"],
    ['prefix_rule(pattern=["a"], not_match=["a b"])', "1:1 example matches its rule: a b"],
    ['prefix_rule(pattern=["a\n"])', "1:22 unterminated string"],
    ['host_executable(name="a/b", paths=[])', "1:1 host_executable name must be a bare executable name (got a/b)"],
    ['host_executable(name="b", paths=["b"])', "1:1 host_executable paths must be absolute (got b)"],
    ['load("x.star", "y")', "1:1 `load` is not available: a rules file stands for itself"],
    ["while True:\n  pass", "1:1 `while` is not supported here"],
    ['print("x")', "1:1 variable `print` not found"],
    ['x = f"a"', "1:5 string prefix `f` is not supported"],
    ["x: str = 1", "1:2 type annotations are not supported"],
    ["def f():\n\tpass", "2:1 tabs are not allowed in indentation"],
    ["x = 1.5", "1:5 this form of a number is not supported"],
    ["\ufeffx = 1", "1:1 unexpected character"],
    ["def f():\n  return f()\nf()", "2:10 nested deeper than 64 levels"],
    ["for x in range(1000000):\n  pass", "1:1 more than 200000 steps"],
    ['x = "a" * 9999999', "1:9 more than 4194304 characters and list members"],
    [`x = ${"[".repeat(200)}`, "1:68 nested deeper than 64 levels"],
    ['x = ["a"]\nfor i in range(64):\n  x = x + x', "3:9 more than 4194304 characters and list members"]
  ]
  it.each(broken)("is refused completely, with the position: %j", (source, problem) => {
    assert.strictEqual(outcome(source), problem)
  })

  it.prop("reads back the prefix that was written", [Schema.NonEmptyArray(Schema.String)], ([prefix]) => {
    const line = printAllow(prefix)
    assert.notInclude(line, "\n")
    const expected = allowPrefix(prefix.map((word) => word.toWellFormed()))
    assert.deepStrictEqual(
      parse(`${line}\n${line}`),
      Result.succeed({ rules: [expected, expected], hostExecutables: new Map() })
    )
  })

  it.prop("fails only with a position", [Schema.String], ([text]) => {
    const pieces = ["prefix_rule(", "[", "]", ")", "'a'", "for x in", "def f():", "\n  ", text]
    for (const piece of pieces) {
      assert.isTrue(Result.isResult(parse(`${text}${piece}`)))
      assert.isTrue(Result.isResult(parse(`${piece}${text}`)))
    }
  })
})
