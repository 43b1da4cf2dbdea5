/**
 * What the server was told: `config.toml`, command-line overrides, managed requirements, and where its home is.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { ConfigReadParams, ConfigReadResponse, ConfigRequirementsReadResponse } from "../protocol/Config.ts"
import type { ApprovalsReviewer, AskForApproval, SandboxMode, SandboxPolicy } from "../protocol/Settings.ts"

/** A stretch of a file; lines and columns count from 1 and both ends are part of it. */
export const TextRange = Schema.Struct({
  start: Schema.Struct({ line: Schema.Int, column: Schema.Int }),
  end: Schema.Struct({ line: Schema.Int, column: Schema.Int })
})
export type TextRange = typeof TextRange.Type

/**
 * The configuration cannot be used: nothing was started with half of it. `syntax` is a file that is not TOML, `value` a
 * setting of the wrong kind, `unresolved` a setting that names something absent or withdrawn, `unreadable` a file that is
 * there and cannot be read, `requirements` a demand of the organisation that makes no sense or could not be fetched.
 */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", {
  reason: Schema.Literals(["syntax", "value", "unresolved", "unreadable", "requirements"]),
  /** `file:line:column` or a file; empty for what came with the command line or a request. */
  location: Schema.String,
  detail: Schema.String,
  /** Dotted path of the setting at fault. */
  key: Schema.optionalKey(Schema.String),
  file: Schema.optionalKey(Schema.String),
  range: Schema.optionalKey(TextRange),
  /** Passed on in the `data` of the answer. */
  data: Schema.optionalKey(Schema.Json)
}) {
  /** What is wrong and where, without saying what was attempted. */
  get summary(): string {
    if (this.location !== "") return `${this.location}: ${this.detail}`
    return this.key === undefined ? this.detail : `${this.detail}\nin \`${this.key}\`\n`
  }

  override get message(): string {
    return `failed to load configuration: ${this.summary}`
  }
}

/** A server of the Responses API, from `model_providers.<id>`. */
export interface ModelProviderInfo {
  readonly id: string
  readonly name: string
  /** Without a trailing slash; `/responses` is appended. */
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
  /** Bytes of AGENTS.md files that are told to the model. */
  readonly projectDocMaxBytes: number
  /** True when the file or the command line chose the provider, rather than the built-in default. */
  readonly providerConfigured: boolean
  /** For the user of the thread: settings that were ignored or overruled. */
  readonly warnings: ReadonlyArray<string>
  /** Every layer merged, keys as in `config.toml`, for settings without a member here. */
  readonly settings: Readonly<Record<string, unknown>>
}

/** What a request says in members of its own. It outranks every layer, but not the organisation's requirements. */
export interface RequestedSettings {
  readonly model?: string | null | undefined
  readonly modelProvider?: string | null | undefined
  readonly approvalPolicy?: AskForApproval | null | undefined
  readonly sandbox?: SandboxMode | null | undefined
}

/** Something in the configuration that the user should look at; the server runs without it. */
export interface ConfigWarning {
  readonly summary: string
  readonly details: string | null
  readonly path: string | null
  readonly range?: TextRange
}

export class Config extends Context.Service<
  Config,
  {
    /** Absolute path of the home folder. */
    readonly home: string
    /** Found while starting; told to each client once, after its initialize. */
    readonly warnings: ReadonlyArray<ConfigWarning>
    /**
     * Reads the layers anew (an edited file counts from the next thread on). `cwd` null is the server's own. `overrides`
     * are dotted keys, as in the `config` parameter of `thread/start`.
     */
    readonly effective: (options: {
      readonly cwd: string | null
      readonly overrides: Readonly<Record<string, unknown>>
      readonly requested?: RequestedSettings
    }) => Effect.Effect<EffectiveConfig, ConfigError>
    /**
     * Refuses a policy that the organisation does not allow. For changes to a running thread, where the release answers
     * `invalid thread settings override: <detail>`; what starts a thread falls back to an allowed value instead.
     */
    readonly permit: (policies: {
      readonly approvalPolicy?: AskForApproval | null | undefined
      readonly sandboxPolicy?: SandboxPolicy | null | undefined
    }) => Effect.Effect<void, ConfigError>
    readonly read: (params: ConfigReadParams) => Effect.Effect<ConfigReadResponse, ConfigError>
    readonly requirements: Effect.Effect<ConfigRequirementsReadResponse, ConfigError>
  }
>()("spindle/Config") {}
