/**
 * The requirements of an organisation, against every way in which a client may request more.
 *
 * @module
 */
import type { Case, Step } from "../Case.ts"
import { onRequest, rule, ruled } from "./Rule.ts"

const touch: Step = { call: { cmd: "touch {mark}" } }

const demand = (text: string, world: Case["world"] = {}): Case["world"] => ({
  ...world,
  system: { "requirements.toml": text, ...world.system }
})

const turned = (turn: object): Pick<Case, "steps"> => ({ steps: [{ ...touch, turn }] })

/** Every way to request full access. */
const ways: Readonly<Record<string, Partial<Case>>> = {
  "the user's file": {},
  "the user's file, nothing": { world: { config: "# nothing" } },
  "the user's profile of permissions": {
    world: { config: 'default_permissions = ":danger-full-access"\napproval_policy = "never"' }
  },
  "the start": { start: { sandbox: "danger-full-access", approvalPolicy: "never" } },
  "the start, on request": { start: { sandbox: "danger-full-access", approvalPolicy: "on-request" } },
  "the start, a workspace": { start: { sandbox: "workspace-write", approvalPolicy: "on-request" } },
  "the start, permissions": { start: { permissions: ":danger-full-access" } },
  "the start, workspace permissions": { start: { permissions: ":workspace" } },
  "the start, overrides": { start: { config: { sandbox_mode: "danger-full-access", approval_policy: "never" } } },
  "the start, overrides of permissions": { start: { config: { default_permissions: ":danger-full-access" } } },
  "the turn, a policy": turned({ sandboxPolicy: { type: "dangerFullAccess" } }),
  "the turn, a policy of a workspace": turned({ sandboxPolicy: { type: "workspaceWrite", writableRoots: ["/"] } }),
  "the turn, an external sandbox": turned({ sandboxPolicy: { type: "externalSandbox" } }),
  "the turn, permissions": turned({ permissions: ":danger-full-access" }),
  "the turn, approvals": turned({ approvalPolicy: "never" }),
  "the turn, untrusted": turned({ approvalPolicy: "untrusted" }),
  "an earlier turn": { steps: [{ ...touch, turn: { sandboxPolicy: { type: "dangerFullAccess" } } }, touch] },
  "a fork": { continued: { by: "thread/fork", params: { sandbox: "danger-full-access", approvalPolicy: "never" } } },
  "a fork, overrides": { continued: { by: "thread/fork", params: { config: { sandbox_mode: "danger-full-access" } } } },
  "a resume": {
    continued: { by: "thread/resume", params: { sandbox: "danger-full-access", approvalPolicy: "never" } }
  },
  "an argument": { world: { args: ["-c", 'sandbox_mode="danger-full-access"'] } },
  "a trusted project": {
    project: { trust: "trusted", files: { ".codex/config.toml": 'sandbox_mode = "danger-full-access"\n' } }
  },
  escalated: {
    start: onRequest,
    steps: [{ call: { ...touch.call, sandbox_permissions: "require_escalated", justification: "May it?" } }]
  },
  "an allowing rule": {
    world: ruled(rule("allow", "touch")),
    start: { approvalPolicy: "on-request", sandbox: "read-only" }
  }
}

const cautious = 'approval_policy = "on-request"\nsandbox_mode = "read-only"'

/**
 * With the tests' usual configuration, in which nothing prompts, the release refuses every thread under a confining
 * requirement, so most requirements are tried with a user who is asked. `config` is that user's configuration.
 */
const demands: Readonly<Record<string, { readonly text: string; readonly config?: string }>> = {
  "read-only": { text: 'allowed_sandbox_modes = ["read-only"]\n', config: cautious },
  "read-only or a workspace": { text: 'allowed_sandbox_modes = ["read-only", "workspace-write"]\n', config: cautious },
  "on request": { text: 'allowed_approval_policies = ["on-request"]\n' },
  untrusted: { text: 'allowed_approval_policies = ["untrusted"]\n' },
  "read-only, on request": {
    text: 'allowed_sandbox_modes = ["read-only"]\nallowed_approval_policies = ["on-request"]\n'
  },
  "a profile": { text: 'default_permissions = ":read-only"\n[allowed_permission_profiles]\n":read-only" = true\n' }
}

const grid = Object.entries(demands).flatMap(([demanded, { config, text }]) =>
  Object.entries(ways).map(([name, way]): Case => ({
    name: `${demanded} is demanded, asked for by ${name}`,
    start: {},
    steps: [touch],
    ...way,
    world: demand(text, { ...(config === undefined ? {} : { config }), ...way.world })
  }))
)

