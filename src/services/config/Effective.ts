/**
 * Computes a thread's configuration from the merged settings: defaults, trust, the request's settings, restrictions by a
 * project without a trust decision, and the organisation's requirements, in this order.
 *
 * @module
 */
import * as Result from "effect/Result"
import type { AskForApproval } from "../../protocol/v2/thread/Settings.ts"
import type { EffectiveConfig, RequestedSettings } from "./EffectiveConfig.ts"
import { normalPolicy, normalReviewer } from "./Bounds.ts"
import type { ConfigError } from "./ConfigError.ts"
import { approvalPolicy as approvalPolicyKind } from "./SettingsSchema.ts"
import { check } from "./SettingType.ts"
import type { Stack } from "./Layers.ts"
import { layerWarnings } from "./ConfigWarnings.ts"
import { settle } from "./Permitted.ts"
import type { RuleFolder } from "./Project.ts"
import { defaultProvider, providersOf, selectProvider } from "./Providers.ts"
import type { Requirements } from "./Requirements.ts"
import { modeOf, wantedSandbox } from "./SandboxChoice.ts"
import { hookSourcesOf } from "./HookSources.ts"
import { policyOf } from "./ShellEnvironmentPolicy.ts"
import { get, getNumber, getText, merge, type Table, type Value } from "./Table.ts"
import { type Choice, narrow } from "./Undecided.ts"

/** A setting that names something that does not exist or is no longer supported. `fatal` ones fail the start. */
export interface Unresolved {
  readonly detail: string
  readonly fatal: boolean
  /** The error in a file that caused it, if any. */
  readonly error?: ConfigError
}

export interface Inputs {
  readonly stack: Stack
  readonly requirements: Requirements
  readonly requested: RequestedSettings
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Folders of command rules that apply to every project; the layers provide the project's own. */
  readonly ruleFolders: ReadonlyArray<RuleFolder>
  /** The text of `model_instructions_file`. */
  readonly instructionsFile: string | undefined
}

const unresolved = (detail: string, fatal = false): Result.Result<never, Unresolved> => Result.fail({ detail, fatal })

const isApprovalPolicy = (value: Value): value is AskForApproval & Value =>
  check(approvalPolicyKind, value) === undefined
/** Blank text counts as not set. */
const nonBlank = (text: string | null | undefined): string | null =>
  text === null || text === undefined || text.trim() === "" ? null : text

/** Computes the configuration of a thread from layers without an error. */
export const resolve = (inputs: Inputs): Result.Result<EffectiveConfig, Unresolved> => {
  const { requested, requirements, stack } = inputs
  const settings = settingsOf(inputs, stack.merged)
  const withdrawn = findWithdrawn(stack, settings)
  if (withdrawn !== undefined) return withdrawn
  const provider = chooseProvider(inputs, settings)
  if (Result.isFailure(provider)) return Result.fail(provider.failure)
  const choice = chooseNarrowly(inputs, settings)
  if (Result.isFailure(choice)) return Result.fail(choice.failure)
  const permitted = permit(inputs, settings, choice.success, provider.success.id)
  if (Result.isFailure(permitted)) return Result.fail(permitted.failure)
  const { approvalPolicy, approvalsReviewer, profile, sandboxPolicy } = permitted.success.settings
  const tier = getText(settings, "service_tier")
  return Result.succeed({
    model: nonBlank(requested.model) ?? nonBlank(getText(settings, "model")),
    modelProvider: provider.success.id,
    providers: provider.success.providers,
    approvalPolicy,
    approvalsReviewer,
    sandboxPolicy,
    activePermissionProfile: profile,
    reasoningEffort: nonBlank(getText(settings, "model_reasoning_effort")),
    reasoningSummary: getText(settings, "model_reasoning_summary") ?? null,
    serviceTier: nonBlank(tier === "fast" ? "priority" : tier),
    baseInstructions: inputs.instructionsFile ?? nonBlank(getText(settings, "instructions")),
    developerInstructions: nonBlank(
      [getText(settings, "developer_instructions"), requirements.additionalDeveloperInstructions]
        .filter((text) => nonBlank(text) !== null)
        .join("\n\n")
    ),
    shellEnvironmentPolicy: choice.success.shellEnvironmentPolicy,
    projectDocMaxBytes: getNumber(settings, "project_doc_max_bytes") ?? 32_768,
    warnings: [...layerWarnings(stack), ...requirements.warnings, ...overridden(inputs), ...permitted.success.warnings],
    settings,
    bounds: requirements.bounds,
    requirementRules: requirements.rules,
    requirementMcpServers: requirements.mcpServers,
    allowedWebSearchModes: requirements.allowedWebSearchModes,
    ruleFolders: [...inputs.ruleFolders, ...stack.projectRules],
    hooks: hookSourcesOf(stack, requirements.demands, inputs.ruleFolders)
  })
}

/** An invalid command-line setting fails the start instead of using the defaults: whoever entered it sees the error. */
const setByFlags = (stack: Stack, key: string): boolean =>
  stack.layers.some(({ content, source }) => source.type === "sessionFlags" && Object.hasOwn(content.table, key))

