/**
 * What an organisation demands, from `requirements.toml`, the managed `config.toml` and the cloud: which values are allowed,
 * which are set, and what `configRequirements/read` tells of it.
 *
 * Enforced are the approval policies, the sandbox modes, the additional developer instructions and the demands that are
 * settings. The others are reported to clients; where this server could act against one, its users are told that it does not
 * hold it.
 *
 * @module
 */
import * as Result from "effect/Result"
import type { AskForApproval, SandboxMode } from "../../protocol/Settings.ts"
import { approvalPolicy, modelProvider, sandboxMode } from "./Keys.ts"
import {
  anything,
  check,
  complete,
  flag,
  type Kind,
  list,
  literals,
  map,
  normalize,
  optional,
  path,
  section,
  text
} from "./Kind.ts"
import { canonical, empty, get, getText, isTable, type Table, type Value } from "./Table.ts"

/** One place that demands something. */
export interface Source {
  /** As the user is told: a file, or a name. */
  readonly origin: string
  readonly table: Table
}

const demands = {
  additional_developer_instructions: text,
  allow_appshots: flag,
  allow_browser_and_computer_use: flag,
  allow_login_shell: flag,
  allow_managed_hooks_only: flag,
  allow_remote_control: flag,
  allowed_approval_policies: list(approvalPolicy),
  allowed_approvals_reviewers: list(literals("user", "auto_review", "guardian_subagent")),
  allowed_login_methods: list(literals("chatgpt", "api")),
  allowed_permission_profiles: map(flag),
  allowed_sandbox_modes: list(literals("read-only", "workspace-write", "danger-full-access", "external-sandbox")),
  allowed_web_search_modes: list(literals("disabled", "cached", "indexed", "live")),
  allowed_windows_sandbox_implementations: list(literals("elevated", "unelevated", "mxc")),
  chatgpt_base_url: text,
  check_for_update_on_startup: flag,
  cli_auth_credentials_store: literals("file", "keyring", "auto", "ephemeral"),
  default_permissions: text,
  enforce_residency: literals("us"),
  features: map(flag),
  feedback: section({ enabled: optional(flag) }),
  log_dir: path,
  model_catalog_json: path,
  model_provider: text,
  model_providers: map(modelProvider),
  models: section({
    new_thread: optional(
      section({ model: optional(text), model_reasoning_effort: optional(text), service_tier: optional(text) })
    )
  }),
  sqlite_home: path
} satisfies Readonly<Record<string, Kind>>

/** Demands about parts that this server has not; they are neither judged nor reported. */
const foreign = [
  "application",
  "apps",
  "auto_review",
  "browser_use",
  "computer_use",
  "experimental_network",
  "hooks",
  "in_app_browser",
  "mcp_servers",
  "network",
  "otel",
  "permissions",
  "plugins",
  "rules"
]

/** One section of rules from those of every source: lists are joined, for anything else the first source wins. */
const joinRules = (sections: ReadonlyArray<Value>): Value =>
  sections.reduce((all: Value, section) => {
    if (!isTable(all) || !isTable(section)) return all ?? section
    const joined = Object.entries(section).map(([key, value]): [string, Value] => {
      const first = get(all, key)
      if (first === undefined) return [key, value]
      return [key, Array.isArray(first) && Array.isArray(value) ? [...first, ...value] : first]
    })
    return { ...all, ...Object.fromEntries(joined) }
  }, null)

/** Demands that are settings: they replace whatever the layers say. */
const settings: ReadonlyArray<string> = [
  "allow_login_shell",
  "chatgpt_base_url",
  "check_for_update_on_startup",
  "log_dir",
  "model_catalog_json",
  "model_provider",
  "model_providers",
  "sqlite_home"
]

/** What this server could do against the organisation's will: the user has to know. */
const unguarded: ReadonlySet<string> = new Set([
  "allowed_login_methods",
  "allowed_permission_profiles",
  "cli_auth_credentials_store",
  "default_permissions",
  "enforce_residency",
  "experimental_network",
  "network",
  "permissions"
])

const kinds: Kind = section(
  Object.fromEntries([
    ...Object.entries(demands).map(([key, kind]) => [key, optional(kind)] as const),
    ...foreign.map((key) => [key, optional(anything)] as const)
  ]),
  anything
)

/** Values that are allowed, and who says so. */
export interface Allowed<A> {
  readonly values: ReadonlyArray<A>
  readonly origin: string
}

/** Every demand, the first source that makes one winning. */
export interface Requirements {
  readonly approvalPolicies: Allowed<AskForApproval> | undefined
  readonly sandboxModes: Allowed<SandboxMode | "external-sandbox"> | undefined
  readonly additionalDeveloperInstructions: string | undefined
  /** Settings, keys as in `config.toml`, to be laid over all layers. */
  readonly settings: Table
  /** Who demands a setting, by its key. */
  readonly origins: ReadonlyMap<string, string>
  readonly warnings: ReadonlyArray<string>
  /** Rules about commands, as written, of every source; null where there are none. */
  readonly rules: Value
  /** Every demand that a source makes, keys as in the file; undefined where nothing is demanded. */
  readonly demands: Table | undefined
}

