/**
 * The content and location of rule files, and the handling of files that cannot be read.
 *
 * @module
 */
import type { Case, Files, World } from "../Case.ts"
import { confined, onRequest, rule, ruled, untrusted } from "./Rule.ts"

const touch = { call: { cmd: "touch {mark}" } }

/** A file that should forbid `touch`, if its language is understood. */
const forbids: Readonly<Record<string, string>> = {
  "positional arguments": 'prefix_rule(["touch"], "forbidden")\n',
  "without blanks": 'prefix_rule(pattern=["touch"],decision="forbidden")',
  "over several lines": 'prefix_rule(\n    pattern = [\n        "touch",\n    ],\n    decision = "forbidden",\n)\n',
  "single quotes": "prefix_rule(pattern = ['touch'], decision = 'forbidden')\n",
  "a triple-quoted text": 'prefix_rule(pattern = ["""touch"""], decision = "forbidden")\n',
  "a raw text": 'prefix_rule(pattern = [r"touch"], decision = "forbidden")\n',
  "an escape in a text": 'prefix_rule(pattern = ["t\\x6fuch"], decision = "forbidden")\n',
  "a variable": 'words = ["touch"]\nprefix_rule(pattern = words, decision = "forbidden")\n',
  "a variable for the decision": 'no = "forbidden"\nprefix_rule(pattern = ["touch"], decision = no)\n',
  "a concatenation of texts": 'prefix_rule(pattern = ["to" + "uch"], decision = "forbidden")\n',
  "a concatenation of lists": 'prefix_rule(pattern = [] + ["touch"], decision = "forbidden")\n',
  "a format": 'prefix_rule(pattern = ["%such" % "to"], decision = "forbidden")\n',
  "a method": 'prefix_rule(pattern = "touch".split(" "), decision = "forbidden")\n',
  "a function": 'def no(word):\n    prefix_rule(pattern = [word], decision = "forbidden")\n\nno("touch")\n',
  "a lambda": 'no = lambda word: prefix_rule(pattern = [word], decision = "forbidden")\nno("touch")\n',
  "a comprehension": '[prefix_rule(pattern = [word], decision = "forbidden") for word in ["touch", "mkdir"]]\n',
  "a comprehension as the pattern": 'prefix_rule(pattern = [w for w in ["touch"]], decision = "forbidden")\n',
  "a loop at the top": 'for word in ["touch"]:\n    prefix_rule(pattern = [word], decision = "forbidden")\n',
  "a loop in a function":
    'def all():\n    for w in ["touch"]:\n        prefix_rule(pattern = [w], decision = "forbidden")\n\nall()\n',
  "a condition at the top": 'if True:\n    prefix_rule(pattern = ["touch"], decision = "forbidden")\n',
  "a conditional expression": 'prefix_rule(pattern = ["touch"], decision = "forbidden" if True else "allow")\n',
  "a dictionary": 'd = {"touch": "forbidden"}\nprefix_rule(pattern = ["touch"], decision = d["touch"])\n',
  "keywords from a dictionary": 'prefix_rule(**{"pattern": ["touch"], "decision": "forbidden"})\n',
  "a tuple as the pattern": 'prefix_rule(pattern = ("touch",), decision = "forbidden")\n',
  alternatives: 'prefix_rule(pattern = [["mkdir", "touch"]], decision = "forbidden")\n',
  "one alternative": 'prefix_rule(pattern = [["touch"]], decision = "forbidden")\n',
  "examples that hold":
    'prefix_rule(pattern = ["touch"], decision = "forbidden", match = ["touch a"], not_match = ["mkdir a"])\n',
  "examples as lists": 'prefix_rule(pattern = ["touch"], decision = "forbidden", match = [["touch", "a"]])\n',
  "an example that does not hold": 'prefix_rule(pattern = ["touch"], decision = "forbidden", match = ["mkdir a"])\n',
  "a counterexample that does not hold":
    'prefix_rule(pattern = ["touch"], decision = "forbidden", not_match = ["touch a"])\n',
  "a justification": 'prefix_rule(pattern = ["touch"], decision = "forbidden", justification = "Not here.")\n',
  "an empty justification": 'prefix_rule(pattern = ["touch"], decision = "forbidden", justification = "")\n',
  "an unknown argument": 'prefix_rule(pattern = ["touch"], decision = "forbidden", because = "so")\n',
  "an unknown decision": 'prefix_rule(pattern = ["touch"], decision = "never")\n',
  "a decision in capitals": 'prefix_rule(pattern = ["touch"], decision = "Forbidden")\n',
  "no decision": 'prefix_rule(pattern = ["touch"])\n',
  "a pattern of nothing": 'prefix_rule(pattern = [], decision = "forbidden")\n' + rule("forbidden", "touch"),
  "a pattern that is a text": 'prefix_rule(pattern = "touch", decision = "forbidden")\n',
  "a pattern of numbers": 'prefix_rule(pattern = [1], decision = "forbidden")\n' + rule("forbidden", "touch"),
  "an unknown function": `no_rule()\n${rule("forbidden", "touch")}`,
  "an unknown function after it": `${rule("forbidden", "touch")}no_rule()\n`,
  "a text that does not parse after it": `${rule("forbidden", "touch")}prefix_rule(\n`,
  "a load": `load("other.rules", "x")\n${rule("forbidden", "touch")}`,
  "a comment in front": `# rules\n${rule("forbidden", "touch")}`,
  "a byte order mark": `\ufeff${rule("forbidden", "touch")}`,
  "carriage returns": rule("forbidden", "touch").replaceAll("\n", "\r\n"),
  "a NUL": `${rule("forbidden", "touch")}\u0000`,
  "a recursion without an end": `def f(x):\n    return f(x)\n\nf(1)\n${rule("forbidden", "touch")}`,
  "an allowing rule after it": rule("forbidden", "touch") + rule("allow", "touch"),
  "an allowing rule in front": rule("allow", "touch") + rule("forbidden", "touch"),
  "a longer allowing rule": `${rule("forbidden", "touch")}prefix_rule(pattern = ["touch", "{root}"], decision = "allow")\n`,
  "a rule for the path": rule("forbidden", "/usr/bin/touch"),
  "a rule for the shell": rule("forbidden", "bash"),
  "a rule for the shell's path": rule("forbidden", "/bin/bash"),
  "a rule for the whole command line": rule("forbidden", "/bin/bash", "-lc", "touch"),
  "a pattern with blanks": rule("forbidden", "touch {mark}"),
  "an empty file": "",
  "only comments": "# nothing\n",
  "a long file": `${"# comment\n".repeat(200_000)}${rule("forbidden", "touch")}`,
  "many rules": `${rule("allow", "mkdir").repeat(20_000)}${rule("forbidden", "touch")}`,
  "deep brackets": `x = ${"[".repeat(5000)}${"]".repeat(5000)}\n${rule("forbidden", "touch")}`,
  "a network rule": `network_rule(host = "example.com", protocol = "https", decision = "allow")\n${rule("forbidden", "touch")}`,
  "a print": `print("hello")\n${rule("forbidden", "touch")}`
}