/** Settings that the release no longer supports; the user has to remove them. */
const findWithdrawn = (stack: Stack, settings: Table): Result.Result<never, Unresolved> | undefined => {
  if (get(settings, "approval_policy") === "untrusted") {
    return unresolved('approval_policy = "untrusted" is no longer supported; remove this setting', true)
  }
  const profile = getText(settings, "profile")
  if (profile === undefined) return undefined
  return unresolved(
    `\`profile = ${JSON.stringify(profile)}\` is no longer supported; move the settings of the profile to the top level`,
    setByFlags(stack, "profile")
  )
}

const chooseProvider = ({ environment, requested, requirements, stack }: Inputs, settings: Table) => {
  const providers = providersOf(settings, environment)
  const demanded = getText(requirements.settings, "model_provider")
  const configured = nonBlank(requested.modelProvider) ?? getText(settings, "model_provider")
  const id = demanded ?? configured ?? defaultProvider
  return Result.mapBoth(selectProvider(providers, id), {
    onFailure: (detail): Unresolved => ({ detail, fatal: setByFlags(stack, "model_provider") }),
    onSuccess: () => ({ id, providers })
  })
}

/** Warnings about configured values that a requirement overrides. */
const overridden = ({ requested, requirements, stack }: Inputs): ReadonlyArray<string> =>
  Object.entries(requirements.settings).flatMap(([key, demanded]) => {
    const asked = key === "model_provider" ? nonBlank(requested.modelProvider) : null
    const configured = asked ?? get(stack.merged, key)
    if (configured === undefined || typeof demanded === "object" || configured === demanded) return []
    const origin = requirements.origins.get(key) ?? ""
    return [
      `Configured value for \`${key}\` is overridden by the required value ${JSON.stringify(demanded)} from ${origin}.`
    ]
  })

const explicitPolicy = ({ requested }: Inputs, settings: Table): AskForApproval | undefined => {
  const written = normalPolicy(get(settings, "approval_policy") ?? null)
  return requested.approvalPolicy ?? (isApprovalPolicy(written) ? written : undefined)
}

/** The selection that the settings and the request make. */
const choose = (inputs: Inputs, settings: Table): Result.Result<Choice, Unresolved> => {
  const { requested, requirements, stack } = inputs
  const sandbox = wantedSandbox(requested, settings, stack.trust, requirements.bounds.profiles?.fallback)
  if (Result.isFailure(sandbox)) return unresolved(sandbox.failure)
  return Result.succeed({
    approvalPolicy: explicitPolicy(inputs, settings) ?? (stack.trust === "untrusted" ? "untrusted" : "on-request"),
    approvalsReviewer: normalReviewer(requested.approvalsReviewer ?? get(settings, "approvals_reviewer")),
    sandbox: sandbox.success,
    shellEnvironmentPolicy: policyOf(settings)
  })
}

/**
 * The selection, narrowed by projects without a trust decision. As in the release, an error in such a project's file refuses
 * a thread that may write, because the file's restrictions are then unknown.
 */
const chooseNarrowly = (inputs: Inputs, settings: Table): Result.Result<Choice, Unresolved> => {
  const own = choose(inputs, settings)
  const { undecided } = inputs.stack
  if (Result.isFailure(own) || undecided === undefined || own.success.sandbox.policy.type === "readOnly") return own
  const error = undecided.diagnostic?.error
  if (error !== undefined) return Result.fail({ detail: error.detail, fatal: false, error })
  const suggested = settingsOf(inputs, undecided.merged)
  return Result.mapBoth(findWithdrawn(inputs.stack, suggested) ?? choose(inputs, suggested), {
    onFailure: ({ detail }): Unresolved => ({ detail, fatal: false }),
    onSuccess: (choice) => narrow(own.success, choice)
  })
}

/** The selection within the limits, with warnings about what changed. */
const permit = (inputs: Inputs, settings: Table, choice: Choice, modelProvider: string) => {
  const { approvalPolicy, approvalsReviewer, sandbox } = choice
  const { bounds } = inputs.requirements
  const settled = settle(bounds, {
    approvalPolicy,
    approvalsReviewer,
    sandboxPolicy: sandbox.policy,
    profile: sandbox.profile,
    modelProvider
  })
  const mode = modeOf(sandbox.policy)
  const refused = bounds.sandboxModes?.values.includes(mode) === false
  // As in the release, the workspace profile falls back to the read-only sandbox.
  const insisted = sandbox.chosen && (sandbox.profile === null || mode === "danger-full-access")
  if (refused && insisted && settled.settings.approvalPolicy === "never") {
    return unresolved(
      `\`approval_policy = "never"\` cannot be used because requirements do not allow \`sandbox_mode = "${mode}"\`; Codex would fall back to read-only permissions with approvals disabled. Choose an \`approval_policy\` based on what you need, such as \`on-request\`, or choose an allowed sandbox mode.`
    )
  }
  const isExplicit = explicitPolicy(inputs, settings) !== undefined
  const warnings = settled.violations
    .filter(({ field }) => field !== "approvalPolicy" || isExplicit)
    .map(({ warning }) => warning)
  return Result.succeed({ settings: settled.settings, warnings })
}

/** Every layer, with the required values over them. */
const settingsOf = ({ requirements }: Inputs, merged: Table): Table => {
  const settings = merge(merged, requirements.settings)
  return Object.keys(requirements.features).length === 0
    ? settings
    : merge(settings, { features: requirements.features })
}
