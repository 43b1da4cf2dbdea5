import { assert, describe, it } from "@effect/vitest"
import type { AskForApproval, SandboxPolicy } from "../../../../src/protocol/v2/thread/Settings.ts"
import { display } from "../../../../src/layers/tools/shell/CommandLine.ts"
import {
  decide as decideFully,
  type Decision as FullDecision,
  isFlagged,
  type Request,
  sessionKey
} from "../../../../src/layers/tools/shell/ExecPolicy.ts"
import { allowPrefix } from "../../../../src/layers/tools/shell/Rules.ts"
import type { Rule, RuleSet } from "../../../../src/services/tool/ExecRules.ts"
import { read } from "../../../../src/layers/tools/shell/Script.ts"

const full: SandboxPolicy = { type: "dangerFullAccess" }
const workspace: SandboxPolicy = {
  type: "workspaceWrite",
  writableRoots: [],
  networkAccess: false,
  excludeTmpdirEnvVar: false,
  excludeSlashTmp: false
}
const granular = (sandbox_approval: boolean, rules: boolean): AskForApproval => ({
  granular: { sandbox_approval, rules, skill_approval: true, request_permissions: true, mcp_elicitations: true }
})

type Fields = Partial<Omit<Request, "rules">> & {
  readonly rules?: ReadonlyArray<Rule>
  readonly ruleSet?: Partial<RuleSet>
}

const requestOf = (source: string, fields: Fields = {}): Request => {
  const argv = ["/bin/bash", "-lc", source]
  return {
    script: read(source),
    argv,
    command: display(argv),
    approvalPolicy: "on-request",
    sandboxPolicy: full,
    confinable: true,
    escalated: false,
    justification: null,
    prefixRule: null,
    approvedForSession: false,
    fixedSearchPath: true,
    ...fields,
    rules: { rules: fields.rules ?? [], hostExecutables: new Map(), incomplete: false, ...fields.ruleSet }
  }
}

type Decision = Exclude<FullDecision, { type: "refuse" }> | { readonly type: "refuse"; readonly text: string }

/** The decision without the text for users, which has its own test. */
const decide = (request: Request): Decision => {
  const decision = decideFully(request)
  return decision.type === "refuse" ? { type: "refuse", text: decision.text } : decision
}

const run = (confined = true): Decision => ({ type: "run", confined })
const ask = (amendment: ReadonlyArray<string> | null, reason: string | null = null, confined = true): Decision => ({
  type: "ask",
  reason,
  amendment,
  confined
})
const refuse = (text: string): Decision => ({ type: "refuse", text })
const rejected = (text: string): Decision =>
  refuse(`exec_command failed: CreateProcess { message: "Rejected(\\"${text}\\")" }`)

const prompt = (word: string, justification: string | null = null): Rule => ({
  pattern: [[word]],
  decision: "prompt",
  justification
})
const forbid = (word: string, justification: string | null = null): Rule => ({
  ...prompt(word, justification),
  decision: "forbidden"
})

const noEscalation = (name: string): Decision =>
  refuse(
    `approval policy is ${name}; reject command — you cannot ask for escalated permissions if the approval policy is ${name}`
  )
const noForce = (command: string): Decision =>
  rejected(`\`${command}\` rejected: rm -f style commands are not permitted. Use a safer approach`)
const noSandbox = "This machine has no sandbox to enforce workspaceWrite: the command would run without one"

type Case = readonly [name: string, source: string, fields: Fields, decision: Decision]

const policies: ReadonlyArray<Case> = [
  ["untrusted prompts for every command", "ls", { approvalPolicy: "untrusted" }, ask(["ls"])],
  [
    "untrusted prompts with the model's justification",
    "ls",
    { approvalPolicy: "untrusted", escalated: true, justification: "why" },
    ask(["ls"], "why", false)
  ],
  ["on-request runs", "touch a", {}, run()],
  ["never runs", "touch a", { approvalPolicy: "never" }, run()],
  ["granular runs", "touch a", { approvalPolicy: granular(true, true) }, run()],
  ["a session approval suffices", "ls", { approvalPolicy: "untrusted", approvedForSession: true }, run()]
]