const forbidding = Object.entries(forbids).map(([name, text]): Case => ({
  name: `rules: ${name}`,
  world: ruled(text),
  start: onRequest,
  steps: [touch]
}))

/** Where a rule file may be. */
const at = (name: string, home: Files): Case => ({
  name: `rules in ${name}`,
  world: { home },
  start: onRequest,
  steps: [touch]
})

const text = rule("forbidden", "touch")

const places: ReadonlyArray<Case> = [
  at("another file", { "rules/mine.rules": text }),
  at("two files", { "rules/a.rules": rule("allow", "touch"), "rules/b.rules": text }),
  at("a broken and a good file", { "rules/a.rules": "prefix_rule(", "rules/b.rules": text }),
  at("a good and a broken file", { "rules/a.rules": text, "rules/b.rules": "prefix_rule(" }),
  at("a file of another name", { "rules/default.rules.txt": text }),
  at("a file without an ending", { "rules/default": text }),
  at("a file with a capital ending", { "rules/mine.RULES": text }),
  at("a hidden file", { "rules/.hidden.rules": text }),
  at("a folder of rules", { "rules/more/mine.rules": text }),
  at("a folder with the name of a file", { "rules/default.rules/x": text, "rules/mine.rules": text }),
  at("a file in place of the folder", { rules: text }),
  at("the home folder itself", { "default.rules": text })
]

const system: ReadonlyArray<Case> = [
  {
    name: "rules in the system's folder",
    world: { system: { "rules/default.rules": text } },
    start: onRequest,
    steps: [touch]
  },
  {
    name: "rules in the system's folder, the user allows",
    world: { system: { "rules/default.rules": text }, ...ruled(rule("allow", "touch")) },
    start: onRequest,
    steps: [touch]
  }
]

