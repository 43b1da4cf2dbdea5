/**
 * The organisation's requirements, from `requirements.toml`, the managed `config.toml` and the cloud: which values are
 * allowed, which are set, and the result of `configRequirements/read`.
 *
 * Enforced are the limits on a thread's settings (`Bounds`), the features, the rules about commands, the additional
 * developer instructions and the required settings. The others are reported to clients. If this server could violate one of
 * those, a warning says that it is not enforced.
 *
 * @module
 */
import * as Result from "effect/Result"
import { type Bounds, boundsOf, unbounded } from "./Bounds.ts"
import { approvalPolicy, modelProvider } from "./SettingsSchema.ts"
import {
  anything,
  check,
  flag,
  type SettingType,
  list,
  literals,
  map,
  optional,
  path,
  section,
  text
} from "./SettingType.ts"
import { parseRules, rulesKind } from "./RequirementRules.ts"
import { modeOf, profilePolicy } from "./SandboxChoice.ts"
import { empty, get, getText, isTable, type Table, type Value } from "./Table.ts"

/** One source of requirements. */
export interface Source {
  /** A file or a name, as shown to the user. */
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
} satisfies Readonly<Record<string, SettingType>>

/** Requirements that are read, but not reported by `configRequirements/read`. */
const unshown = {
  experimental_network: section({ enabled: optional(flag) }, anything),
  mcp_servers: section({}, anything),
  permissions: section({ filesystem: optional(section({}, anything)) }, anything),
  rules: rulesKind
} satisfies Readonly<Record<string, SettingType>>

/** Requirements about parts that this server does not have: they are neither checked nor reported. */
const foreign: ReadonlyArray<string> = [
  "application",
  "apps",
  "auto_review",
  "browser_use",
  "computer_use",
  "hooks",
  "in_app_browser",
  "otel",
  "plugins"
]

/** Combines the rules of every source: lists are concatenated; for any other value, the first source takes precedence. */
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

/** Requirements that are settings: they replace the values of the layers. */
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

/** Requirements that this server does not enforce and could violate, so the user is warned. */
const unguarded: ReadonlySet<string> = new Set([
  "allowed_login_methods",
  "cli_auth_credentials_store",
  "enforce_residency",
  "experimental_network",
  "permissions"
])

const kinds: SettingType = section(
  Object.fromEntries([
    ...Object.entries({ ...demands, ...unshown }).map(([key, kind]) => [key, optional(kind)] as const),
    ...foreign.map((key) => [key, optional(anything)] as const)
  ]),
  anything
)

/** The combined requirements; the first source with a requirement takes precedence. */
export interface Requirements {
  readonly bounds: Bounds
  /** Features that are forced on or off, keys as in the file. */
  readonly features: Table
  readonly additionalDeveloperInstructions: string | undefined
  /** Required settings, keys as in `config.toml`, to be merged over all layers. */
  readonly settings: Table
  /** The origin of each required setting, by its key. */
  readonly origins: ReadonlyMap<string, string>
  readonly warnings: ReadonlyArray<string>
  /** The rules about commands of every source, as written; null when there are none. */
  readonly rules: Value
  /** The allowed MCP servers, keys as in the file; null when all are allowed. */
  readonly mcpServers: Value
  /** The allowed modes of the web search; null when every mode is allowed. */
  readonly allowedWebSearchModes: ReadonlyArray<string> | null
  /** All requirements, keys as in the file; undefined when there are none. */
  readonly demands: Table | undefined
}

/** No requirements. */
export const none: Requirements = {
  bounds: unbounded,
  features: empty,
  additionalDeveloperInstructions: undefined,
  settings: empty,
  origins: new Map(),
  warnings: [],
  rules: null,
  mcpServers: null,
  allowedWebSearchModes: null,
  demands: undefined
}

/**
 * The managed `config.toml` as requirements: a value that it sets is also the only allowed one, besides the read-only
 * sandbox.
 */
export const fromManaged = (origin: string, managed: Table): Source => {
  const policy = get(managed, "approval_policy")
  const profile = profilePolicy(getText(managed, "default_permissions") ?? "")
  const mode = profile === undefined ? getText(managed, "sandbox_mode") : modeOf(profile)
  return {
    origin,
    table: {
      ...(policy === undefined ? {} : { allowed_approval_policies: [policy] }),
      ...(mode === undefined ? {} : { allowed_sandbox_modes: [...new Set(["read-only", mode])] })
    }
  }
}

/** Combines `sources`, highest precedence first. Fails with the problem of an invalid requirement. */
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
      if (key === "rules") {
        const parsed = parseRules(value)
        if (Result.isFailure(parsed)) {
          return Result.fail(`invalid rules in requirements (set by ${origin}): ${parsed.failure}`)
        }
        rules.push(value)
      }
      if (!Object.hasOwn(demands, key) && !Object.hasOwn(unshown, key)) {
        if (!foreign.includes(key)) unknown.push(notice(key, origin))
      } else if (!merged.has(key)) merged.set(key, { value, origin })
    }
  }
  return Result.map(boundsOf(merged), (bounds) => {
    const value = (key: string): Value => merged.get(key)?.value ?? null
    const instructions = value("additional_developer_instructions")
    const features = value("features")
    const searchModes = value("allowed_web_search_modes")
    const shown = [...merged].filter(([key]) => Object.hasOwn(demands, key))
    return {
      bounds,
      features: isTable(features) ? features : empty,
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
      mcpServers: value("mcp_servers"),
      allowedWebSearchModes: Array.isArray(searchModes) ? searchModes.filter((mode) => typeof mode === "string") : null,
      demands:
        shown.length === 0 ? undefined : Object.fromEntries(shown.map(([key, { value }]) => [key, value] as const))
    }
  })
}

const notice = (key: string, origin: string): string =>
  unguarded.has(key)
    ? `Requirement \`${key}\` from ${origin} is not enforced by this server.`
    : `Ignoring the unrecognized requirement \`${key}\` from ${origin}.`