const escalation: ReadonlyArray<Case> = [
  [
    "on-request prompts on a machine with a sandbox",
    "touch a",
    { escalated: true, sandboxPolicy: workspace, justification: "may I?" },
    ask(["touch", "a"], "may I?", false)
  ],
  ["on-request runs without a sandbox policy", "touch a", { escalated: true }, run(false)],
  [
    "granular prompts if sandbox approvals are on",
    "ls",
    { escalated: true, sandboxPolicy: workspace, approvalPolicy: granular(true, false) },
    ask(["ls"], null, false)
  ],
  [
    "granular refuses if they are off",
    "ls",
    { escalated: true, approvalPolicy: granular(false, true) },
    noEscalation(
      "Granular(GranularApprovalConfig { sandbox_approval: false, rules: true, skill_approval: true, request_permissions: true, mcp_elicitations: true })"
    )
  ],
  ["never refuses", "ls", { escalated: true, approvalPolicy: "never" }, noEscalation("Never")],
  [
    "a machine without a sandbox makes no difference",
    "touch a",
    { escalated: true, sandboxPolicy: workspace, confinable: false, justification: "may I?" },
    ask(["touch", "a"], "may I?", false)
  ]
]

const unconfinable = { sandboxPolicy: workspace, confinable: false } as const
const refusedUnconfined = rejected(
  "`/bin/bash -lc ls` rejected: this machine has no sandbox to enforce workspaceWrite, and the approval policy permits no approval request"
)
const unconfined: ReadonlyArray<Case> = [
  ["on-request prompts with the reason", "ls", unconfinable, ask(["ls"], noSandbox, false)],
  [
    "untrusted prompts with the reason, too",
    "ls",
    { ...unconfinable, approvalPolicy: "untrusted" },
    ask(["ls"], noSandbox, false)
  ],
  [
    "granular prompts if sandbox approvals are on",
    "ls",
    { ...unconfinable, approvalPolicy: granular(true, false) },
    ask(["ls"], noSandbox, false)
  ],
  [
    "granular refuses if they are off",
    "ls",
    { ...unconfinable, approvalPolicy: granular(false, true) },
    refusedUnconfined
  ],
  ["never refuses", "ls", { ...unconfinable, approvalPolicy: "never" }, refusedUnconfined],
  [
    "never also refuses a command with a session approval",
    "ls",
    { ...unconfinable, approvalPolicy: "never", approvedForSession: true },
    refusedUnconfined
  ],
  ["a session approval suffices", "ls", { ...unconfinable, approvedForSession: true }, run(false)],
  [
    "a rule suffices under never",
    "ls",
    { ...unconfinable, approvalPolicy: "never", rules: [allowPrefix(["ls"])] },
    run(false)
  ]
]

const flagged: ReadonlyArray<Case> = [
  ["on-request prompts", "rm -rf zz", {}, ask(["rm", "-rf", "zz"])],
  [
    "granular prompts for any settings, without a proposed rule",
    "rm -rf zz",
    { approvalPolicy: granular(false, false) },
    ask(null)
  ],
  ["the flagged command is proposed", "ls && rm -f zz | cat", {}, ask(["rm", "-f", "zz"])],
  ["it is found in a subshell", "(rm -rf zz)", {}, ask(["/bin/bash", "-lc", "(rm -rf zz)"])],
  ["it is found in a substitution", 'echo "$(rm -rf zz)"', {}, ask(["/bin/bash", "-lc", 'echo "$(rm -rf zz)"'])],
  [
    "it is found in a branch",
    "if true; then rm -rf zz; fi",
    {},
    ask(["/bin/bash", "-lc", "if true; then rm -rf zz; fi"])
  ],
  ["never refuses", "rm -rf zz", { approvalPolicy: "never" }, noForce("/bin/bash -lc 'rm -rf zz'")],
  ["a rule about rm does not cover it", "rm -rf zz", { rules: [allowPrefix(["rm"])] }, ask(["rm", "-rf", "zz"])],
  ["a rule with its arguments does", "rm -rf zz y", { rules: [allowPrefix(["rm", "-rf", "zz"])] }, run(false)],
  ["a session approval suffices", "rm -f zz", { approvedForSession: true }, run()]
]

