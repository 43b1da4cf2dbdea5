/**
 * What the server was told: `config.toml`, command-line overrides, managed requirements, and where its home is.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ConfigReadParams, ConfigReadResponse, ConfigRequirementsReadResponse } from "../protocol/Config.ts"
import type { AskForApproval, SandboxPolicy } from "../protocol/Settings.ts"

/** The configuration could not be read; nothing was started with half of it. */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", {
  reason: Schema.Literals(["syntax", "value", "unreadable", "requirements"]),
  /** File and position, or the key at fault. */
  location: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `failed to read configuration layers: ${this.location}: ${this.detail}`
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
  readonly headers: Readonly<Record<string, string>>
  /** Header name to the environment variable with its value. */
  readonly envHeaders: Readonly<Record<string, string>>
  readonly queryParams: Readonly<Record<string, string>>
  readonly requestMaxRetries: number
  readonly streamMaxRetries: number
  readonly streamIdleTimeoutMs: number
  readonly requiresOpenaiAuth: boolean
}

/** The configuration that a thread starts from: every layer merged, command line last. */
export interface EffectiveConfig {
  /** Null where nothing names one: the catalogue's default is meant. */
  readonly model: string | null
  readonly modelProvider: string
  readonly providers: Readonly<Record<string, ModelProviderInfo>>
  readonly approvalPolicy: AskForApproval
  readonly sandboxPolicy: SandboxPolicy
  readonly reasoningEffort: string | null
  readonly reasoningSummary: string | null
  readonly serviceTier: string | null
  readonly baseInstructions: string | null
  readonly developerInstructions: string | null
  /** Bytes of AGENTS.md files that are told to the model. */
  readonly projectDocMaxBytes: number
  /** True when the file or the command line chose the provider, rather than the built-in default. */
  readonly providerConfigured: boolean
}

/** Something in the configuration that the user should look at; the server runs without it. */
export interface ConfigWarning {
  readonly summary: string
  readonly details: string | null
  readonly path: string | null
}

export class Config extends Context.Service<
  Config,
  {
    /** Absolute path of the home folder. */
    readonly home: string
    /** Found while starting; told to each client once, after its initialize. */
    readonly warnings: ReadonlyArray<ConfigWarning>
    /**
     * Reads the layers anew (an edited file counts from the next thread on). `overrides` are dotted keys, as in the `config`
     * parameter of `thread/start`.
     */
    readonly effective: (options: {
      readonly cwd: string | null
      readonly overrides: Readonly<Record<string, unknown>>
    }) => Effect.Effect<EffectiveConfig, ConfigError>
    readonly read: (params: ConfigReadParams) => Effect.Effect<ConfigReadResponse, ConfigError>
    readonly requirements: Effect.Effect<ConfigRequirementsReadResponse, ConfigError>
  }
>()("spindle/Config") {}
