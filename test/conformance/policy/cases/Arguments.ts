/**
 * The arguments of the tool other than the command line.
 *
 * @module
 */
import type { Call, Case } from "../Case.ts"
import { confined, never, onRequest, rule, ruled, untrusted } from "./Rule.ts"

const evil = {
  files: {
    evil: "#!/bin/sh\ntouch {mark}\n",
    bash: "#!/bin/sh\ntouch {mark}\n",
    sh: "#!/bin/sh\ntouch {mark}\n",
    "evil-bash": "#!/bin/sh\ntouch {mark}\n"
  }
}

const allowsEcho = ruled(rule("allow", "echo"))

/** A harmless, allowed command that is passed to a program of the project as its shell. */
const shell = (name: string, shell: unknown, start: object = untrusted, extra: object = {}): Case => ({
  name: `the shell is ${name}`,
  world: allowsEcho,
  project: evil,
  start,
  steps: [{ call: { cmd: "echo hi", shell, ...extra } }]
})

const shells = (
  [
    ["untrusted", untrusted],
    ["on request", onRequest],
    ["confined", confined]
  ] as const
).flatMap(([name, start]) => [
  shell(`a program of the project, ${name}`, "{work}/evil", start),
  shell(`a program of the project called bash, ${name}`, "{work}/bash", start),
  shell(`a program of the project called sh, ${name}`, "{work}/sh", start),
  shell(`a relative path, ${name}`, "./bash", start),
  shell(`a program called evil-bash, ${name}`, "{work}/evil-bash", start),
  shell(`bash, ${name}`, "bash", start),
  shell(`sh, ${name}`, "sh", start),
  shell(`a shell that is not there, ${name}`, "/bin/zsh", start),
  shell(`PowerShell, ${name}`, "pwsh", start),
  shell(`cmd, ${name}`, "cmd.exe", start),
  shell(`nothing, ${name}`, "", start),
  shell(`Python, ${name}`, "python3", start),
  shell(`env, ${name}`, "/usr/bin/env", start),
  shell(`a number, ${name}`, 5, start)
])

const called = (name: string, call: Call, start: object, extra: Partial<Case> = {}): Case => ({
  name: `arguments: ${name}`,
  world: {},
  start,
  steps: [{ call }],
  ...extra
})

const touch = "touch {mark}"
const escalated = { cmd: touch, sandbox_permissions: "require_escalated", justification: "May it?" }