const ruled: ReadonlyArray<Case> = [
  [
    "a script whose commands are all allowed runs outside the sandbox",
    "touch a && git add x",
    {
      approvalPolicy: "untrusted",
      sandboxPolicy: workspace,
      rules: [allowPrefix(["touch"]), allowPrefix(["git", "add"])]
    },
    run(false)
  ],
  [
    "one command without a rule prevents that",
    "touch a && ls",
    { approvalPolicy: "untrusted", rules: [allowPrefix(["touch"])] },
    ask(["ls"])
  ],
  [
    "a rule does not cover a redirection",
    "touch a > b",
    { approvalPolicy: "untrusted", rules: [allowPrefix(["touch"])] },
    ask(["/bin/bash", "-lc", "touch a > b"])
  ],
  [
    "prompt applies under every policy, with its reason",
    "mkdir x",
    { rules: [prompt("mkdir", "ask me")] },
    ask(null, "`/bin/bash -lc 'mkdir x'` requires approval: ask me")
  ],
  [
    "prompt without a reason",
    "touch a && mkdir b",
    { rules: [prompt("mkdir")] },
    ask(null, "`/bin/bash -lc 'touch a && mkdir b'` requires approval by policy")
  ],
  [
    "prompt overrides allow",
    "mkdir x",
    { rules: [allowPrefix(["mkdir"]), prompt("mkdir")] },
    ask(null, "`/bin/bash -lc 'mkdir x'` requires approval by policy")
  ],
  [
    "prompt under never",
    "mkdir x",
    { approvalPolicy: "never", rules: [prompt("mkdir")] },
    rejected("approval required by policy, but AskForApproval is set to Never")
  ],
  [
    "prompt under granular without rules",
    "mkdir x",
    { approvalPolicy: granular(true, false), rules: [prompt("mkdir")] },
    rejected("approval required by policy rule, but AskForApproval::Granular.rules is false")
  ],
  [
    "forbidden is refused",
    "chmod 1 x",
    { rules: [allowPrefix(["chmod"]), forbid("chmod", "no chmod here")] },
    rejected("`/bin/bash -lc 'chmod 1 x'` rejected: no chmod here")
  ],
  [
    "forbidden without a reason",
    "du",
    { approvalPolicy: "never", rules: [forbid("du")] },
    rejected("`/bin/bash -lc du` rejected: policy forbids commands starting with `du`")
  ],
  [
    "forbidden is found inside a script that is not plain",
    "(du) > x",
    { approvedForSession: true, rules: [forbid("du")] },
    rejected("`/bin/bash -lc '(du) > x'` rejected: policy forbids commands starting with `du`")
  ]
]

