/**
 * The settings of a thread in the release's forms: `thread_settings_applied` and `turn_context`.
 *
 * The release stores fewer members than the protocol has; a missing one keeps its former value. A sandbox that is not
 * understood becomes read-only, the strictest one.
 *
 * @module
 */
import * as Path from "node:path"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { lazy } from "../../../protocol/Lazy.ts"
import {
  ActivePermissionProfile,
  ApprovalsReviewer,
  AskForApproval,
  CollaborationMode,
  Personality,
  ReasoningSummary,
  type SandboxPolicy,
  type ThreadSettings
} from "../../../protocol/v2/thread/Settings.ts"
import { isRecord } from "./Line.ts"

type Fields = Readonly<Record<string, unknown>>

/** The settings of a thread about which only its folder and its provider are known. */
export const unknownSettings = (cwd: string, modelProvider: string): ThreadSettings => ({
  disabledPluginIds: [],
  cwd,
  environments: [{ environmentId: "local", cwd, runtimeWorkspaceRoots: [cwd] }],
  approvalPolicy: "on-request",
  approvalsReviewer: "user",
  sandboxPolicy: { type: "readOnly", networkAccess: false },
  activePermissionProfile: null,
  model: "",
  modelProvider,
  serviceTier: null,
  effort: null,
  summary: null,
  collaborationMode: {
    mode: "default",
    settings: { model: "", reasoning_effort: null, developer_instructions: null }
  },
  multiAgentMode: "explicitRequestOnly",
  personality: null
})

const decoders = lazy(() => ({
  approval: Schema.decodeUnknownResult(AskForApproval()),
  reviewer: Schema.decodeUnknownResult(ApprovalsReviewer()),
  profile: Schema.decodeUnknownResult(Schema.NullOr(ActivePermissionProfile())),
  summary: Schema.decodeUnknownResult(ReasoningSummary()),
  personality: Schema.decodeUnknownResult(Personality()),
  mode: Schema.decodeUnknownResult(CollaborationMode())
}))

const orElse = <A>(result: Result.Result<A, unknown>, other: A): A =>
  Result.isSuccess(result) ? result.success : other

const text = (value: unknown, other: string): string => (typeof value === "string" ? value : other)

const textOrNull = (value: unknown, other: string | null): string | null =>
  value === null || typeof value === "string" ? value : other

const texts = (value: unknown): ReadonlyArray<string> | undefined =>
  Array.isArray(value) && value.every((one) => typeof one === "string") ? value : undefined

const readOnly: SandboxPolicy = { type: "readOnly", networkAccess: false }

/** `sandbox_policy` of a turn context. */
const policyOf = (value: unknown): SandboxPolicy => {
  if (!isRecord(value)) return readOnly
  switch (value["type"]) {
    case "danger-full-access":
      return { type: "dangerFullAccess" }
    case "read-only":
      return { type: "readOnly", networkAccess: value["network_access"] === true }
    case "external-sandbox":
      return {
        type: "externalSandbox",
        networkAccess: value["network_access"] === "enabled" ? "enabled" : "restricted"
      }
    case "workspace-write":
      return {
        type: "workspaceWrite",
        writableRoots: texts(value["writable_roots"]) ?? [],
        networkAccess: value["network_access"] === true,
        excludeTmpdirEnvVar: value["exclude_tmpdir_env_var"] === true,
        excludeSlashTmp: value["exclude_slash_tmp"] === true
      }
    default:
      return readOnly
  }
}

/** The folders that a permission profile makes writable; undefined when an entry is not understood. */
const writableIn = (entries: unknown, cwd: string) => {
  if (!Array.isArray(entries)) return undefined
  const found = { isWritable: false, roots: new Array<string>(), tmpdir: false, slashTmp: false }
  for (const entry of entries) {
    if (!isRecord(entry) || !isRecord(entry["path"])) return undefined
    if (entry["access"] !== "write") continue
    found.isWritable = true
    const { path, type, value } = entry["path"]
    const kind = isRecord(value) ? value["kind"] : undefined
    if (type === "path" && typeof path === "string") {
      if (path !== cwd) found.roots.push(path)
    } else if (type === "special" && kind === "tmpdir") found.tmpdir = true
    else if (type === "special" && kind === "slash_tmp") found.slashTmp = true
    else return undefined
  }
  return found
}

/** `permission_profile` of applied settings. */
const profilePolicy = (value: unknown, cwd: string): SandboxPolicy => {
  if (!isRecord(value)) return readOnly
  if (value["type"] === "disabled") return { type: "dangerFullAccess" }
  const networkAccess = value["network"] === "enabled"
  const files = value["file_system"]
  const found =
    value["type"] === "managed" && isRecord(files) && files["type"] === "restricted"
      ? writableIn(files["entries"], cwd)
      : undefined
  if (found === undefined) return readOnly
  if (!found.isWritable) return { type: "readOnly", networkAccess }
  return {
    type: "workspaceWrite",
    writableRoots: found.roots,
    networkAccess,
    excludeTmpdirEnvVar: !found.tmpdir,
    excludeSlashTmp: !found.slashTmp
  }
}