export const cases: ReadonlyArray<Case> = [
  ...shells,
  called("escalated, confined", escalated, confined),
  called("escalated, never", escalated, { approvalPolicy: "never", sandbox: "read-only" }),
  called("escalated, never, full access", escalated, never),
  called("escalated, on request, full access", escalated, onRequest),
  called("escalated without a reason", { cmd: touch, sandbox_permissions: "require_escalated" }, confined),
  called("escalated and allowed by a rule", escalated, confined, { world: ruled(rule("allow", "touch")) }),
  called("escalated and forbidden by a rule", escalated, confined, { world: ruled(rule("forbidden", "touch")) }),
  called(
    "additional permissions",
    {
      cmd: touch,
      sandbox_permissions: "with_additional_permissions",
      additional_permissions: { file_system: { write: ["/"] } }
    },
    confined
  ),
  called(
    "additional permissions, never",
    {
      cmd: touch,
      sandbox_permissions: "with_additional_permissions",
      additional_permissions: { file_system: { write: ["/"] } }
    },
    { approvalPolicy: "never", sandbox: "read-only" }
  ),
  called("default permissions", { cmd: touch, sandbox_permissions: "use_default" }, confined),
  called("unknown permissions", { cmd: touch, sandbox_permissions: "everything" }, onRequest),
  called("permissions of another type", { cmd: touch, sandbox_permissions: true }, onRequest),
  called("a prefix rule", { ...escalated, prefix_rule: ["touch"] }, confined),
  called("a prefix rule of nothing", { ...escalated, prefix_rule: [] }, confined),
  called("a prefix rule alone", { cmd: touch, prefix_rule: ["touch"] }, untrusted),
  called(
    "a prefix rule that is accepted for one command holds for the next",
    { ...escalated, prefix_rule: ["touch"] },
    confined,
    {
      steps: [{ call: { ...escalated, prefix_rule: ["touch"] }, decision: "accept" }, { call: { ...escalated } }]
    }
  ),
  called("a folder", { cmd: touch, workdir: "/" }, confined),
  called("a folder that is not there", { cmd: touch, workdir: "{work}/none" }, onRequest),
  called("a relative folder", { cmd: "touch marks/$(basename {mark})", workdir: "../.." }, confined),
  called("a folder that is a file", { cmd: touch, workdir: "/etc/hostname" }, onRequest),
  called("no login", { cmd: touch, login: false }, confined),
  called("a login", { cmd: touch, login: true }, onRequest, {
    world: { config: 'approval_policy = "never"\nsandbox_mode = "danger-full-access"\nallow_login_shell = false' }
  }),
  called("a terminal", { cmd: touch, tty: true }, confined),
  called("a terminal, untrusted", { cmd: touch, tty: true }, untrusted),
  called("unknown arguments", { cmd: touch, evil: true }, onRequest),
  called("a command that is a list", { cmd: ["touch", "{mark}"] as unknown as string }, onRequest),
  called("a command of another name", { cmd: "", command: touch } as Call, onRequest),
  called(
    "a patch outside of the workspace",
    { cmd: "apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: {mark}\n+x\n*** End Patch\nEOF" },
    confined
  ),
  called(
    "a patch, never",
    { cmd: "apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: {mark}\n+x\n*** End Patch\nEOF" },
    { approvalPolicy: "never", sandbox: "read-only" }
  ),
  called(
    "a patch, untrusted",
    { cmd: "apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: {mark}\n+x\n*** End Patch\nEOF" },
    untrusted
  ),
  called("accepted once, then again", { cmd: touch }, untrusted, {
    steps: [{ call: { cmd: touch }, decision: "accept" }, { call: { cmd: touch } }]
  }),
  called("accepted for the session, then again", { cmd: "echo hi" }, untrusted, {
    steps: [{ call: { cmd: "echo hi" }, decision: "acceptForSession" }, { call: { cmd: "echo hi" } }]
  }),
  called("accepted for the session, then another", { cmd: "echo hi" }, untrusted, {
    steps: [{ call: { cmd: "echo hi" }, decision: "acceptForSession" }, { call: { cmd: touch } }]
  }),
  called("accepted for the session, then in another folder", { cmd: "echo hi" }, untrusted, {
    steps: [{ call: { cmd: "echo hi" }, decision: "acceptForSession" }, { call: { cmd: "echo hi", workdir: "/" } }]
  }),
  called("accepted for the session, then with another shell", { cmd: "echo hi" }, untrusted, {
    project: evil,
    steps: [
      { call: { cmd: "echo hi" }, decision: "acceptForSession" },
      { call: { cmd: "echo hi", shell: "{work}/evil" } }
    ]
  }),
  called(
    "accepted for the session, then escalated",
    escalated,
    { approvalPolicy: "untrusted", sandbox: "read-only" },
    {
      steps: [{ call: { cmd: "echo hi" }, decision: "acceptForSession" }, { call: { ...escalated, cmd: "echo hi" } }]
    }
  ),
  called("accepted with a rule, then again", { cmd: touch }, untrusted, {
    world: { environment: { CASE: "amended" } },
    steps: [
      { call: { cmd: touch }, decision: { acceptWithExecpolicyAmendment: { execpolicy_amendment: ["touch"] } } },
      { call: { cmd: touch } }
    ]
  }),
  called("accepted with a rule, then another", { cmd: touch }, untrusted, {
    world: { environment: { CASE: "amended otherwise" } },
    steps: [
      { call: { cmd: "echo hi" }, decision: { acceptWithExecpolicyAmendment: { execpolicy_amendment: ["echo"] } } },
      { call: { cmd: touch } }
    ]
  }),
  called("declined, then again", { cmd: touch }, untrusted, {
    steps: [{ call: { cmd: touch } }, { call: { cmd: touch } }]
  }),
  called("an answer that is none", { cmd: touch }, untrusted, { steps: [{ call: { cmd: touch }, decision: "maybe" }] }),
  called("a cancelled command", { cmd: touch }, untrusted, { steps: [{ call: { cmd: touch }, decision: "cancel" }] }),
  called("features.shell_tool off", { cmd: touch }, onRequest, {
    start: { ...onRequest, config: { "features.shell_tool": false } }
  }),
  called("features.unified_exec off", { cmd: touch }, onRequest, {
    start: { ...onRequest, config: { "features.unified_exec": false } }
  })
]
