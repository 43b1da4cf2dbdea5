/**
 * Which sandbox a configuration asks for: by `sandbox_mode` with its terms, by a built-in permission profile, or by nothing
 * at all, where the trust in the folder decides.
 *
 * @module
 */
import * as Result from "effect/Result"
import type { SandboxMode, SandboxPolicy } from "../../protocol/Settings.ts"
import { sandboxMode as sandboxModeKind } from "./Keys.ts"
import { check } from "./Kind.ts"
import type { Trust } from "./Project.ts"
import { empty, get, getTable, getText, type Table, type Value } from "./Table.ts"

const isSandboxMode = (value: Value | undefined): value is SandboxMode =>
  value !== undefined && check(sandboxModeKind, value) === undefined

/** A sandbox policy and what stands for it in a configuration. */
export interface Sandbox {
  readonly policy: SandboxPolicy
  readonly mode: SandboxMode
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
const profiles: Readonly<Record<string, SandboxMode>> = {
  ":read-only": "read-only",
  ":workspace": "workspace-write",
  ":danger-full-access": "danger-full-access"
}

const byProfile = (profile: string, chosen: boolean): Result.Result<Sandbox, string> => {
  const mode = Object.hasOwn(profiles, profile) ? profiles[profile] : undefined
  if (mode !== undefined) return Result.succeed({ policy: byMode(mode, empty), mode, profile, chosen })
  return Result.fail(
    `default_permissions names the permission profile \`${profile}\`, which this server does not support; use ${Object.keys(profiles).join(", ")} or \`sandbox_mode\``
  )
}

/** The sandbox that is asked for, or why there is none of that name. */
export const wantedSandbox = (
  requested: SandboxMode | null | undefined,
  settings: Table,
  trust: Trust | undefined
): Result.Result<Sandbox, string> => {
  const terms = getTable(settings, "sandbox_workspace_write")
  const legacy = (mode: SandboxMode, chosen: boolean) =>
    Result.succeed({ policy: byMode(mode, terms ?? empty), mode, profile: null, chosen })
  if (requested !== null && requested !== undefined) return legacy(requested, true)
  const profile = getText(settings, "default_permissions")
  if (profile !== undefined) return byProfile(profile, true)
  const mode = get(settings, "sandbox_mode")
  if (isSandboxMode(mode)) return legacy(mode, true)
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
