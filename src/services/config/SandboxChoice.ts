/**
 * Which sandbox a configuration asks for: by `sandbox_mode` with its terms, by a built-in permission profile, or by nothing
 * at all, where the trust in the folder decides.
 *
 * @module
 */
import * as Result from "effect/Result"
import type { SandboxMode, SandboxPolicy } from "../../protocol/v2/thread/Settings.ts"
import { sandboxMode as sandboxModeKind } from "./SettingsSchema.ts"
import { check } from "./SettingType.ts"
import type { Trust } from "./Project.ts"
import { empty, get, getTable, getText, type Table, type Value } from "./Table.ts"

const isSandboxMode = (value: Value | undefined): value is SandboxMode =>
  value !== undefined && check(sandboxModeKind, value) === undefined

/** A sandbox policy and what stands for it in a configuration. */
export interface Sandbox {
  readonly policy: SandboxPolicy
  readonly profile: string | null
  /** False where nothing but the trust in the folder asks for it. */
  readonly chosen: boolean
}

/** What is left when nothing else is allowed. */
export const readOnly: SandboxPolicy = { type: "readOnly", networkAccess: false }

const workspaceWrite = (terms: Table): SandboxPolicy => {
  const roots = get(terms, "writable_roots")
  return {
    type: "workspaceWrite",
    writableRoots: Array.isArray(roots) ? roots.filter((root) => typeof root === "string") : [],
    networkAccess: get(terms, "network_access") === true,
    excludeTmpdirEnvVar: get(terms, "exclude_tmpdir_env_var") === true,
    excludeSlashTmp: get(terms, "exclude_slash_tmp") === true
  }
}

const byMode = (mode: SandboxMode, terms: Table): SandboxPolicy => {
  switch (mode) {
    case "read-only":
      return readOnly
    case "workspace-write":
      return workspaceWrite(terms)
    case "danger-full-access":
      return { type: "dangerFullAccess" }
  }
}

/** The permission profiles that every installation has. The terms of `sandbox_workspace_write` do not apply to them. */
const profiles: ReadonlyMap<string, SandboxPolicy> = new Map([
  [":read-only", byMode("read-only", empty)],
  [":workspace", byMode("workspace-write", empty)],
  [":danger-full-access", byMode("danger-full-access", empty)]
])

export const isBuiltInProfile = (id: string): boolean => profiles.has(id)

/** The policy that a built-in profile stands for; undefined for a name that is not built in. */
export const profilePolicy = (id: string): SandboxPolicy | undefined => profiles.get(id)

/** The built-in profile that stands for exactly this policy; undefined for one with terms of its own. */
export const profileOf = (policy: SandboxPolicy): string | undefined => {
  switch (policy.type) {
    case "readOnly":
      return policy.networkAccess ? undefined : ":read-only"
    case "workspaceWrite":
      // Leaving out temporary folders makes the sandbox narrower.
      return policy.networkAccess || policy.writableRoots.length > 0 ? undefined : ":workspace"
    case "dangerFullAccess":
      return ":danger-full-access"
    case "externalSandbox":
      return undefined
  }
}

/**
 * The policy of the profile `id`, or why there is none. `defined` are the profiles of the configuration's own, which this
 * server does not support; undefined where it has none.
 */
export const policyOfProfile = (id: string, defined: Table | undefined): Result.Result<SandboxPolicy, string> => {
  const policy = profiles.get(id)
  if (policy !== undefined) return Result.succeed(policy)
  if (id.startsWith(":")) return Result.fail(`default_permissions refers to unknown built-in profile \`${id}\``)
  if (defined === undefined) return Result.fail("default_permissions requires a `[permissions]` table")
  if (!Object.hasOwn(defined, id)) return Result.fail(`default_permissions refers to undefined profile \`${id}\``)
  const builtIn = [...profiles.keys()].join(", ")
  return Result.fail(
    `default_permissions names the permission profile \`${id}\`, which this server does not support; use ${builtIn} or \`sandbox_mode\``
  )
}

/** What a request asks for, and what the record of a resumed thread has. */
export interface SandboxWishes {
  readonly sandbox?: SandboxMode | null | undefined
  readonly permissions?: string | null | undefined
  readonly recorded?: { readonly sandboxPolicy: SandboxPolicy; readonly profile: string | null } | null | undefined
}

/** The sandbox that is asked for, or why there is none of that name. `demanded` is the profile the organisation sets. */
export const wantedSandbox = (
  { permissions, recorded, sandbox }: SandboxWishes,
  settings: Table,
  trust: Trust | undefined,
  demanded: string | undefined
): Result.Result<Sandbox, string> => {
  const terms = getTable(settings, "sandbox_workspace_write")
  const byProfile = (profile: string, chosen: boolean) =>
    Result.map(policyOfProfile(profile, getTable(settings, "permissions")), (policy) => ({ policy, profile, chosen }))
  const legacy = (mode: SandboxMode, chosen: boolean) =>
    Result.succeed({ policy: byMode(mode, terms ?? empty), profile: null, chosen })
  if (sandbox !== null && sandbox !== undefined) return legacy(sandbox, true)
  if (permissions !== null && permissions !== undefined) return byProfile(permissions, true)
  if (recorded !== null && recorded !== undefined) {
    return Result.succeed({ policy: recorded.sandboxPolicy, profile: recorded.profile, chosen: false })
  }
  const profile = getText(settings, "default_permissions")
  if (profile !== undefined) return byProfile(profile, true)
  const mode = get(settings, "sandbox_mode")
  if (isSandboxMode(mode)) return legacy(mode, true)
  if (demanded !== undefined) return byProfile(demanded, false)
  // Either decision about a folder opens it to the model: a distrusted one has its commands approved instead.
  if (trust === undefined) return byProfile(":read-only", false)
  return terms === undefined ? byProfile(":workspace", false) : legacy("workspace-write", false)
}

/** The mode that a policy is an instance of. */
export const modeOf = (policy: SandboxPolicy): SandboxMode | "external-sandbox" => {
  switch (policy.type) {
    case "readOnly":
      return "read-only"
    case "workspaceWrite":
      return "workspace-write"
    case "dangerFullAccess":
      return "danger-full-access"
    case "externalSandbox":
      return "external-sandbox"
  }
}