/** Nothing is demanded. */
export const none: Requirements = {
  approvalPolicies: undefined,
  sandboxModes: undefined,
  additionalDeveloperInstructions: undefined,
  settings: empty,
  origins: new Map(),
  warnings: [],
  rules: null,
  demands: undefined
}

/** What the managed `config.toml` sets is also all that is allowed, besides the read-only sandbox. */
export const fromManaged = (origin: string, managed: Table): Source => {
  const policy = get(managed, "approval_policy")
  const mode = getText(managed, "sandbox_mode")
  return {
    origin,
    table: {
      ...(policy === undefined ? {} : { allowed_approval_policies: [policy] }),
      ...(mode === undefined ? {} : { allowed_sandbox_modes: [...new Set(["read-only", mode])] })
    }
  }
}

/** Combines `sources`, highest first. Fails with what is wrong with a demand. */
export const combine = (sources: ReadonlyArray<Source>): Result.Result<Requirements, string> => {
  const merged = new Map<string, { readonly value: Value; readonly origin: string }>()
  const unknown: Array<string> = []
  const rules: Array<Value> = []
  for (const { origin, table } of sources) {
    const problem = check(kinds, table)
    if (problem !== undefined) {
      return Result.fail(
        `failed to parse requirements layer ${origin}: ${problem.detail}\nin \`${problem.path[0] ?? ""}\`\n`
      )
    }
    for (const [key, value] of Object.entries(table)) {
      if (key === "rules") rules.push(value)
      if (!Object.hasOwn(demands, key)) {
        if (!foreign.includes(key) || unguarded.has(key)) unknown.push(notice(key, origin))
      } else if (!merged.has(key)) merged.set(key, { value, origin })
    }
  }
  return Result.map(allowances(merged), ({ approvalPolicies, sandboxModes }) => {
    const value = (key: string): Value => merged.get(key)?.value ?? null
    const instructions = value("additional_developer_instructions")
    return {
      approvalPolicies,
      sandboxModes,
      additionalDeveloperInstructions: typeof instructions === "string" ? instructions : undefined,
      settings: Object.fromEntries(
        settings.flatMap((key) => {
          const demand = merged.get(key)
          return demand === undefined ? [] : [[key, demand.value] as const]
        })
      ),
      origins: new Map([...merged].map(([key, { origin }]) => [key, origin] as const)),
      warnings: [
        ...unknown,
        ...[...merged].flatMap(([key, { origin }]) => (unguarded.has(key) ? [notice(key, origin)] : []))
      ],
      rules: joinRules(rules),
      demands:
        merged.size === 0 ? undefined : Object.fromEntries([...merged].map(([key, { value }]) => [key, value] as const))
    }
  })
}

const notice = (key: string, origin: string): string =>
  unguarded.has(key)
    ? `Requirement \`${key}\` from ${origin} is not enforced by this server.`
    : `Ignoring the unrecognized requirement \`${key}\` from ${origin}.`

const isApprovalPolicy = (value: Value): value is AskForApproval & Value => check(approvalPolicy, value) === undefined
const isSandboxMode = (value: Value): value is SandboxMode => check(sandboxMode, value) === undefined

const allowances = (merged: ReadonlyMap<string, { readonly value: Value; readonly origin: string }>) => {
  const policies = merged.get("allowed_approval_policies")
  const modes = merged.get("allowed_sandbox_modes")
  const policyList = Array.isArray(policies?.value) ? policies.value.map(normalPolicy).filter(isApprovalPolicy) : []
  const modeList = Array.isArray(modes?.value)
    ? modes.value.filter((mode: Value) => isSandboxMode(mode) || mode === "external-sandbox")
    : []
  if (policies !== undefined && policyList.length === 0) {
    return Result.fail("field `allowed_approval_policies` cannot be empty")
  }
  if (modes !== undefined && !modeList.includes("read-only")) {
    return Result.fail(
      `invalid value for \`allowed_sandbox_modes\`: \`[${modeList.join(", ")}]\` must include 'read-only' (set by ${modes.origin})`
    )
  }
  return Result.succeed({
    approvalPolicies: policies === undefined ? undefined : { values: policyList, origin: policies.origin },
    sandboxModes: modes === undefined ? undefined : { values: modeList, origin: modes.origin }
  })
}

/** The policy by the name it has now, complete. */
export const normalPolicy = (policy: Value): Value =>
  complete(
    approvalPolicy,
    normalize(approvalPolicy, policy, (written) => written)
  )

/** Why `value` may not be; undefined where it may. */
export const refusal = <A extends AskForApproval | SandboxMode | "external-sandbox">(
  field: "approval_policy" | "sandbox_mode",
  allowed: Allowed<A> | undefined,
  value: A
): string | undefined => {
  if (allowed === undefined) return undefined
  const wanted = name(value)
  const names = allowed.values.map(name)
  return names.includes(wanted)
    ? undefined
    : `invalid value for \`${field}\`: \`${wanted}\` is not in the allowed set [${names.join(", ")}] (set by ${allowed.origin})`
}

/** A value as it is written in the file. */
export const name = (value: AskForApproval | SandboxMode | "external-sandbox"): string =>
  typeof value === "string" ? value : canonical({ granular: { ...value.granular } })
