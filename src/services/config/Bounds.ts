/**
 * What an organisation binds the settings of a thread to, read from its requirements: which approval policies, reviewers,
 * sandbox modes, permission profiles and model provider there may be, and whether commands may have the network.
 *
 * Owns how a bound is read and how the release writes its values in errors. Whether settings keep to the bounds is decided in
 * `Permitted`, and nowhere else.
 *
 * @module
 */
import * as Result from "effect/Result"
import type { AskForApproval, SandboxMode } from "../../protocol/v2/thread/Settings.ts"
import { approvalPolicy, sandboxMode } from "./SettingsSchema.ts"
import { check, complete, normalize } from "./SettingType.ts"
import { isBuiltInProfile } from "./SandboxChoice.ts"
import { get, getTable, isTable, type Value } from "./Table.ts"

/** Values that are allowed, and who says so. The list is never empty. */
export interface Allowed<A> {
  readonly values: ReadonlyArray<A>
  readonly origin: string
}

/** A sandbox mode, or the sandbox that somebody else made around the server. */
export type AnySandboxMode = SandboxMode | "external-sandbox"

/** Who answers approval requests, by the name of today. */
export type Reviewer = "user" | "auto_review"

/** Undefined where nothing is demanded. */
export interface Bounds {
  readonly approvalPolicies: Allowed<AskForApproval> | undefined
  readonly approvalsReviewers: Allowed<Reviewer> | undefined
  /** `label` is the list as errors show it. */
  readonly sandboxModes: (Allowed<AnySandboxMode> & { readonly label: string }) | undefined
  /** Ids of built-in profiles; `fallback` is one of them. */
  readonly profiles: (Allowed<string> & { readonly fallback: string }) | undefined
  readonly modelProvider: { readonly id: string; readonly origin: string } | undefined
  /**
   * Who filters the network. This server has no filter, so no policy may then open the network to commands that run unasked.
   */
  readonly filteredNetwork: { readonly origin: string } | undefined
}

/** Nothing is demanded. */
export const unbounded: Bounds = {
  approvalPolicies: undefined,
  approvalsReviewers: undefined,
  sandboxModes: undefined,
  profiles: undefined,
  modelProvider: undefined,
  filteredNetwork: undefined
}

/** One demand, and the source that makes it. */
export interface Demand {
  readonly value: Value
  readonly origin: string
}

const isApprovalPolicy = (value: Value): value is AskForApproval & Value => check(approvalPolicy, value) === undefined
const isSandboxMode = (value: Value): value is SandboxMode => check(sandboxMode, value) === undefined

/** The policy by the name it has now, complete. */
export const normalPolicy = (policy: Value): Value =>
  complete(
    approvalPolicy,
    normalize(approvalPolicy, policy, (written) => written)
  )

/** The reviewer by the name it has now. */
export const normalReviewer = (reviewer: unknown): Reviewer =>
  reviewer === "auto_review" || reviewer === "guardian_subagent" ? "auto_review" : "user"

const names = {
  never: "Never",
  "on-request": "OnRequest",
  untrusted: "UnlessTrusted",
  "read-only": "ReadOnly",
  "workspace-write": "WorkspaceWrite",
  "danger-full-access": "DangerFullAccess",
  "external-sandbox": "ExternalSandbox",
  user: "User",
  auto_review: "AutoReview"
} as const

/** A value as the errors of the release write it. */
export const nameOf = (value: AskForApproval | AnySandboxMode | Reviewer): string => {
  if (typeof value === "string") return names[value]
  const { mcp_elicitations, request_permissions, rules, sandbox_approval, skill_approval } = value.granular
  return `Granular(GranularApprovalConfig { sandbox_approval: ${sandbox_approval}, rules: ${rules}, skill_approval: ${skill_approval}, request_permissions: ${request_permissions}, mcp_elicitations: ${mcp_elicitations} })`
}

/** Values as the errors of the release list them. */
export const listOf = (values: ReadonlyArray<AskForApproval | AnySandboxMode | Reviewer>): string =>
  `[${values.map(nameOf).join(", ")}]`

type Demands = ReadonlyMap<string, Demand>

