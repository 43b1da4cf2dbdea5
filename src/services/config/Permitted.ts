/**
 * Checks a thread's settings against the organisation's requirements. All settings of threads pass through it.
 *
 * The check sees the resulting settings, not their source. A thread accepts only `PermittedSettings`, and only this module
 * can create them: code that skips the check does not compile.
 *
 * @module
 */
import * as Result from "effect/Result"
import type {
  ApprovalsReviewer,
  AskForApproval,
  SandboxPolicy,
  ThreadSettings
} from "../../protocol/v2/thread/Settings.ts"
import { type Bounds, listOf, nameOf, normalReviewer } from "./Bounds.ts"
import { modeOf, profileOf, profilePolicy, readOnly } from "./SandboxChoice.ts"

/** The settings that requirements limit. */
export interface Bound {
  readonly approvalPolicy: AskForApproval
  readonly approvalsReviewer: ApprovalsReviewer
  readonly sandboxPolicy: SandboxPolicy
  /** The id of the profile that selected the sandbox policy, if any. */
  readonly profile: string | null
  readonly modelProvider: string
}

/** A setting that is not allowed. */
export interface Violation {
  readonly field: keyof Bound
  /** The error text when the setting is refused. */
  readonly refusal: string
  /** The warning when another value replaces the setting. */
  readonly warning: string
}

interface Settled<A> {
  readonly settings: A
  readonly violations: ReadonlyArray<Violation>
}

/** The read-only sandbox as the release prints it. */
const readOnlyName =
  "Managed { file_system: Restricted { entries: [FileSystemSandboxEntry { path: Special { value: Root }, access: Read, missing_path_behavior: None }], glob_scan_max_depth: None }, network: Restricted }"

const replaced = (field: string, fallback: string, detail: string): string =>
  `Configured value for \`${field}\` is disallowed by requirements; falling back to required value ${fallback}. Details: ${detail}`

const outside = (field: string, value: string, allowed: string, origin: string): string =>
  `invalid value for \`${field}\`: \`${value}\` is not in the allowed set ${allowed} (set by ${origin})`

const settleApproval = ({ approvalPolicies }: Bounds, wanted: Bound): Settled<Bound> => {
  const fallback = approvalPolicies?.values[0]
  if (approvalPolicies === undefined || fallback === undefined) return { settings: wanted, violations: [] }
  const name = nameOf(wanted.approvalPolicy)
  if (approvalPolicies.values.some((policy) => nameOf(policy) === name)) return { settings: wanted, violations: [] }
  const refusal = outside("approval_policy", name, listOf(approvalPolicies.values), approvalPolicies.origin)
  const warning = replaced("approval_policy", nameOf(fallback), refusal)
  return {
    settings: { ...wanted, approvalPolicy: fallback },
    violations: [{ field: "approvalPolicy", refusal, warning }]
  }
}

const settleReviewer = ({ approvalsReviewers }: Bounds, wanted: Bound): Settled<Bound> => {
  const fallback = approvalsReviewers?.values[0]
  const reviewer = normalReviewer(wanted.approvalsReviewer)
  if (approvalsReviewers === undefined || fallback === undefined || approvalsReviewers.values.includes(reviewer)) {
    return { settings: wanted, violations: [] }
  }
  const { origin, values } = approvalsReviewers
  const refusal = outside("approvals_reviewer", nameOf(reviewer), listOf(values), origin)
  const warning = replaced("approvals_reviewer", nameOf(fallback), refusal)
  return {
    settings: { ...wanted, approvalsReviewer: fallback },
    violations: [{ field: "approvalsReviewer", refusal, warning }]
  }
}

/** A policy that matches no allowed profile, whatever its name, becomes the required profile. */
const settleProfile = ({ profiles }: Bounds, wanted: Bound): Settled<Bound> => {
  if (profiles === undefined) return { settings: wanted, violations: [] }
  const profile = profileOf(wanted.sandboxPolicy)
  const sandboxPolicy = profilePolicy(profiles.fallback)
  if ((profile !== undefined && profiles.values.includes(profile)) || sandboxPolicy === undefined) {
    return { settings: wanted, violations: [] }
  }
  const from = wanted.profile ?? profile ?? modeOf(wanted.sandboxPolicy)
  const warning = `Configured value for \`permission_profile\` is disallowed by requirements; falling back from \`${from}\` to required value \`${profiles.fallback}\`.`
  return {
    settings: { ...wanted, sandboxPolicy, profile: profiles.fallback },
    violations: [{ field: "sandboxPolicy", refusal: warning, warning }]
  }
}