const required = (rule: Rule): Rule => ({ ...rule, required: true })
const inPerson = (rule: Rule): Rule => ({ ...rule, needsUser: true })
const incomplete = { ruleSet: { incomplete: true } } as const
const never = { approvalPolicy: "never" } as const
const noApproval = rejected("approval required by policy, but AskForApproval is set to Never")
const long = `${"echo a; ".repeat(9000)}`
const either: Rule = { pattern: [["df", "du"]], decision: "forbidden", justification: null }
const suspected: ReadonlyArray<Case> = [
  [
    "the matching alternative is reported",
    "du x",
    { rules: [either] },
    rejected("`/bin/bash -lc 'du x'` rejected: policy forbids commands starting with `du`")
  ],
  [
    "a path does not bypass a rule",
    "/opt/du x",
    { rules: [forbid("du")] },
    rejected("`/bin/bash -lc '/opt/du x'` rejected: policy forbids commands starting with `du`")
  ],
  [
    "a path prompts like the name",
    "./mkdir x",
    { rules: [prompt("mkdir")] },
    ask(null, "`/bin/bash -lc './mkdir x'` requires approval by policy")
  ],
  [
    "a program that may run it prompts",
    "foo du",
    { rules: [forbid("du", "no")] },
    ask(null, "This command may run `du`, which a rule forbids: no")
  ],
  [
    "a program that may run a prompting one prompts, too",
    "$X",
    { rules: [prompt("mkdir")] },
    ask(null, "This command may run `mkdir`, which a rule asks about")
  ],
  ["under never it is refused", "foo du", { ...never, rules: [forbid("du")] }, noApproval],
  [
    "a possible match of a required rule is refused",
    "foo du",
    { rules: [required(forbid("du", "no"))] },
    rejected("`/bin/bash -lc 'foo du'` rejected: no")
  ],
  [
    "a session approval does not satisfy a required rule",
    "mkdir x",
    { approvedForSession: true, rules: [required(prompt("mkdir"))] },
    ask(null, "`/bin/bash -lc 'mkdir x'` requires approval by policy")
  ],
  [
    "a session approval satisfies the user's rule",
    "mkdir x",
    { approvedForSession: true, rules: [prompt("mkdir")] },
    run()
  ],
  [
    "an allowing rule does not override a required one",
    "mkdir x",
    { rules: [allowPrefix(["mkdir", "x"]), required(prompt("mkdir"))] },
    ask(null, "`/bin/bash -lc 'mkdir x'` requires approval by policy")
  ],
  [
    "a rule that allows a name does not allow a path",
    "./ls",
    { ...unconfinable, rules: [allowPrefix(["ls"])] },
    ask(["./ls"], noSandbox, false)
  ],
  [
    "a rule that allows a name does not apply when names depend on the folder",
    "ls",
    { ...unconfinable, fixedSearchPath: false, rules: [allowPrefix(["ls"])] },
    ask(["ls"], noSandbox, false)
  ],
  [
    "a rule that allows a shell does not allow a script in it",
    "echo $X",
    { ...unconfinable, rules: [allowPrefix(["/bin/bash", "-lc"])] },
    ask(["/bin/bash", "-lc", "echo $X"], noSandbox, false)
  ],
  [
    "incomplete rules allow nothing",
    "ls",
    { ...incomplete, rules: [allowPrefix(["ls"])] },
    ask(null, "Some rules could not be applied, so every command needs approval")
  ],
  ["incomplete rules refuse under never", "ls", { ...incomplete, ...never }, noApproval],
  [
    "incomplete rules still forbid",
    "du",
    { ...incomplete, rules: [forbid("du")] },
    rejected("`/bin/bash -lc du` rejected: policy forbids commands starting with `du`")
  ],
  [
    "a rule that needs the user in person refuses, because a client cannot prove who answers",
    "mkdir x",
    { approvedForSession: true, rules: [required(prompt("mkdir")), required(inPerson(prompt("mkdir")))] },
    rejected("approval request failed")
  ],
  [
    "a rule that needs the user in person refuses a program that may run its program",
    "foo mkdir",
    { rules: [required(inPerson(prompt("mkdir")))] },
    rejected("approval request failed")
  ],
  ["an unreadable script prompts", "ls )", {}, ask(null, "This script cannot be read in full")],
  ["an unreadable script runs in the sandbox", "ls )", { sandboxPolicy: workspace }, run()],
  [
    "an unreadable script with rm prompts in the sandbox",
    "rm -rf x )",
    { sandboxPolicy: workspace },
    ask(["/bin/bash", "-lc", "rm -rf x )"])
  ],
  [
    "an unreadable script prompts without a sandbox",
    "ls )",
    unconfinable,
    ask(null, "This script cannot be read in full", false)
  ],
  [
    "an unreadable script prompts to leave the sandbox",
    "ls )",
    { sandboxPolicy: workspace, escalated: true },
    ask(null, "This script cannot be read in full", false)
  ],
  ["an unreadable script runs under never", "ls )", never, run()],
  ["an unreadable script with rm does not run under never", "rm -rf x )", never, noForce("/bin/bash -lc 'rm -rf x )'")],
  ["a long unreadable script prompts", long, {}, ask(null, "This script cannot be read in full")]
]

