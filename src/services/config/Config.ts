/**
 * The server's configuration: `config.toml`, command-line overrides, managed requirements, and the home folder.
 *
 * Owns when files are read and how an error is handled. At start, a user's error is a warning and the defaults apply; an
 * error of the machine's files or the command line fails the start. Later, each request that needs the configuration fails.
 * The other modules in this folder read, merge and interpret the layers. Does not own credentials. `ConfigWrite` changes the
 * user's file.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import type {
  ConfigReadParams,
  ConfigReadResponse,
  ConfigRequirementsReadResponse
} from "../../protocol/v2/config/Requests.ts"
import type { Bounds } from "./Bounds.ts"
import type { EffectiveConfig, RequestedSettings } from "./EffectiveConfig.ts"
import { ConfigError, type TextRange, unreadable } from "./ConfigError.ts"
import { make as makeWriter } from "./ConfigWrite.ts"
import type { WriteConfig } from "./ConfigWriter.ts"
import * as Demands from "./RequirementSources.ts"
import { resolve, type Unresolved } from "./Effective.ts"
import * as FileCache from "./FileCache.ts"
import * as Layers from "./Layers.ts"
import { disabledProjects } from "./ConfigWarnings.ts"
import { parseOverride } from "./Override.ts"
import { type RuleFolder, rulesFolder } from "./Project.ts"
import { none } from "./Requirements.ts"
import type { ShellEnvironmentPolicy } from "./ShellEnvironmentPolicy.ts"
import { empty, getText } from "./Table.ts"
import * as View from "./ConfigReadResult.ts"
import type { SmallFiles } from "./SmallFiles.ts"

export { TextRange } from "./ConfigError.ts"
export type { RuleFolder } from "./Project.ts"
export { ConfigError, parseOverride }
export type { EffectiveConfig, ModelProviderInfo, RequestedSettings } from "./EffectiveConfig.ts"
export type { Bounds, ShellEnvironmentPolicy }
export type { CloudRequirements } from "./RequirementSources.ts"
export { offlineProvider } from "./Providers.ts"

/** A problem in the configuration that the user should fix; the server runs without the setting. */
export interface ConfigWarning {
  readonly summary: string
  readonly details: string | null
  readonly path: string | null
  /** The place in the file, if it is known. */
  readonly range?: TextRange
}

/**
 * The configuration: settings merged from the files, the command line and a request, within the organisation's
 * requirements.
 */
export class Config extends Context.Service<
  Config,
  {
    /** Absolute path of the home folder. */
    readonly home: string
    /** Absolute path of the user's own folder; undefined when the environment does not set it. */
    readonly userHome: string | undefined
    /** Absolute path of the user's settings, whether or not the file exists. */
    readonly userFile: string
    /** Found at start; each client receives them once, after its initialize. */
    readonly warnings: ReadonlyArray<ConfigWarning>
    /**
     * Reads the layers again, so an edited file applies to the next thread. `cwd` null is the server's own folder.
     * `overrides` has dotted keys, as in the `config` parameter of `thread/start`.
     */
    readonly effective: (options: {
      readonly cwd: string | null
      readonly overrides: Readonly<Record<string, unknown>>
      /** Settings that the request has as members of their own. Default: none. */
      readonly requested?: RequestedSettings
    }) => Effect.Effect<EffectiveConfig, ConfigError>
    /**
     * The requirements' current limits on settings; they may have changed since a thread was started. Reads as little as
     * possible, because every turn calls it.
     */
    readonly bounds: Effect.Effect<Bounds, ConfigError>
    /** The result of `config/read`. */
    readonly read: (params: ConfigReadParams) => Effect.Effect<ConfigReadResponse, ConfigError>
    /** Changes the user's file. Loaded threads keep their settings. */
    readonly write: WriteConfig
    /** The result of `configRequirements/read`. */
    readonly requirements: Effect.Effect<ConfigRequirementsReadResponse, ConfigError>
  }
>()("spindle/Config") {}

/** Where the configuration is read from. */
export interface ConfigOptions {
  /** Absolute path of the home folder. */
  readonly home: string
  /** Absolute; relative folders in requests are resolved against it. */
  readonly cwd: string
  /** From `-c`, in order; a later entry replaces an earlier one. See `parseOverride`. */
  readonly cliOverrides?: Iterable<readonly [key: string, value: unknown]>
  /** The name of a profile: `<home>/<name>.config.toml` is layered on top of the user's file. Default: none. */
  readonly profile?: string
  /** Default: `<home>/config.toml` and the files in `/etc/codex`. */
  readonly loader?: {
    /** Absolute path of the user's settings. Default: `<home>/config.toml`. */
    readonly configFile?: string
    /** Absolute path of the machine's settings. Default: `/etc/codex/config.toml`. */
    readonly systemConfigFile?: string
    /** Absolute path of the managed settings. Default: `/etc/codex/managed_config.toml`. */
    readonly managedConfigFile?: string
    /** Absolute path of the organisation's requirements. Default: `/etc/codex/requirements.toml`. */
    readonly requirementsFile?: string
  }
  /** Fetched once, when the first thread or client needs them. */
  readonly cloudRequirements?: Demands.CloudRequirements
  /** The environment with the variables that settings refer to. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Sent to clients before the warnings found here. */
  readonly warnings?: ReadonlyArray<ConfigWarning>
}

