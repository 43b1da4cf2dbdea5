/**
 * The configuration as the rest of the server sees it: types only.
 *
 * @module
 */
import type * as Redacted from "effect/Redacted"
import type {
  ApprovalsReviewer,
  AskForApproval,
  SandboxMode,
  SandboxPolicy
} from "../../protocol/v2/thread/Settings.ts"
import type { Bounds } from "./Bounds.ts"
import type { RuleFolder } from "./Project.ts"
import type { ShellEnvironmentPolicy } from "./ShellEnvironmentPolicy.ts"

/** A server of the Responses API, from `model_providers.<id>` or built in; also the offline model, which has no address. */
export interface ModelProviderInfo {
  readonly id: string
  readonly name: string
  /** Without a trailing slash; `/responses` is appended. Empty for the offline model. */
  readonly baseUrl: string
  /** The environment variable that holds the key. */
  readonly envKey: string | null
  /** Told to the user when that variable is not set. */
  readonly envKeyInstructions?: string
  /** A key written into the file itself; used where there is no `envKey`. */
  readonly bearerToken?: Redacted.Redacted
  readonly headers: Readonly<Record<string, string>>
  /** Header name to the environment variable with its value; left out where the variable is empty. */
  readonly envHeaders: Readonly<Record<string, string>>
  readonly queryParams: Readonly<Record<string, string>>
  readonly requestMaxRetries: number
  readonly streamMaxRetries: number
  readonly streamIdleTimeoutMs: number
  /** The account's key goes to this server, and clients offer to log in. */
  readonly requiresOpenaiAuth: boolean
}

/** The configuration that a thread starts from: every layer merged, command line last. */
export interface EffectiveConfig {
  /** Null where nothing names one: the catalogue's default is meant. */
  readonly model: string | null
  readonly modelProvider: string
  readonly providers: Readonly<Record<string, ModelProviderInfo>>
  readonly approvalPolicy: AskForApproval
  readonly approvalsReviewer: ApprovalsReviewer
  readonly sandboxPolicy: SandboxPolicy
  /** The built-in permission profile the sandbox policy stands for; null where `sandbox_mode` chose the policy. */
  readonly activePermissionProfile: string | null
  readonly reasoningEffort: string | null
  readonly reasoningSummary: string | null
  readonly serviceTier: string | null
  readonly baseInstructions: string | null
  readonly developerInstructions: string | null
  /** What of the server's environment commands get. */
  readonly shellEnvironmentPolicy: ShellEnvironmentPolicy
  /** Bytes of AGENTS.md files that are told to the model. */
  readonly projectDocMaxBytes: number
  /** For the user of the thread: settings that were ignored or overruled. */
  readonly warnings: ReadonlyArray<string>
  /** Every layer merged, keys as in `config.toml`, for settings without a member here. */
  readonly settings: Readonly<Record<string, unknown>>
  /**
   * The requirement `rules` as it is written: `prefix_rules` of every source, in order. Null where no source has any. Commands
   * are judged by it in the tools that run them.
   */
  readonly requirementRules: unknown
  /** What the organisation binds the settings of the thread to. The policies above keep to it already. */
  readonly bounds: Bounds
  /** Where rules about commands are read from: the machine's folder, the home's, the project's. They need not exist. */
  readonly ruleFolders: ReadonlyArray<RuleFolder>
}

/** What a request says in members of its own. It outranks every layer, but not the organisation's requirements. */
export interface RequestedSettings {
  readonly model?: string | null | undefined
  readonly modelProvider?: string | null | undefined
  readonly approvalPolicy?: AskForApproval | null | undefined
  readonly approvalsReviewer?: ApprovalsReviewer | null | undefined
  readonly sandbox?: SandboxMode | null | undefined
  /** The id of a permission profile. */
  readonly permissions?: string | null | undefined
  /** The sandbox that a resumed thread had; what the request says outranks it, the layers do not. */
  readonly recorded?: { readonly sandboxPolicy: SandboxPolicy; readonly profile: string | null } | null | undefined
}