const untrusted = { approvalPolicy: "untrusted" } as const
const whole = (source: string) => ask(["/bin/bash", "-lc", source])
const proposals: ReadonlyArray<Case> = [
  ["the first command of several", "cd /x && touch a; touch b", untrusted, ask(["cd", "/x"])],
  ["words without their quotes", "touch 'a b'", untrusted, ask(["touch", "a b"])],
  ["the whole line when it is not plain", "echo $HOME", untrusted, whole("echo $HOME")],
  ["the whole line with an assignment", "FOO=1 touch z", untrusted, whole("FOO=1 touch z")],
  ["the whole line in the background", "touch a &", untrusted, whole("touch a &")],
  ["the whole line with a glob", "ls *.x", untrusted, whole("ls *.x")],
  ["the whole line with a here document", "cat <<E\nhi\nE", untrusted, whole("cat <<E\nhi\nE")],
  ["the whole line when it is empty", "", untrusted, whole("")],
  ["the model's prefix", "touch a\ntouch b", { ...untrusted, prefixRule: ["touch"] }, ask(["touch"])],
  [
    "not a prefix that does not cover the line",
    "touch a && ls",
    { ...untrusted, prefixRule: ["touch"] },
    ask(["touch", "a"])
  ],
  ["not a prefix that covers everything", "npm i", { ...untrusted, prefixRule: [] }, ask(["npm", "i"])],
  ["not an interpreter", "python3 x", { ...untrusted, prefixRule: ["python3"] }, ask(["python3", "x"])],
  ["not a shell with a flag", "bash -lc ls", { ...untrusted, prefixRule: ["bash", "-lc"] }, ask(["bash", "-lc", "ls"])],
  ["an interpreter with its program", "node x y", { ...untrusted, prefixRule: ["node", "x"] }, ask(["node", "x"])]
]

describe("the decision about commands", () => {
  const tables = { policies, escalation, unconfined, flagged, ruled, suspected, proposals }
  const cases = Object.entries(tables).flatMap(([table, rows]) =>
    rows.map(([name, ...row]): Case => [`${table}: ${name}`, ...row])
  )
  it.each(cases)("%s", (_, source, fields, decision) => {
    assert.deepStrictEqual(decide(requestOf(source, fields)), decision)
  })

  it("flags forced removal behind wrappers, and nothing else", () => {
    const forced = ["rm -f z", "rm -fr z", "rm -v -rf z", "rm --recursive --force z", "/bin/rm -rf z", "sudo rm -rf z"]
    const hidden = ["env A=1 rm -f z", "sudo -n env rm -f z", "bash -lc 'ls; rm -rf z'", "sh -c '(rm -f z)'"]
    const fine = ["rm z", "rm -r z", "sudo ls", "env", "bash x.sh", "echo rm -rf z", "git rm -f z", "bash -c"]
    const verdict = (source: string): boolean => isFlagged(read(source).plain?.[0]?.words ?? [])
    assert.deepStrictEqual([...forced, ...hidden, ...fine].map(verdict), [
      ...[...forced, ...hidden].map(() => true),
      ...fine.map(() => false)
    ])
  })

  it("flags a command behind more than 64 wrappers or 8 shells", () => {
    const wrapped = (count: number): ReadonlyArray<string> => [...Array.from({ length: count }, () => "env"), "a"]
    assert.deepStrictEqual(
      [0, 64, 65, 16_000].map(wrapped).map((words) => isFlagged(words)),
      [false, false, true, true]
    )
    assert.deepStrictEqual([isFlagged(["sh", "-c", "ls"], 7), isFlagged(["sh", "-c", "ls"], 8)], [false, true])
    const source = `${"env ".repeat(9000)}a`
    const sandboxPolicy: SandboxPolicy = { type: "readOnly", networkAccess: false }
    const decision = decide(requestOf(source, { sandboxPolicy }))
    assert.deepStrictEqual(decision, ask(source.split(" ")))
  })

  it("follows an allowing rule only for scripts that the release parses: no quotes in a name, no comment", () => {
    const quoted = ["t''ouch a", '"touch" a', "'touch' a", "to'uch' a", "t\\ouch a", "touch a && 'touch' b"]
    const commented = ["touch a # b", "# b\ntouch a", "touch a#b", "touch a #", "touch a; #'", "touch 'a' #'b'"]
    const plain = [
      "touch 'a'",
      'touch "a"',
      "touch a'b'\"c\"",
      "touch '# a'",
      'touch "a # b"',
      "touch a;",
      "touch \\\n a"
    ]
    const verdict = (source: string): string =>
      decide(requestOf(source, { approvalPolicy: "untrusted", rules: [allowPrefix(["touch"])] })).type
    assert.deepStrictEqual([...quoted, ...commented, ...plain].map(verdict), [
      ...[...quoted, ...commented].map(() => "ask"),
      ...plain.map(() => "run")
    ])
  })

  it("stores approvals of a plain command by its words and of any other by its line", () => {
    const key = (source: string, shell = "/bin/bash", cwd = "/w", escalated = false): string =>
      sessionKey({ script: read(source), argv: [shell, "-lc", source], escalated }, cwd)
    assert.strictEqual(key("touch  a"), key("touch a"))
    const keys = [
      key("touch a"),
      key("touch b"),
      key("touch a", "/bin/sh"),
      key("touch a", "/bin/bash", "/v"),
      key("touch a", "/bin/bash", "/w", true),
      key("echo $A"),
      key("echo  $A"),
      key("touch a && touch b"),
      key("touch a; touch b")
    ]
    assert.strictEqual(new Set(keys).size, keys.length)
  })
})