const settleMode = ({ sandboxModes }: Bounds, wanted: Bound): Settled<Bound> => {
  const mode = modeOf(wanted.sandboxPolicy)
  if (sandboxModes === undefined || sandboxModes.values.includes(mode)) return { settings: wanted, violations: [] }
  const detail = outside("sandbox_mode", nameOf(mode), sandboxModes.label, sandboxModes.origin)
  const warning = replaced("permission_profile", readOnlyName, detail)
  const refusal = wanted.profile === null ? detail : warning
  return {
    settings: { ...wanted, sandboxPolicy: readOnly, profile: null },
    violations: [{ field: "sandboxPolicy", refusal, warning }]
  }
}

/** The policy without network access; undefined when it has none. */
const withoutNetwork = (policy: SandboxPolicy): SandboxPolicy | undefined => {
  switch (policy.type) {
    case "dangerFullAccess":
      return readOnly
    case "externalSandbox":
      return policy.networkAccess === "restricted" ? undefined : { ...policy, networkAccess: "restricted" }
    case "readOnly":
    case "workspaceWrite":
      return policy.networkAccess ? { ...policy, networkAccess: false } : undefined
  }
}

const settleNetwork = ({ filteredNetwork }: Bounds, wanted: Bound): Settled<Bound> => {
  const sandboxPolicy = filteredNetwork === undefined ? undefined : withoutNetwork(wanted.sandboxPolicy)
  if (filteredNetwork === undefined || sandboxPolicy === undefined) return { settings: wanted, violations: [] }
  const refusal = `\`experimental_network\` (set by ${filteredNetwork.origin}) demands that the network is filtered, and this server has no filter: choose a sandbox policy without network access`
  const warning = `${refusal}. Commands have no network access unless they are approved.`
  return {
    settings: { ...wanted, sandboxPolicy, profile: null },
    violations: [{ field: "sandboxPolicy", refusal, warning }]
  }
}

const settleProvider = ({ modelProvider }: Bounds, wanted: Bound): Settled<Bound> => {
  if (modelProvider === undefined || modelProvider.id === wanted.modelProvider) {
    return { settings: wanted, violations: [] }
  }
  const warning = `Configured value for \`model_provider\` is overridden by the required value ${JSON.stringify(modelProvider.id)} from ${modelProvider.origin}.`
  return {
    settings: { ...wanted, modelProvider: modelProvider.id },
    violations: [{ field: "modelProvider", refusal: warning, warning }]
  }
}

const rules = [settleApproval, settleReviewer, settleProfile, settleMode, settleNetwork, settleProvider]

/** Brings `wanted` within the limits. Applied to its own result, it changes nothing. */
export const settle = (bounds: Bounds, wanted: Bound): Settled<Bound> =>
  rules.reduce<Settled<Bound>>(
    ({ settings, violations }, rule) => {
      const next = rule(bounds, settings)
      return { settings: next.settings, violations: [...violations, ...next.violations] }
    },
    { settings: wanted, violations: [] }
  )

const boundIn = (settings: ThreadSettings): Bound => ({
  approvalPolicy: settings.approvalPolicy,
  approvalsReviewer: settings.approvalsReviewer,
  sandboxPolicy: settings.sandboxPolicy,
  profile: settings.activePermissionProfile?.id ?? null,
  modelProvider: settings.modelProvider
})

/** Settings of a thread that are within the requirements' limits. */
export class PermittedSettings {
  readonly #settings: ThreadSettings

  private constructor(settings: ThreadSettings) {
    this.#settings = settings
  }

  get value(): ThreadSettings {
    return this.#settings
  }

  /** The settings, if all of them are within the limits. */
  static check(bounds: Bounds, settings: ThreadSettings): Result.Result<PermittedSettings, Violation> {
    const [violation] = settle(bounds, boundIn(settings)).violations
    return violation === undefined ? Result.succeed(new PermittedSettings(settings)) : Result.fail(violation)
  }

  /** The settings, with allowed values in place of those that are not allowed. */
  static settle(bounds: Bounds, settings: ThreadSettings): Settled<PermittedSettings> {
    const { settings: bound, violations } = settle(bounds, boundIn(settings))
    if (violations.length === 0) return { settings: new PermittedSettings(settings), violations }
    const { profile, ...rest } = bound
    const activePermissionProfile = profile === null ? null : { id: profile, extends: null }
    return { settings: new PermittedSettings({ ...settings, ...rest, activePermissionProfile }), violations }
  }
}