/** The members that both forms spell alike. */
const common = (fields: Fields, before: ThreadSettings, cwd: string): ThreadSettings => {
  const decode = decoders()
  const roots = texts(fields["runtime_workspace_roots"]) ?? [cwd]
  return {
    ...before,
    cwd,
    environments:
      cwd === before.cwd && fields["runtime_workspace_roots"] === undefined
        ? before.environments
        : [{ environmentId: "local", cwd, runtimeWorkspaceRoots: [...roots] }],
    disabledPluginIds: texts(fields["disabled_plugin_ids"]) ?? before.disabledPluginIds,
    approvalPolicy: orElse(decode.approval(fields["approval_policy"]), before.approvalPolicy),
    approvalsReviewer: orElse(decode.reviewer(fields["approvals_reviewer"]), before.approvalsReviewer),
    activePermissionProfile: activeProfile(fields["active_permission_profile"]),
    model: text(fields["model"], before.model),
    collaborationMode: orElse(decode.mode(fields["collaboration_mode"]), before.collaborationMode)
  }
}

const activeProfile = (value: unknown): ThreadSettings["activePermissionProfile"] =>
  isRecord(value) ? orElse(decoders().profile({ extends: null, ...value }), null) : null

/** The settings of `thread_settings_applied`. */
export const ofApplied = (fields: Fields, before: ThreadSettings): ThreadSettings => {
  const decode = decoders()
  const cwd = text(fields["cwd"], before.cwd)
  return {
    ...common(fields, before, cwd),
    sandboxPolicy: profilePolicy(fields["permission_profile"], cwd),
    modelProvider: text(fields["model_provider_id"], before.modelProvider),
    serviceTier: textOrNull(fields["service_tier"] ?? null, null),
    effort: textOrNull(fields["reasoning_effort"] ?? null, null),
    summary: orElse<ThreadSettings["summary"]>(decode.summary(fields["reasoning_summary"]), null),
    personality: orElse<ThreadSettings["personality"]>(decode.personality(fields["personality"]), null)
  }
}

/** The settings of `turn_context`. Its `summary` is that of the turn, not of the thread. */
export const ofContext = (fields: Fields, before: ThreadSettings): ThreadSettings => ({
  ...common(fields, before, text(fields["cwd"], before.cwd)),
  sandboxPolicy: policyOf(fields["sandbox_policy"]),
  effort: textOrNull(fields["effort"] ?? null, null)
})

const entry = (path: Fields, access: "read" | "write"): Fields => ({ path, access })

/** Folders of a workspace that stay read-only, as in the release. */
const protectedFolders = [".git", ".agents", ".codex"]

/** The permission profile that corresponds to a sandbox policy. */
const profileOf = (policy: SandboxPolicy, cwd: string): Fields => {
  if (policy.type === "dangerFullAccess" || policy.type === "externalSandbox") return { type: "disabled" }
  const root = entry({ type: "special", value: { kind: "root" } }, "read")
  const entries = [root]
  if (policy.type === "workspaceWrite") {
    entries.push(entry({ type: "path", path: cwd }, "write"))
    if (!policy.excludeTmpdirEnvVar) entries.push(entry({ type: "special", value: { kind: "tmpdir" } }, "write"))
    if (!policy.excludeSlashTmp) entries.push(entry({ type: "special", value: { kind: "slash_tmp" } }, "write"))
    for (const path of policy.writableRoots) entries.push(entry({ type: "path", path }, "write"))
    for (const name of protectedFolders) {
      entries.push({ ...entry({ type: "path", path: Path.join(cwd, name) }, "read"), missing_path_behavior: "skip" })
    }
  }
  return {
    type: "managed",
    file_system: { type: "restricted", entries },
    network: policy.networkAccess ? "enabled" : "restricted"
  }
}

/** The settings as `thread_settings_applied` has them. Empty members are left out, as the release does. */
export const toApplied = (settings: ThreadSettings): Fields => ({
  model: settings.model,
  model_provider_id: settings.modelProvider,
  ...(settings.serviceTier === null ? {} : { service_tier: settings.serviceTier }),
  approval_policy: settings.approvalPolicy,
  approvals_reviewer: settings.approvalsReviewer,
  requested_approvals_reviewer: settings.approvalsReviewer,
  permission_profile: profileOf(settings.sandboxPolicy, settings.cwd),
  ...(settings.activePermissionProfile === null ? {} : { active_permission_profile: settings.activePermissionProfile }),
  cwd: settings.cwd,
  runtime_workspace_roots: settings.environments?.[0]?.runtimeWorkspaceRoots ?? [settings.cwd],
  ...(settings.effort === null ? {} : { reasoning_effort: settings.effort }),
  ...(settings.summary === null ? {} : { reasoning_summary: settings.summary }),
  ...(settings.personality === null ? {} : { personality: settings.personality }),
  collaboration_mode: settings.collaborationMode,
  disabled_plugin_ids: settings.disabledPluginIds
})