describe("the refusal that users see", () => {
  const prompt = (more: Partial<Rule> = {}): Rule => ({
    pattern: [["ls"]],
    decision: "prompt",
    justification: null,
    ...more
  })

  it.each<readonly [string, Fields, string]>([
    [
      "a rule",
      { rules: [prompt({ decision: "forbidden" })] },
      "a rule forbids it: policy forbids commands starting with `ls`"
    ],
    [
      "a rule of the organisation",
      { rules: [prompt({ decision: "forbidden", required: true, justification: "no lists" })] },
      "a rule of your organisation forbids it: no lists"
    ],
    [
      "a rule that prompts",
      { rules: [prompt()], approvalPolicy: "never" },
      "a rule requires approval, and the approval policy is `never`"
    ],
    [
      "a rule of the organisation that prompts",
      { rules: [prompt({ required: true })], approvalPolicy: "never" },
      "a rule of your organisation requires approval, and the approval policy is `never`"
    ],
    [
      "a rule that needs the user in person",
      { rules: [prompt({ required: true, needsUser: true })] },
      "a rule of your organisation requires an answer that no client can give"
    ],
    [
      "rules that could not be read",
      { ruleSet: { incomplete: true }, approvalPolicy: "never" },
      "some rules could not be applied, so it needs approval, and the approval policy is `never`"
    ],
    [
      "a granular policy, for rules",
      { rules: [prompt()], approvalPolicy: granular(true, false) },
      "a rule requires approval, and the approval policy refuses what rules ask about"
    ],
    [
      "a granular policy, without a sandbox",
      { confinable: false, sandboxPolicy: workspace, approvalPolicy: granular(false, true) },
      "there is no sandbox here to enforce workspace-write, and the approval policy permits no question"
    ],
    [
      "the approval policy, for an escalation",
      { escalated: true, approvalPolicy: "never" },
      "the agent asked to leave the sandbox, and the approval policy permits no question"
    ]
  ])("names %s", (_, fields, why) => {
    const decision = decideFully(requestOf("ls", fields))
    assert.strictEqual(decision.type === "refuse" ? decision.shown : decision.type, `refused: ${why}`)
  })
})
