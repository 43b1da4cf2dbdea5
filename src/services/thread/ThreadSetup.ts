/**
 * How a thread is set up: what its caller asks for, what it had before, and what the configuration says, put together within
 * what the requirements allow.
 *
 * Every way to a loaded thread comes through here: starting, resuming and forking, for a client, a sub-agent or a recovery
 * alike. Does not open the thread (`Threads`), nor decide a single setting (`Settings`, `config/`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import type { ParamsOf } from "../../protocol/Methods.ts"
import type { ThreadSettings } from "../../protocol/v2/thread/Settings.ts"
import {
  Config,
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
import * as Instructions from "./Instructions.ts"
import * as Settings from "./Settings.ts"

/** What a caller asks for. What it leaves out is what the thread had before, else what the configuration says. */
export type ThreadOverrides = Pick<
  ParamsOf<"thread/start">,
  keyof ParamsOf<"thread/start"> & keyof ParamsOf<"thread/resume">
> &
  Pick<ParamsOf<"thread/start">, "environments">

/** A thread that is ready to be opened. */
export interface ThreadSetup {
  readonly settings: PermittedSettings
  readonly instructions: Instructions.Instructions
  /** The model server its configuration names; undefined for one that it does not know. */
  readonly provider: ModelProviderInfo | undefined
  readonly config: EffectiveConfig
  /** For the user: what was asked for or configured and does not hold. */
  readonly warnings: ReadonlyArray<string>
}

/** Settings of `config` that choose the sandbox. */
const sandboxKeys = ["sandbox_mode", "sandbox_workspace_write", "default_permissions", "permissions"]

/**
 * What is asked for a thread that had settings before: what the caller asks for, and else the model and the policies that it
 * had. They are checked like any others, because requirements may have come since.
 */
const requestedAgain = (overrides: ThreadOverrides, recorded: ThreadSettings): RequestedSettings => {
  const overridden = new Set(Object.keys(overrides.config ?? {}).map((key) => key.split(".")[0]))
  const { activePermissionProfile, approvalPolicy, approvalsReviewer, sandboxPolicy } = recorded
  // No other provider has the model of the offline one.
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

/** The set-up of threads. `recorded` are the settings that the thread had; null for a new one. */
export const make = Effect.gen(function* () {
  const config = yield* Config
  const catalog = yield* ModelCatalog
  const path = yield* Path.Path
  const model = yield* ModelProvider
  const files = yield* SmallFiles
  const info = yield* ServerInfo

  const instructionsFor = (cwd: string, effective: EffectiveConfig, overrides: ThreadOverrides) =>
    Instructions.load({
      home: config.home,
      cwd,
      timeZone: info.timeZone(),
      localDate: info.localDate,
      baseInstructions: overrides.baseInstructions ?? effective.baseInstructions,
      developerInstructions: overrides.developerInstructions ?? effective.developerInstructions,
      projectDocMaxBytes: effective.projectDocMaxBytes,
      environmentContext: effective.settings["include_environment_context"] !== false,
      environmentTime: effective.settings["include_environment_context_time"] !== false
    }).pipe(Effect.provideService(SmallFiles, files), Effect.provideService(Path.Path, path))

  return Effect.fnUntraced(function* (overrides: ThreadOverrides, recorded: ThreadSettings | null) {
    yield* Settings.refuseBoth(overrides.permissions, "sandbox", overrides.sandbox)
    const cwd = path.resolve(info.cwd, Settings.folderIn(overrides) ?? recorded?.cwd ?? ".")
    const requested = recorded === null ? overrides : requestedAgain(overrides, recorded)
    const effective = yield* config.effective({ cwd, overrides: overrides.config ?? {}, requested })
    const name = model.answersAs?.(effective.modelProvider)
    const settings = yield* Settings.initial(Settings.named(effective, name), cwd, catalog.defaultModel, overrides)
    const unused = Settings.unusedModel(name, overrides.model)
    const instructions = yield* instructionsFor(cwd, effective, overrides)
    return {
      settings,
      instructions,
      provider: effective.providers[settings.value.modelProvider],
      config: effective,
      warnings: [...effective.warnings, ...(unused === undefined ? [] : [unused]), ...instructions.warnings]
    } satisfies ThreadSetup
  })
})
