/**
 * The settings of a thread: what the configuration says, what a request changes.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ActivePermissionProfile, SandboxPolicy, ThreadSettings } from "../../protocol/Settings.ts"
import type { ParamsOf } from "../../protocol/methods/ClientRequests.ts"
import type { EffectiveConfig } from "../Config.ts"
import type { ModelName } from "../ModelProvider.ts"
import { InvalidSettings } from "./ThreadError.ts"

/** The built-in permission profiles, by id. */
const profiles: Readonly<Record<string, SandboxPolicy>> = {
  ":read-only": { type: "readOnly", networkAccess: false },
  ":workspace": {
    type: "workspaceWrite",
    writableRoots: [],
    networkAccess: false,
    excludeTmpdirEnvVar: false,
    excludeSlashTmp: false
  },
  ":danger-full-access": { type: "dangerFullAccess" }
}

interface Permissions {
  readonly sandboxPolicy: SandboxPolicy
  readonly activePermissionProfile: ActivePermissionProfile | null
}

/** The policy of a named profile. Fails for a name that is not built in, and beside an explicit policy. */
const fromProfile = (profile: string, alsoGiven: string | null): Effect.Effect<Permissions, InvalidSettings> => {
  const sandboxPolicy = profiles[profile]
  if (alsoGiven !== null) {
    return Effect.fail(new InvalidSettings({ detail: `\`permissions\` cannot be combined with \`${alsoGiven}\`` }))
  }
  return sandboxPolicy === undefined
    ? Effect.fail(
        new InvalidSettings({ detail: "unknown permission profile; built in are " + Object.keys(profiles).join(", ") })
      )
    : Effect.succeed({ sandboxPolicy, activePermissionProfile: { id: profile, extends: null } })
}

const environmentsOf = (cwd: string, roots: ReadonlyArray<string>): ThreadSettings["environments"] => [
  { environmentId: "local", cwd, runtimeWorkspaceRoots: roots }
]

const collaborationOf = (model: string, effort: string | null): ThreadSettings["collaborationMode"] => ({
  mode: "default",
  settings: { model, reasoning_effort: effort, developer_instructions: null }
})

type StartOverrides = Pick<
  ParamsOf<"thread/start">,
  "sandbox" | "permissions" | "runtimeWorkspaceRoots" | "approvalsReviewer" | "personality" | "serviceTier"
>

const summaries = ["auto", "concise", "detailed", "none"] as const

const summaryOf = (summary: string | null): ThreadSettings["summary"] =>
  summaries.find((known) => known === summary) ?? null

/** The configuration, naming the model that answers whatever is asked for; undefined leaves it as it is. */
export const named = (config: EffectiveConfig, name: ModelName | undefined): EffectiveConfig =>
  name === undefined ? config : { ...config, model: name.model, modelProvider: name.provider }

/** Characters of a model's name that a warning repeats. */
const longestName = 128

/** What the user is told of a model that was asked for and does not answer; undefined where it does. */
export const unusedModel = (name: ModelName | undefined, asked: string | null | undefined): string | undefined =>
  name === undefined || asked == null || asked.trim() === "" || asked === name.model
    ? undefined
    : `The model \`${asked.slice(0, longestName)}\` is not used: the model provider \`${name.provider}\` has only the model \`${name.model}\`.`

/** What a thread starts with. `config` has the request's own model, provider and policies merged in already. */
export const initial = Effect.fnUntraced(function* (
  config: EffectiveConfig,
  cwd: string,
  defaultModel: string,
  overrides: StartOverrides
): Effect.fn.Return<ThreadSettings, InvalidSettings> {
  const named = overrides.permissions ?? null
  const permissions =
    named === null
      ? {
          sandboxPolicy: config.sandboxPolicy,
          activePermissionProfile:
            config.activePermissionProfile === null ? null : { id: config.activePermissionProfile, extends: null }
        }
      : yield* fromProfile(named, overrides.sandbox == null ? null : "sandbox")
  const model = config.model ?? defaultModel
  return {
    disabledPluginIds: [],
    cwd,
    environments: environmentsOf(cwd, overrides.runtimeWorkspaceRoots ?? [cwd]),
    approvalPolicy: config.approvalPolicy,
    approvalsReviewer: overrides.approvalsReviewer ?? config.approvalsReviewer,
    ...permissions,
    model,
    modelProvider: config.modelProvider,
    serviceTier: overrides.serviceTier ?? config.serviceTier,
    effort: config.reasoningEffort,
    summary: summaryOf(config.reasoningSummary),
    collaborationMode: collaborationOf(model, config.reasoningEffort),
    multiAgentMode: "explicitRequestOnly",
    personality: overrides.personality ?? null
  }
})

/** The model that a turn's parameters name. */
export const askedModel = (params: ParamsOf<"turn/start">): string | null =>
  params.collaborationMode?.settings.model ?? params.model ?? null

const withModel = (mode: ThreadSettings["collaborationMode"], model: string): ThreadSettings["collaborationMode"] => ({
  ...mode,
  settings: { ...mode.settings, model }
})

/** The settings after a turn's own. `cwd` is absolute already; `name` is the model that answers whatever is asked for. */
export const changed = Effect.fnUntraced(function* (
  settings: ThreadSettings,
  params: ParamsOf<"turn/start">,
  cwd: string | null,
  name?: ModelName
): Effect.fn.Return<ThreadSettings, InvalidSettings> {
  const permissions = yield* changedPermissions(settings, params)
  const model = name?.model ?? askedModel(params) ?? settings.model
  const mode = params.collaborationMode == null ? null : withModel(params.collaborationMode, model)
  const effort = (mode === null ? params.effort : mode.settings.reasoning_effort) ?? settings.effort
  const roots = params.runtimeWorkspaceRoots ?? (cwd === null ? null : [cwd])
  return {
    ...settings,
    ...permissions,
    disabledPluginIds: params.disabledPluginIds ?? settings.disabledPluginIds,
    cwd: cwd ?? settings.cwd,
    environments: roots === null ? settings.environments : environmentsOf(cwd ?? settings.cwd, roots),
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
  }
})

const changedPermissions = (
  settings: ThreadSettings,
  { permissions, sandboxPolicy }: ParamsOf<"turn/start">
): Effect.Effect<Permissions, InvalidSettings> => {
  if (permissions != null) return fromProfile(permissions, sandboxPolicy == null ? null : "sandboxPolicy")
  return Effect.succeed(
    sandboxPolicy == null
      ? { sandboxPolicy: settings.sandboxPolicy, activePermissionProfile: settings.activePermissionProfile }
      : { sandboxPolicy, activePermissionProfile: null }
  )
}