const one = (name: string, text: string, extra: Partial<Case> = {}): Case => ({
  name: `requirements: ${name}`,
  start: {},
  steps: [touch],
  ...extra,
  world: demand(text, extra.world)
})

const ruling = (decision: string, token = 'token = "touch"'): string =>
  `[rules]\nprefix_rules = [{ pattern = [{ ${token} }], decision = "${decision}", justification = "The organisation." }]\n`

const granted = { start: onRequest, world: ruled(rule("allow", "touch")) }

const singles: ReadonlyArray<Case> = [
  one("a rule that forbids", ruling("forbidden")),
  one("a rule that forbids, on request", ruling("forbidden"), { start: onRequest }),
  one("a rule that forbids, by path", ruling("forbidden"), { steps: [{ call: { cmd: "/usr/bin/touch {mark}" } }] }),
  one("a rule that forbids, the user allows", ruling("forbidden"), granted),
  one("a rule that asks", ruling("prompt"), { start: onRequest }),
  one("a rule that asks, never", ruling("prompt")),
  one("a rule that asks, the user allows", ruling("prompt"), granted),
  one("a rule that asks the user", ruling("prompt-user"), { start: onRequest }),
  one("a rule that allows", ruling("allow"), { start: onRequest }),
  one("a rule of alternatives", ruling("forbidden", 'any_of = ["mkdir", "touch"]')),
  one("a rule without a decision", '[rules]\nprefix_rules = [{ pattern = [{ token = "touch" }] }]\n'),
  one("a rule without a pattern", '[rules]\nprefix_rules = [{ pattern = [], decision = "forbidden" }]\n'),
  one("rules of nothing", "[rules]\nprefix_rules = []\n"),
  one("a rule with an unknown decision", ruling("never")),
  one("a rule with both kinds of token", ruling("forbidden", 'token = "touch", any_of = ["touch"]')),
  one("a forbidding rule and a trusted project that allows", ruling("forbidden"), {
    start: onRequest,
    project: { trust: "trusted", files: { ".codex/rules/default.rules": rule("allow", "touch") } }
  }),
  one("read-only, a user who is not asked", 'allowed_sandbox_modes = ["read-only"]\n'),
  one("read-only, a turn of a user who is not asked", 'allowed_sandbox_modes = ["read-only"]\n', {
    world: { config: cautious },
    ...turned({ approvalPolicy: "never", sandboxPolicy: { type: "dangerFullAccess" } })
  }),
  one("a file that does not parse", "allowed_sandbox_modes = [\n"),
  one("a value of another type", 'allowed_sandbox_modes = "read-only"\n'),
  one("an unknown mode", 'allowed_sandbox_modes = ["read-only", "everything"]\n'),
  one("no mode", "allowed_sandbox_modes = []\n"),
  one("no policy", "allowed_approval_policies = []\n"),
  one("modes without read-only", 'allowed_sandbox_modes = ["danger-full-access"]\n', {
    world: { config: "# nothing" }
  }),
  one("modes without read-only, a workspace", 'allowed_sandbox_modes = ["workspace-write"]\n'),
  one("an unknown key", 'allowed_sandboxes = ["read-only"]\n'),
  one("an empty file", ""),
  one("a byte order mark", '\ufeffallowed_sandbox_modes = ["read-only"]\n'),
  one("no login shell", "allow_login_shell = false\n", { steps: [{ call: { cmd: "touch {mark}", login: true } }] }),
  one("the managed file", "", {
    world: { system: { "managed_config.toml": 'sandbox_mode = "read-only"\napproval_policy = "on-request"\n' } }
  }),
  one("the managed file, the start", "", {
    start: { sandbox: "danger-full-access", approvalPolicy: "never" },
    world: { system: { "managed_config.toml": 'sandbox_mode = "read-only"\napproval_policy = "on-request"\n' } }
  }),
  one("the system's file", "", {
    world: {
      config: "# nothing",
      system: { "config.toml": 'sandbox_mode = "read-only"\napproval_policy = "on-request"\n' }
    }
  }),
  one("a feature that is off", "[features]\nshell_tool = false\n"),
  one("a feature that is off, asked for", "[features]\nshell_tool = false\n", {
    start: { config: { "features.shell_tool": true } }
  }),
  one("a filesystem that denies", '[permissions.filesystem]\ndeny_read = ["/etc/hostname"]\n', {
    steps: [{ call: { cmd: "cat /etc/hostname && touch {mark}" } }]
  }),
  one("a network", "[experimental_network]\nenabled = false\n"),
  one("demanded models", '[models.new_thread]\nmodel = "gpt-5.5"\n')
]

export const cases: ReadonlyArray<Case> = [...grid, ...singles]