/** Size limit in bytes of the file in `model_instructions_file`. A request may name the file too. */
const MaxInstructionsBytes = 1024 * 1024

const unresolved = ({ detail, error }: Unresolved): ConfigError =>
  error ?? new ConfigError({ reason: "unresolved", location: "", detail })

/** Sections of other programs are passed on unchecked, so they may not fit the protocol's shape. */
const unfit = (): ConfigError =>
  new ConfigError({
    reason: "value",
    location: "",
    detail: "a section does not have the shape that the protocol defines"
  })

const warning = (summary: string): ConfigWarning => ({ summary, details: null, path: null })

const invalid = (error: ConfigError): ConfigWarning => ({
  summary: "Invalid configuration; using defaults.",
  details: error.summary,
  path: error.file ?? null,
  ...(error.range === undefined ? {} : { range: error.range })
})

/** Fails the start, or lets it continue with a warning. */
const warnUnless = (fatal: boolean, error: ConfigError): Effect.Effect<ReadonlyArray<ConfigWarning>, ConfigError> =>
  fatal ? Effect.fail(error) : Effect.succeed([invalid(error)])

/** Where the files are. */
const locationsOf = (options: ConfigOptions, path: Path.Path) => {
  const { environment, home, loader, profile } = options
  const machineFolder =
    path.sep === "/" ? "/etc/codex" : path.join(environment["ProgramData"] ?? "C:\\ProgramData", "OpenAI", "Codex")
  const systemFile = loader?.systemConfigFile ?? path.join(machineFolder, "config.toml")
  return {
    ruleFolders: [path.dirname(systemFile), home].map((folder): RuleFolder => ({
      path: path.join(folder, rulesFolder),
      mayAllow: true
    })),
    userFile: loader?.configFile ?? path.join(home, "config.toml"),
    profile: profile === undefined ? undefined : { name: profile, file: path.join(home, `${profile}.config.toml`) },
    systemFile,
    managedFile: loader?.managedConfigFile ?? path.join(machineFolder, "managed_config.toml"),
    requirementsFile: loader?.requirementsFile ?? path.join(machineFolder, "requirements.toml"),
    userHome: environment["HOME"] ?? environment["USERPROFILE"],
    cwd: options.cwd,
    flags: options.cliOverrides ?? []
  }
}

/** The text of the file in `model_instructions_file`. */
const instructions = Effect.fnUntraced(function* (texts: FileCache.FileCache<string>, stack: Layers.Stack) {
  const file = getText(stack.merged, "model_instructions_file")
  if (file === undefined) return undefined
  const text = yield* Effect.mapError(texts.read(file), unreadable("model instructions file", file))
  if (text !== undefined && text.value !== "") return text.value
  const detail =
    text === undefined
      ? `failed to read model instructions file ${file}: No such file or directory (os error 2)`
      : `model instructions file is empty: ${file}`
  return yield* new ConfigError({ reason: "unresolved", location: "", detail })
})

/** The warning of a profile without a file. */
const missingProfile = ({ home, profile }: ConfigOptions, stack: Layers.Stack): ReadonlyArray<string> =>
  profile === undefined || stack.layers.some(({ source }) => source.type === "user" && source.profile === profile)
    ? []
    : [`The profile \`${profile}\` has no file ${profile}.config.toml in ${home}.`]

interface Inspection {
  readonly options: ConfigOptions
  readonly locations: Layers.Locations
  readonly load: Effect.Effect<Layers.Stack, ConfigError>
  readonly resolve: (stack: Layers.Stack) => Effect.Effect<ReturnType<typeof resolve>, ConfigError>
}

/** The problems at start, before any request. Errors that the user can fix are warnings, all others fail. */
const inspect = Effect.fnUntraced(function* ({ load, locations, options, resolve }: Inspection) {
  const loaded = yield* Effect.result(load)
  if (Result.isFailure(loaded)) {
    const { file } = loaded.failure
    return yield* warnUnless(file === locations.systemFile || file === locations.managedFile, loaded.failure)
  }
  const stack = loaded.success
  if (stack.diagnostic !== undefined) {
    const { error, source } = stack.diagnostic
    return yield* warnUnless(source !== "user" && source !== "project", error)
  }
  const tried = yield* Effect.result(resolve(stack))
  if (Result.isFailure(tried)) {
    const { reason } = tried.failure
    return yield* warnUnless(reason === "requirements" || reason === "unreadable", tried.failure)
  }
  const resolved = tried.success
  if (Result.isFailure(resolved)) return yield* warnUnless(resolved.failure.fatal, unresolved(resolved.failure))
  const disabled = disabledProjects(stack)
  const texts = [
    ...missingProfile(options, stack),
    ...(disabled === undefined ? [] : [disabled]),
    ...resolved.success.warnings
  ]
  return texts.map(warning)
})

