/**
 * The configuration as the other services see it: types only.
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
import type { HookSources } from "./HookSource.ts"
import type { ShellEnvironmentPolicy } from "./ShellEnvironmentPolicy.ts"

/**
 * A server of the Responses API, from `model_providers.<id>` or built in. The offline model is one too, without an address.
 */
export interface ModelProviderInfo {
  readonly id: string
  readonly name: string
  /** Without a trailing slash; `/responses` is appended. Empty for the offline model. */
  readonly baseUrl: string
  /** The environment variable that holds the key. */
  readonly envKey: string | null
  /** Shown to the user when that variable is not set. */
  readonly envKeyInstructions?: string
  /** A key in the settings file; used when there is no `envKey`. */
  readonly bearerToken?: Redacted.Redacted
  readonly headers: Readonly<Record<string, string>>
  /** Header name to the environment variable with its value; the header is omitted when the variable is empty. */
  readonly envHeaders: Readonly<Record<string, string>>
  readonly queryParams: Readonly<Record<string, string>>
  readonly requestMaxRetries: number
  readonly streamMaxRetries: number
  readonly streamIdleTimeoutMs: number
  /** The account's key is sent to this server, and clients offer to log in. */
  readonly requiresOpenaiAuth: boolean
}

/** The configuration of a new thread: every layer merged, command line last. */
export interface EffectiveConfig {
  /** Null when no model is set: the catalogue's default applies. */
  readonly model: string | null
  readonly modelProvider: string
  readonly providers: Readonly<Record<string, ModelProviderInfo>>
  readonly approvalPolicy: AskForApproval
  readonly approvalsReviewer: ApprovalsReviewer
  readonly sandboxPolicy: SandboxPolicy
  /** The built-in permission profile of the sandbox policy; null when `sandbox_mode` selected the policy. */
  readonly activePermissionProfile: string | null
  readonly reasoningEffort: string | null
  readonly reasoningSummary: string | null
  readonly serviceTier: string | null
  readonly baseInstructions: string | null
  readonly developerInstructions: string | null
  /** Which variables of the server's environment commands receive. */
  readonly shellEnvironmentPolicy: ShellEnvironmentPolicy
  /** Limit in bytes on the AGENTS.md files that are sent to the model. */
  readonly projectDocMaxBytes: number
  /** For the thread's user: settings that were ignored or overridden. */
  readonly warnings: ReadonlyArray<string>
  /** Every layer merged, keys as in `config.toml`, for settings without a member here. */
  readonly settings: Readonly<Record<string, unknown>>
  /**
   * The `rules` of the requirements as written: `prefix_rules` of every source, in order. Null when no source has any. The
   * tools that run commands apply them.
   */
  readonly requirementRules: unknown
  /** The `mcp_servers` of the requirements as written: the allowed servers. Null when all are allowed. */
  readonly requirementMcpServers: unknown
  /** The modes of the web search that the requirements allow; null when they do not limit it. */
  readonly allowedWebSearchModes: ReadonlyArray<string> | null
  /** The requirements' limits on the thread's settings. The policies above are already within them. */
  readonly bounds: Bounds
  /** The folders with rules about commands: the machine's, the home's, the project's. They may not exist. */
  readonly ruleFolders: ReadonlyArray<RuleFolder>
  /** Where the hooks of the thread are configured. */
  readonly hooks: HookSources
}

/** Settings in members of a request. They take precedence over every layer, but not over the requirements. */
export interface RequestedSettings {
  /** The model's name. */
  readonly model?: string | null | undefined
  /** The key of the provider in `model_providers`. */
  readonly modelProvider?: string | null | undefined
  /** When commands need approval. */
  readonly approvalPolicy?: AskForApproval | null | undefined
  /** Who answers approvals. */
  readonly approvalsReviewer?: ApprovalsReviewer | null | undefined
  /** The mode of the sandbox; its details come from the configuration. */
  readonly sandbox?: SandboxMode | null | undefined
  /** The id of a permission profile. */
  readonly permissions?: string | null | undefined
  /** The sandbox of a resumed thread. It takes precedence over the layers, but not over the request. */
  readonly recorded?: { readonly sandboxPolicy: SandboxPolicy; readonly profile: string | null } | null | undefined
}
