/**
 * Sets up a thread from the caller's request, its recorded settings and the configuration, within the requirements.
 *
 * Starting, resuming and forking all use this, for a client, a sub-agent or a recovery alike. Does not open the thread
 * (`Threads`), nor decide a single setting (`Settings`, `config/`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import type { ParamsOf } from "../../protocol/Methods.ts"
import type { DynamicToolSpec } from "../../protocol/v2/thread/Requests.ts"
import type { ThreadSettings } from "../../protocol/v2/thread/Settings.ts"
import {
  Config,
  type ConfigError,
  type EffectiveConfig,
  type ModelProviderInfo,
  offlineProvider,
  type RequestedSettings
} from "../config/Config.ts"
import type { PermittedSettings } from "../config/Permitted.ts"
import { ServerInfo } from "../config/ServerInfo.ts"
import { SmallFiles } from "../config/SmallFiles.ts"
import { ModelCatalog } from "../model/ModelCatalog.ts"
import { ModelProvider } from "../model/ModelProvider.ts"
import { baseInstructions } from "./BaseInstructions.ts"
import * as Instructions from "./Instructions.ts"
import { invalidRequest } from "../routing/RequestError.ts"
import * as Settings from "./Settings.ts"

/** A caller's request. Omitted members come from the thread's recorded settings, else from the configuration. */
export type ThreadOverrides = Pick<
  ParamsOf<"thread/start">,
  keyof ParamsOf<"thread/start"> & keyof ParamsOf<"thread/resume">
> &
  Pick<ParamsOf<"thread/start">, "environments">

/** A thread that is ready to be opened. */
export interface ThreadSetup {
  readonly settings: PermittedSettings
  readonly instructions: Instructions.Instructions
  /** The configured model provider; undefined for an unknown one. */
  readonly provider: ModelProviderInfo | undefined
  readonly config: EffectiveConfig
  /** Reads the configuration again, with the same overrides. */
  readonly reread: Effect.Effect<EffectiveConfig, ConfigError>
  /** Warnings about requested or configured values that are not used. */
  readonly warnings: ReadonlyArray<string>
}

/** Configuration keys that choose the sandbox. */
const sandboxKeys = ["sandbox_mode", "sandbox_workspace_write", "default_permissions", "permissions"]

/**
 * The request for a thread with recorded settings: the caller's values, else the recorded model and policies. They are
 * checked like any others, because the requirements may have changed.
 */
const requestedAgain = (overrides: ThreadOverrides, recorded: ThreadSettings): RequestedSettings => {
  const overridden = new Set(Object.keys(overrides.config ?? {}).map((key) => key.split(".")[0]))
  const { activePermissionProfile, approvalPolicy, approvalsReviewer, sandboxPolicy } = recorded
  // The offline model exists only at the offline provider.
  const model = recorded.modelProvider === offlineProvider ? null : recorded.model
  return {
    ...overrides,
    model: overrides.model ?? model,
    approvalPolicy: overrides.approvalPolicy ?? (overridden.has("approval_policy") ? null : approvalPolicy),
    approvalsReviewer: overrides.approvalsReviewer ?? (overridden.has("approvals_reviewer") ? null : approvalsReviewer),
    recorded: sandboxKeys.some((key) => overridden.has(key))
      ? null
      : { sandboxPolicy, profile: activePermissionProfile?.id ?? null }
  }
}

/** Fails for tools that a client may not declare. */
export const checkTools = Effect.fnUntraced(function* (tools: ReadonlyArray<DynamicToolSpec>) {
  if (tools.length === 0) return
  const { problemIn } = yield* Effect.promise(() => import("../tool/DynamicTools.ts"))
  const problem = problemIn(tools)
  if (problem !== undefined) yield* invalidRequest(problem)
})

/** Sets up threads. `recorded` are the thread's stored settings; null for a new thread. */
export const make = Effect.gen(function* () {
  const config = yield* Config
  const catalog = yield* ModelCatalog
  const path = yield* Path.Path
  const model = yield* ModelProvider
  const files = yield* SmallFiles
  const info = yield* ServerInfo

  const instructionsFor = Effect.fnUntraced(function* (
    { cwd, environments }: ThreadSettings,
    effective: EffectiveConfig,
    overrides: ThreadOverrides
  ) {
    const { projectDocMaxBytes, settings } = effective
    const isOn = (key: string) => settings[key] !== false
    const documentsIn = (cwd: string | null) =>
      Instructions.load({ home: config.home, cwd, projectDocMaxBytes }).pipe(
        Effect.provideService(SmallFiles, files),
        Effect.provideService(Path.Path, path)
      )
    return {
      base: overrides.baseInstructions ?? effective.baseInstructions ?? baseInstructions,
      developer: overrides.developerInstructions ?? effective.developerInstructions,
      permissions: isOn("include_permissions_instructions"),
      documents: yield* documentsIn(environments?.length === 0 ? null : cwd),
      documentsIn,
      environmentAt: (millis: number) =>
        isOn("include_environment_context")
          ? {
              date: isOn("include_environment_context_time") ? info.localDate(millis) : null,
              timeZone: info.timeZone()
            }
          : null
    } satisfies Instructions.Instructions
  })

  return Effect.fnUntraced(function* (overrides: ThreadOverrides, recorded: ThreadSettings | null) {
    yield* Settings.refuseBoth(overrides.permissions, "sandbox", overrides.sandbox)
    const cwd = path.resolve(info.cwd, Settings.folderIn(overrides) ?? recorded?.cwd ?? ".")
    const requested = recorded === null ? overrides : requestedAgain(overrides, recorded)
    const reread = config.effective({ cwd, overrides: overrides.config ?? {}, requested })
    const effective = yield* reread
    const name = model.answersAs?.(effective.modelProvider)
    const settings = yield* Settings.initial(Settings.named(effective, name), cwd, catalog.defaultModel, overrides)
    const unused = Settings.unusedModel(name, overrides.model)
    const instructions = yield* instructionsFor(settings.value, effective, overrides)
    return {
      settings,
      instructions,
      provider: effective.providers[settings.value.modelProvider],
      config: effective,
      reread,
      warnings: [...effective.warnings, ...(unused === undefined ? [] : [unused]), ...instructions.documents.warnings]
    } satisfies ThreadSetup
  })
})
