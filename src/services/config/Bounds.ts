/**
 * The limits that the organisation's requirements place on a thread's settings: the allowed approval policies, reviewers,
 * sandbox modes, permission profiles and model provider, and whether commands may use the network.
 *
 * Owns how limits are read and how the release formats their values in errors. Whether settings are within the limits is
 * decided in `Permitted` only.
 *
 * @module
 */
import * as Result from "effect/Result"
import type { AskForApproval, SandboxMode } from "../../protocol/v2/thread/Settings.ts"
import { approvalPolicy, sandboxMode } from "./SettingsSchema.ts"
import { check, complete, normalize } from "./SettingType.ts"
import { isBuiltInProfile } from "./SandboxChoice.ts"
import { get, getTable, isTable, type Value } from "./Table.ts"

/** The allowed values and the requirement's origin. The list is never empty. */
export interface Allowed<A> {
  readonly values: ReadonlyArray<A>
  readonly origin: string
}

/** A sandbox mode, or an external sandbox around the server. */
export type AnySandboxMode = SandboxMode | "external-sandbox"

/** Who answers approval requests, by the current name. */
export type Reviewer = "user" | "auto_review"

/** A member is undefined where there is no requirement. */
export interface Bounds {
  readonly approvalPolicies: Allowed<AskForApproval> | undefined
  readonly approvalsReviewers: Allowed<Reviewer> | undefined
  /** `label` is the list as errors print it. */
  readonly sandboxModes: (Allowed<AnySandboxMode> & { readonly label: string }) | undefined
  /** Ids of built-in profiles; `fallback` is one of them. */
  readonly profiles: (Allowed<string> & { readonly fallback: string }) | undefined
  readonly modelProvider: { readonly id: string; readonly origin: string } | undefined
  /**
   * The origin of a requirement that the network is filtered. This server has no filter, so no policy may then give network
   * access to commands that run without approval.
   */
  readonly filteredNetwork: { readonly origin: string } | undefined
}

/** No requirements. */
export const unbounded: Bounds = {
  approvalPolicies: undefined,
  approvalsReviewers: undefined,
  sandboxModes: undefined,
  profiles: undefined,
  modelProvider: undefined,
  filteredNetwork: undefined
}

/** A requirement and its origin. */
export interface Demand {
  readonly value: Value
  readonly origin: string
}

const isApprovalPolicy = (value: Value): value is AskForApproval & Value => check(approvalPolicy, value) === undefined
const isSandboxMode = (value: Value): value is SandboxMode => check(sandboxMode, value) === undefined

/** The policy with its current name and all members. */
export const normalPolicy = (policy: Value): Value =>
  complete(
    approvalPolicy,
    normalize(approvalPolicy, policy, (written) => written)
  )

/** The reviewer by its current name. */
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

/** A value as the release prints it in errors. */
export const nameOf = (value: AskForApproval | AnySandboxMode | Reviewer): string => {
  if (typeof value === "string") return names[value]
  const { mcp_elicitations, request_permissions, rules, sandbox_approval, skill_approval } = value.granular
  return `Granular(GranularApprovalConfig { sandbox_approval: ${sandbox_approval}, rules: ${rules}, skill_approval: ${skill_approval}, request_permissions: ${request_permissions}, mcp_elicitations: ${mcp_elicitations} })`
}

/** Values as the release lists them in errors. */
export const listOf = (values: ReadonlyArray<AskForApproval | AnySandboxMode | Reviewer>): string =>
  `[${values.map(nameOf).join(", ")}]`

type Demands = ReadonlyMap<string, Demand>

/** Reads the limits from the requirements. Fails with the problem of an invalid requirement. */
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

/** Files with denied read access are protected only when commands run in a sandbox. */
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

/** This server has only the built-in profiles: a requirement that names another one cannot be met. */
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