/** The bounds that the demands make. Fails with what is wrong with a demand. */
export const boundsOf = (demands: Demands): Result.Result<Bounds, string> =>
  Result.gen(function* () {
    const provider = demands.get("model_provider")
    return {
      approvalPolicies: yield* approvalPolicies(demands),
      approvalsReviewers: yield* approvalsReviewers(demands),
      sandboxModes: yield* sandboxModes(demands),
      profiles: yield* profiles(demands),
      modelProvider: typeof provider?.value === "string" ? { id: provider.value, origin: provider.origin } : undefined,
      filteredNetwork: filteredNetwork(demands)
    }
  })

const elements = (demand: Demand): ReadonlyArray<Value> => (Array.isArray(demand.value) ? demand.value : [])

const approvalPolicies = (demands: Demands) => {
  const demand = demands.get("allowed_approval_policies")
  if (demand === undefined) return Result.succeed(undefined)
  const values = elements(demand).map(normalPolicy).filter(isApprovalPolicy)
  return values.length === 0
    ? Result.fail("field `allowed_approval_policies` cannot be empty")
    : Result.succeed({ values, origin: demand.origin })
}

const approvalsReviewers = (demands: Demands) => {
  const demand = demands.get("allowed_approvals_reviewers")
  if (demand === undefined) return Result.succeed(undefined)
  const values = [...new Set(elements(demand).map(normalReviewer))]
  return values.length === 0
    ? Result.fail("field `allowed_approvals_reviewers` cannot be empty")
    : Result.succeed({ values, origin: demand.origin })
}

/** Files that nobody may read are safe only from commands that are confined. */
const confined: ReadonlyArray<AnySandboxMode> = ["read-only", "workspace-write"]

const deniesReading = (demand: Demand | undefined): boolean => {
  const files = isTable(demand?.value) ? getTable(demand.value, "filesystem") : undefined
  return files !== undefined && Object.hasOwn(files, "deny_read")
}

const sandboxModes = (demands: Demands): Result.Result<Bounds["sandboxModes"], string> => {
  const demand = demands.get("allowed_sandbox_modes")
  const permissions = demands.get("permissions")
  const denied = deniesReading(permissions)
  if (demand === undefined) {
    return Result.succeed(
      denied && permissions !== undefined
        ? { values: confined, origin: permissions.origin, label: `[${confined.join(", ")}]` }
        : undefined
    )
  }
  const listed = elements(demand).filter(
    (mode): mode is AnySandboxMode => isSandboxMode(mode) || mode === "external-sandbox"
  )
  if (!listed.includes("read-only")) {
    return Result.fail(
      `invalid value for \`allowed_sandbox_modes\`: \`${listOf(listed)}\` is not in the allowed set must include 'read-only' to allow any PermissionProfile (set by ${demand.origin})`
    )
  }
  const values = denied ? listed.filter((mode) => confined.includes(mode)) : listed
  return Result.succeed({ values, origin: demand.origin, label: listOf(values) })
}

/** Of profiles, this server has the built-in ones: a demand that names another cannot be kept. */
const profiles = (demands: Demands): Result.Result<Bounds["profiles"], string> => {
  const allowed = demands.get("allowed_permission_profiles")
  const preferred = demands.get("default_permissions")
  if (allowed === undefined) {
    return preferred === undefined
      ? Result.succeed(undefined)
      : Result.fail("requirements.toml default_permissions requires allowed_permission_profiles")
  }
  const values = isTable(allowed.value)
    ? Object.entries(allowed.value).flatMap(([id, isAllowed]) => (isAllowed === true ? [id] : []))
    : []
  const undefinedProfile = values.find((id) => !isBuiltInProfile(id))
  if (undefinedProfile !== undefined) {
    return Result.fail(
      `requirements.toml allowed_permission_profiles refers to undefined profile \`${undefinedProfile}\``
    )
  }
  if (typeof preferred?.value === "string") {
    return values.includes(preferred.value)
      ? Result.succeed({ values, origin: allowed.origin, fallback: preferred.value })
      : Result.fail(
          `requirements.toml default_permissions \`${preferred.value}\` must be allowed by allowed_permission_profiles`
        )
  }
  return values.includes(":workspace") && values.includes(":read-only")
    ? Result.succeed({ values, origin: allowed.origin, fallback: ":workspace" })
    : Result.fail(
        "requirements.toml default_permissions must be set unless allowed_permission_profiles allows both `:workspace` and `:read-only`"
      )
}

const filteredNetwork = (demands: Demands): Bounds["filteredNetwork"] => {
  const demand = demands.get("experimental_network")
  const isOff = isTable(demand?.value) && get(demand.value, "enabled") === false
  return demand === undefined || isOff ? undefined : { origin: demand.origin }
}