const executable = (name: string, world: World, cmd: string): Case => ({
  name: `host_executable: ${name}`,
  world,
  start: untrusted,
  steps: [{ call: { cmd } }]
})

const hosts = (paths: string): World =>
  ruled(`${rule("allow", "touch")}host_executable(name = "touch", paths = ${paths})\n`)

const executables: ReadonlyArray<Case> = [
  executable("a path that is named", hosts('["/usr/bin/touch"]'), "/usr/bin/touch {mark}"),
  executable("a path that is not named", hosts('["/bin/touch"]'), "/usr/bin/touch {mark}"),
  executable("no path is named", hosts("[]"), "/usr/bin/touch {mark}"),
  executable("the bare name", hosts('["/opt/touch"]'), "touch {mark}"),
  executable("a relative path", hosts('["touch"]'), "touch {mark}"),
  executable("without it", ruled(rule("allow", "touch")), "/usr/bin/touch {mark}"),
  executable("without it, a program of the project", ruled(rule("allow", "evil")), "./evil"),
  executable("without it, a program of the project by path", ruled(rule("allow", "evil")), "{work}/evil"),
  executable(
    "another order",
    ruled(`host_executable(name = "touch", paths = ["/usr/bin/touch"])\n${rule("allow", "touch")}`),
    "/usr/bin/touch {mark}"
  )
].map((one) => ({ ...one, project: { files: { evil: "#!/bin/sh\ntouch {mark}\n" } } }))

/** More than the first word. */
const words = (name: string, world: World, cmd: string, start: object = untrusted): Case => ({
  name: `rules by words: ${name}`,
  world,
  start,
  steps: [{ call: { cmd } }]
})

const two = ruled(rule("allow", "touch", "-a"))

const prefixes: ReadonlyArray<Case> = [
  words("both words", two, "touch -a {mark}"),
  words("one word of two", two, "touch {mark}"),
  words("the words in another order", two, "touch {mark} -a"),
  words("a longer word", two, "touch -ac {mark}"),
  words("a quoted word", two, "touch '-a' {mark}"),
  words("a list whose second is not allowed", ruled(rule("allow", "echo")), "echo hi && touch {mark}"),
  words("a list whose first is not allowed", ruled(rule("allow", "echo")), "touch {mark} && echo hi"),
  words("a list, all allowed", ruled(rule("allow", "echo") + rule("allow", "touch")), "echo hi && touch {mark}"),
  words("a pipe, all allowed", ruled(rule("allow", "echo") + rule("allow", "touch")), "echo hi | touch {mark}"),
  words("a redirection of an allowed command", ruled(rule("allow", "echo")), "echo hi > {mark}"),
  words("a substitution in an allowed command", ruled(rule("allow", "echo")), "echo $(touch {mark})"),
  words("a background of an allowed command", ruled(rule("allow", "echo")), "echo hi & touch {mark}"),
  words("one forbidden of a list", ruled(rule("allow", "echo") + rule("forbidden", "touch")), "echo hi; touch {mark}"),
  words(
    "one that asks of a list",
    ruled(rule("allow", "echo") + rule("prompt", "touch")),
    "echo hi; touch {mark}",
    onRequest
  ),
  words("the shell is allowed", ruled(rule("allow", "bash")), "bash -c 'touch {mark}'"),
  words("the outer shell is allowed", ruled(rule("allow", "/bin/bash", "-lc")), "touch {mark}"),
  words("the bare outer shell is allowed", ruled(rule("allow", "bash", "-lc")), "touch {mark}"),
  words(
    "the outer shell is allowed, a script",
    ruled(rule("allow", "/bin/bash", "-lc")),
    "for f in {mark}; do touch $f; done"
  ),
  words("an allowed command out of the sandbox", ruled(rule("allow", "touch")), "touch {mark}", confined),
  words(
    "an allowed destroyer",
    ruled(rule("allow", "rm") + rule("allow", "touch")),
    "rm -rf {work}/x && touch {mark}",
    onRequest
  ),
  words("env is allowed", ruled(rule("allow", "env")), "env touch {mark}"),
  words(
    "env is allowed, touch is forbidden",
    ruled(rule("allow", "env") + rule("forbidden", "touch")),
    "env touch {mark}",
    onRequest
  )
]

export const cases: ReadonlyArray<Case> = [...forbidding, ...places, ...system, ...executables, ...prefixes]
