/**
 * Which sandbox a configuration selects: by `sandbox_mode` with its settings, by a built-in permission profile, or, when
 * neither is set, by the trust in the folder.
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

/** A sandbox policy and the setting that selected it. */
export interface Sandbox {
  readonly policy: SandboxPolicy
  readonly profile: string | null
  /** False when only the trust in the folder selects it. */
  readonly chosen: boolean
}

/** The fallback when no other policy is allowed. */
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

/** The built-in permission profiles. The settings in `sandbox_workspace_write` do not apply to them. */
const profiles: ReadonlyMap<string, SandboxPolicy> = new Map([
  [":read-only", byMode("read-only", empty)],
  [":workspace", byMode("workspace-write", empty)],
  [":danger-full-access", byMode("danger-full-access", empty)]
])

/** The ids of the built-in profiles, the narrowest first. */
export const builtInProfiles: ReadonlyArray<string> = [...profiles.keys()]

export const isBuiltInProfile = (id: string): boolean => profiles.has(id)

/** The policy of a built-in profile; undefined when the name is not built in. */
export const profilePolicy = (id: string): SandboxPolicy | undefined => profiles.get(id)

/** The built-in profile with exactly this policy; undefined when there is none. */
export const profileOf = (policy: SandboxPolicy): string | undefined => {
  switch (policy.type) {
    case "readOnly":
      return policy.networkAccess ? undefined : ":read-only"
    case "workspaceWrite":
      // Excluding temporary folders makes the sandbox narrower.
      return policy.networkAccess || policy.writableRoots.length > 0 ? undefined : ":workspace"
    case "dangerFullAccess":
      return ":danger-full-access"
    case "externalSandbox":
      return undefined
  }
}

/**
 * The policy of the profile `id`, or why there is none. `defined` are the configuration's own profiles, which this server
 * does not support; undefined when there are none.
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

/** The sandbox of a request, and the recorded sandbox of a resumed thread. */
export interface SandboxWishes {
  readonly sandbox?: SandboxMode | null | undefined
  readonly permissions?: string | null | undefined
  readonly recorded?: { readonly sandboxPolicy: SandboxPolicy; readonly profile: string | null } | null | undefined
}

/** The selected sandbox, or why its name is unknown. `demanded` is the profile that the requirements set. */
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
  // Either trust decision gives the model write access: in an untrusted folder, commands need approval instead.
  if (trust === undefined) return byProfile(":read-only", false)
  return terms === undefined ? byProfile(":workspace", false) : legacy("workspace-write", false)
}

/** The mode of a policy. */
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