/** The result of `configRequirements/read`. */
const requirementsOf = Effect.fnUntraced(function* (
  layers: Layers.Layers,
  demands: Demands.RequirementSources
): Effect.fn.Return<ConfigRequirementsReadResponse, ConfigError> {
  const stack = yield* layers.load({ folder: undefined, overrides: {} })
  if (stack.diagnostic?.error.reason === "syntax") return yield* stack.diagnostic.error
  const requirements = yield* demands.load(Layers.managedIn(stack), { cloud: true })
  return yield* Effect.mapError(View.readRequirements(requirements.demands), unfit)
})

/** Reads the configuration once and checks it. Fails on errors of the command line or of the machine's files. */
export const make = Effect.fnUntraced(function* (
  options: ConfigOptions
): Effect.fn.Return<Config["Service"], ConfigError, Path.Path | SmallFiles> {
  const { environment } = options
  const path = yield* Path.Path
  const { requirementsFile, ruleFolders, ...locations } = locationsOf(options, path)
  const layers = yield* Layers.make(locations)
  const cloud = options.cloudRequirements ?? Effect.succeed(null)
  const demands = yield* Demands.make({ file: requirementsFile, cloud })
  const texts = yield* FileCache.make((source) => source.trim(), { maxBytes: MaxInstructionsBytes, namedBy: "client" })

  /** The layers; fails when they have an error. */
  const load = (folder: string | undefined, overrides: Readonly<Record<string, unknown>> = {}) =>
    Effect.flatMap(layers.load({ folder, overrides }), (stack) =>
      stack.diagnostic === undefined ? Effect.succeed(stack) : Effect.fail(stack.diagnostic.error)
    )

  const resolveStack = Effect.fnUntraced(function* (
    stack: Layers.Stack,
    requested: RequestedSettings,
    { cloud }: { readonly cloud: boolean }
  ) {
    const requirements = yield* demands.load(Layers.managedIn(stack), { cloud })
    const instructionsFile = yield* instructions(texts, stack)
    return resolve({ stack, requirements, requested, environment, ruleFolders, instructionsFile })
  })

  const found = yield* inspect({
    options,
    locations,
    load: layers.load({ folder: options.cwd, overrides: {} }),
    resolve: (stack) => resolveStack(stack, {}, { cloud: false })
  })

  return Config.of({
    home: options.home,
    userHome: locations.userHome,
    userFile: locations.userFile,
    warnings: [...(options.warnings ?? []), ...found],
    effective: Effect.fn("Config.effective")(function* ({ cwd, overrides, requested }) {
      const stack = yield* load(cwd ?? options.cwd, overrides)
      const resolved = yield* resolveStack(stack, requested ?? {}, { cloud: true })
      return yield* Effect.fromResult(Result.mapError(resolved, unresolved))
    }),
    bounds: Effect.flatMap(layers.managed, (managed) =>
      Effect.map(demands.load(managed, { cloud: true }), ({ bounds }) => bounds)
    ),
    read: Effect.fn("Config.read")(function* (params) {
      const stack = yield* load(params.cwd ?? undefined)
      const { settings: demanded } = yield* demands.load(Layers.managedIn(stack), { cloud: true })
      const includeLayers = params.includeLayers ?? false
      return yield* Effect.mapError(View.read(stack, { demanded, includeLayers }), unfit)
    }),
    write: makeWriter(layers, path, locations.userFile),
    requirements: requirementsOf(layers, demands)
  })
})

/** Fails when a file of the machine or of the organisation cannot be used; errors in other files are warnings. */
export const layer = (options: ConfigOptions): Layer.Layer<Config, ConfigError, Path.Path | SmallFiles> =>
  Layer.effect(Config, make(options))

/** The configuration of a server without any settings. */
export const defaults = (): EffectiveConfig =>
  Result.getOrThrow(
    resolve({
      stack: {
        layers: [],
        merged: empty,
        trust: undefined,
        projectRules: [],
        diagnostic: undefined,
        undecided: undefined
      },
      requirements: none,
      requested: {},
      environment: {},
      ruleFolders: [],
      instructionsFile: undefined
    })
  )

/** A configuration without files: `effective` replaces members of the defaults, whatever the request. */
export const layerTest = (options?: {
  /** Absolute path of the home folder, which need not exist. Default: `/spindle`. */
  readonly home?: string
  /** Warnings for clients. Default: none. */
  readonly warnings?: ReadonlyArray<ConfigWarning>
  /** Members that replace those of `defaults`. */
  readonly effective?: Partial<EffectiveConfig>
}): Layer.Layer<Config> => {
  const effective = { ...defaults(), ...options?.effective }
  const home = options?.home ?? "/spindle"
  return Layer.succeed(Config, {
    home,
    userHome: undefined,
    userFile: `${home}/config.toml`,
    warnings: options?.warnings ?? [],
    effective: () => Effect.succeed(effective),
    bounds: Effect.succeed(effective.bounds),
    read: () => Effect.fail(unfit()),
    write: () => Effect.fail(unfit()),
    requirements: Effect.succeed({ supportsIndependentSpeedModes: true, requirements: null })
  })
}
