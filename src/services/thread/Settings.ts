/**
 * The settings of a thread: from the configuration and from requests.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ThreadSettings } from "../../protocol/v2/thread/Settings.ts"
import type { ParamsOf } from "../../protocol/Methods.ts"
import { ConfigError, type EffectiveConfig } from "../config/Config.ts"
import type { Bounds } from "../config/Bounds.ts"
import { PermittedSettings } from "../config/Permitted.ts"
import { policyOfProfile } from "../config/SandboxChoice.ts"
import type { ModelName } from "../model/ModelProvider.ts"
import { invalidRequest, type RequestError } from "../routing/RequestError.ts"
import { withInstructions } from "./Modes.ts"
import { InvalidSettings } from "./ThreadError.ts"

const environmentsOf = (cwd: string, roots: ReadonlyArray<string>): ThreadSettings["environments"] => [
  { environmentId: "local", cwd, runtimeWorkspaceRoots: roots }
]

const collaborationOf = (model: string, effort: string | null): ThreadSettings["collaborationMode"] => ({
  mode: "default",
  settings: { model, reasoning_effort: effort, developer_instructions: null }
})

type StartOverrides = Pick<
  ParamsOf<"thread/start">,
  "environments" | "runtimeWorkspaceRoots" | "personality" | "serviceTier"
>

/** The folder of a request: that of its environment, or its own `cwd`. */
export const folderIn = ({ cwd, environments }: Pick<ParamsOf<"turn/start">, "cwd" | "environments">): string | null =>
  environments?.[0]?.cwd ?? cwd ?? null

const rootsIn = ({
  environments,
  runtimeWorkspaceRoots
}: Pick<ParamsOf<"turn/start">, "environments" | "runtimeWorkspaceRoots">): ReadonlyArray<string> | null =>
  environments?.[0]?.runtimeWorkspaceRoots ?? runtimeWorkspaceRoots ?? null

const summaries = ["auto", "concise", "detailed", "none"] as const

const summaryOf = (summary: string | null): ThreadSettings["summary"] =>
  summaries.find((known) => known === summary) ?? null

/** The configuration with the model that the provider always uses; without such a model it is unchanged. */
export const named = (config: EffectiveConfig, name: ModelName | undefined): EffectiveConfig =>
  name === undefined ? config : { ...config, model: name.model, modelProvider: name.provider }

/** Maximum number of characters of a model's name in a warning. */
const MaxName = 128

/** The warning about a requested model that is not used; undefined when it is used. */
export const unusedModel = (name: ModelName | undefined, asked: string | null | undefined): string | undefined =>
  name === undefined || asked == null || asked.trim() === "" || asked === name.model
    ? undefined
    : `The model \`${asked.slice(0, MaxName)}\` is not used: the model provider \`${name.provider}\` has only the model \`${name.model}\`.`

/** Fails when a request names its sandbox in two ways. */
export const refuseBoth = (
  permissions: string | null | undefined,
  other: "sandbox" | "sandboxPolicy",
  value: unknown
): Effect.Effect<void, RequestError> =>
  permissions == null || value == null
    ? Effect.void
    : Effect.fail(invalidRequest(`\`permissions\` cannot be combined with \`${other}\``))

/**
 * The settings of a new thread. `config` already includes the request's model, provider, policies and reviewer, within the
 * requirements.
 */
export const initial = (
  config: EffectiveConfig,
  cwd: string,
  defaultModel: string,
  overrides: StartOverrides
): Effect.Effect<PermittedSettings, InvalidSettings> => {
  const model = config.model ?? defaultModel
  const profile = config.activePermissionProfile
  return permitted(config.bounds, {
    disabledPluginIds: [],
    cwd,
    environments: overrides.environments?.length === 0 ? [] : environmentsOf(cwd, rootsIn(overrides) ?? [cwd]),
    approvalPolicy: config.approvalPolicy,
    approvalsReviewer: config.approvalsReviewer,
    sandboxPolicy: config.sandboxPolicy,
    activePermissionProfile: profile === null ? null : { id: profile, extends: null },
    model,
    modelProvider: config.modelProvider,
    serviceTier: overrides.serviceTier ?? config.serviceTier,
    effort: config.reasoningEffort,
    summary: summaryOf(config.reasoningSummary),
    collaborationMode: collaborationOf(model, config.reasoningEffort),
    multiAgentMode: "explicitRequestOnly",
    personality: overrides.personality ?? null
  })
}

