/**
 * Approval policies and sandboxes, and the ways to set them.
 *
 * @module
 */
import type { Case, Step } from "../Case.ts"
import { onRequest, rule, ruled } from "./Rule.ts"

const granular = (sandbox_approval: boolean, rules: boolean) => ({
  granular: { sandbox_approval, rules, mcp_elicitations: true }
})

const policies: Readonly<Record<string, unknown>> = {
  untrusted: "untrusted",
  "on-request": "on-request",
  never: "never",
  "granular, all": granular(true, true),
  "granular, rules only": granular(false, true),
  "granular, sandbox only": granular(true, false),
  "granular, nothing": granular(false, false)
}

const sandboxes = ["danger-full-access", "workspace-write", "read-only"] as const

const commands: Readonly<Record<string, Step["call"]>> = {
  writes: { cmd: "touch {mark}" },
  reads: { cmd: "ls /" },
  destroys: { cmd: "rm -rf {work}/x && touch {mark}" },
  "is forbidden": { cmd: "mkdir {mark}" },
  asks: { cmd: "cp /dev/null {mark}" },
  "is allowed": { cmd: "mkfifo {mark}" },
  "asks to leave the sandbox": {
    cmd: "touch {mark}",
    sandbox_permissions: "require_escalated",
    justification: "May it?"
  }
}

const rules = ruled(rule("forbidden", "mkdir") + rule("prompt", "cp") + rule("allow", "mkfifo"))

/** The release treats its two sandboxes the same way, so one of them suffices for the granular policies. */
const sandboxesOf = (approvalPolicy: unknown) =>
  sandboxes.filter((sandbox) => typeof approvalPolicy === "string" || sandbox !== "workspace-write")

const grid = Object.entries(policies).flatMap(([policy, approvalPolicy]) =>
  sandboxesOf(approvalPolicy).flatMap((sandbox) =>
    Object.entries(commands).map(([name, call]): Case => ({
      name: `${policy}, ${sandbox}: a command that ${name}`,
      world: rules,
      start: { approvalPolicy, sandbox },
      steps: [{ call }]
    }))
  )
)

const touch: Step = { call: { cmd: "touch {mark}" } }

const through = (name: string, way: Partial<Case>): Case => ({
  name: `set by ${name}`,
  world: {},
  start: {},
  steps: [touch],
  ...way
})

const turned = (turn: object): Pick<Case, "steps"> => ({ steps: [{ ...touch, turn }] })

const ways: ReadonlyArray<Case> = [
  through("the user's file", {}),
  through("the start", { start: onRequest }),
  through("the turn: untrusted", turned({ approvalPolicy: "untrusted" })),
  through("the turn: a read-only policy", turned({ sandboxPolicy: { type: "readOnly" } })),
  through("the turn: a workspace policy", turned({ sandboxPolicy: { type: "workspaceWrite" } })),
  through("the turn: a workspace with the root", {
    start: { sandbox: "read-only" },
    ...turned({ sandboxPolicy: { type: "workspaceWrite", writableRoots: ["/"] } })
  }),
  through("the turn: an external sandbox", turned({ sandboxPolicy: { type: "externalSandbox" } })),
  through("the turn: full access", {
    start: { approvalPolicy: "never", sandbox: "read-only" },
    ...turned({ sandboxPolicy: { type: "dangerFullAccess" } })
  }),
  through("an earlier turn", {
    steps: [{ ...touch, turn: { approvalPolicy: "untrusted" } }, touch]
  }),
  through("an earlier turn: full access", {
    start: { approvalPolicy: "never", sandbox: "read-only" },
    steps: [{ ...touch, turn: { sandboxPolicy: { type: "dangerFullAccess" } } }, touch]
  }),
  through("overrides", { start: { config: { approval_policy: "on-request", sandbox_mode: "read-only" } } }),
  through("overrides: untrusted", { start: { config: { approval_policy: "untrusted" } } }),
  through("overrides and the start", {
    start: { approvalPolicy: "never", sandbox: "danger-full-access", config: { sandbox_mode: "read-only" } }
  }),
  through("overrides: a profile of permissions", { start: { config: { default_permissions: ":read-only" } } }),
  through("arguments of the program", { world: { args: ["-c", 'sandbox_mode="read-only"'] } }),
  through("arguments: untrusted", { world: { args: ["-c", 'approval_policy="untrusted"'] } }),
  through("the start: read-only permissions", { start: { permissions: ":read-only" } }),
  through("the start: workspace permissions", { start: { permissions: ":workspace" } }),
  through("the start: full permissions", { start: { permissions: ":danger-full-access" } }),
  through("the start: unknown permissions", { start: { permissions: ":nothing" } }),
  through("the start: permissions of the user", {
    world: { tables: '[permissions.mine.filesystem]\n":root" = "read"\n' },
    start: { permissions: "mine" }
  }),
  through("the start: permissions and a sandbox", {
    start: { permissions: ":read-only", sandbox: "danger-full-access" }
  }),
  through("the turn: read-only permissions", turned({ permissions: ":read-only" })),
  through("the turn: full permissions", {
    start: { sandbox: "read-only" },
    ...turned({ permissions: ":danger-full-access" })
  }),
  through("the turn: permissions and a policy", {
    start: { sandbox: "read-only" },
    ...turned({ permissions: ":read-only", sandboxPolicy: { type: "dangerFullAccess" } })
  }),
  through("a fork", {
    continued: { by: "thread/fork", params: { approvalPolicy: "untrusted", sandbox: "read-only" } }
  }),
  through("a fork of an untrusting thread", {
    start: { approvalPolicy: "untrusted", sandbox: "read-only" },
    continued: { by: "thread/fork", params: {} }
  }),
  through("a fork with overrides", {
    continued: { by: "thread/fork", params: { config: { sandbox_mode: "read-only" } } }
  }),
  through("a resume", {
    continued: { by: "thread/resume", params: { approvalPolicy: "untrusted", sandbox: "read-only" } }
  }),
  through("a resume of an untrusting thread", {
    start: { approvalPolicy: "untrusted", sandbox: "read-only" },
    continued: { by: "thread/resume", params: {} }
  })
]

/** The keys of a file. */
const keys = (policy: string | undefined, sandbox: string | undefined): string =>
  [
    policy === undefined ? "" : `approval_policy = "${policy}"`,
    sandbox === undefined ? "" : `sandbox_mode = "${sandbox}"`
  ].join("\n")

/** The user's file, with values that the release accepts, and with others. */
const filed = ["on-request", "never", "untrusted", "sometimes", undefined].flatMap((policy) =>
  ["workspace-write", "none", undefined].map((sandbox): Case => ({
    name: `the user's file: ${policy}, ${sandbox}`,
    world: { config: keys(policy, sandbox) },
    start: {},
    steps: [touch]
  }))
)

/** Nothing is set except the trust. */
const unset = (["trusted", "untrusted"] as const).map((trust): Case => ({
  name: `nothing set, the project ${trust}`,
  world: { config: "# nothing" },
  project: { trust },
  start: {},
  steps: [touch]
}))

export const cases: ReadonlyArray<Case> = [...grid, ...ways, ...filed, ...unset]