/** The model in the parameters of a turn. */
export const askedModel = (params: ParamsOf<"turn/start">): string | null =>
  params.collaborationMode?.settings.model ?? params.model ?? null

const withModel = (mode: ThreadSettings["collaborationMode"], model: string): ThreadSettings["collaborationMode"] =>
  withInstructions({ ...mode, settings: { ...mode.settings, model } })

const permitted = (bounds: Bounds, settings: ThreadSettings): Effect.Effect<PermittedSettings, InvalidSettings> =>
  Effect.mapError(
    Effect.fromResult(PermittedSettings.check(bounds, settings)),
    ({ refusal }) => new InvalidSettings({ detail: refusal })
  )

/** Null once the request cleared it, until a request sets it again. */
const environmentsAfter = (
  settings: ThreadSettings,
  asked: ReadonlyArray<unknown> | null,
  cwd: string,
  roots: ReadonlyArray<string> | null
): ThreadSettings["environments"] => {
  if (asked?.length === 0) return []
  if (asked === null && (roots === null || settings.environments?.length === 0)) return settings.environments
  return environmentsOf(cwd, roots ?? [cwd])
}

/**
 * The settings after those of a turn were applied, within `bounds`. `cwd` is already absolute; `name` is the model that the
 * provider always uses.
 */
export const changed = Effect.fnUntraced(function* (
  bounds: Bounds,
  settings: ThreadSettings,
  params: ParamsOf<"turn/start">,
  cwd: string | null,
  name?: ModelName
): Effect.fn.Return<PermittedSettings, ConfigError | InvalidSettings | RequestError> {
  const permissions = yield* changedPermissions(settings, params)
  const model = name?.model ?? askedModel(params) ?? settings.model
  const mode = params.collaborationMode == null ? null : withModel(params.collaborationMode, model)
  const effort = (mode === null ? params.effort : mode.settings.reasoning_effort) ?? settings.effort
  const roots = rootsIn(params) ?? (cwd === null ? null : [cwd])
  return yield* permitted(bounds, {
    ...settings,
    ...permissions,
    disabledPluginIds: params.disabledPluginIds ?? settings.disabledPluginIds,
    cwd: cwd ?? settings.cwd,
    environments: environmentsAfter(settings, params.environments ?? null, cwd ?? settings.cwd, roots),
    approvalPolicy: params.approvalPolicy ?? settings.approvalPolicy,
    approvalsReviewer: params.approvalsReviewer ?? settings.approvalsReviewer,
    model,
    serviceTier: params.serviceTier === undefined ? settings.serviceTier : params.serviceTier,
    effort,
    summary: params.summary ?? settings.summary,
    collaborationMode: mode ?? {
      ...settings.collaborationMode,
      settings: { ...settings.collaborationMode.settings, model, reasoning_effort: effort }
    },
    personality: params.personality ?? settings.personality
  })
})

const changedPermissions = Effect.fnUntraced(function* (
  settings: ThreadSettings,
  { permissions, sandboxPolicy }: ParamsOf<"turn/start">
): Effect.fn.Return<Pick<ThreadSettings, "sandboxPolicy" | "activePermissionProfile">, ConfigError | RequestError> {
  yield* refuseBoth(permissions, "sandboxPolicy", sandboxPolicy)
  if (permissions != null) {
    const policy = yield* Effect.mapError(
      Effect.fromResult(policyOfProfile(permissions, {})),
      (detail) => new ConfigError({ reason: "unresolved", location: "", detail })
    )
    return { sandboxPolicy: policy, activePermissionProfile: { id: permissions, extends: null } }
  }
  return sandboxPolicy == null
    ? { sandboxPolicy: settings.sandboxPolicy, activePermissionProfile: settings.activePermissionProfile }
    : { sandboxPolicy, activePermissionProfile: null }
})
