/**
 * The layers of the configuration, read from their sources and merged:
 *
 * ```
 * managed file            what an administrator sets
 * flags                   -c key=value, and the `config` of a request
 * project, nearest first  <folder>/.codex/config.toml up to the project's root, when trusted
 * user                    <home>/config.toml
 * system                  /etc/codex/config.toml
 * ```
 *
 * Owns the order and the merge. `LayerFiles` reads the sources, `ProjectLayers` finds the project. Other modules interpret the settings; `Undecided` handles projects without a trust
 * decision.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import { isDeeperThan, MaxDepth } from "../../protocol/jsonrpc/Depth.ts"
import { type ConfigDiagnostic, firstDiagnostic } from "./ConfigDiagnostic.ts"
import { ConfigError } from "./ConfigError.ts"
import type { Content, Layer } from "./ConfigLayer.ts"
import * as LayerFiles from "./LayerFiles.ts"
import type * as Project from "./Project.ts"
import * as ProjectLayers from "./ProjectLayers.ts"
import { mergeSettings } from "./ShellEnvironmentPolicy.ts"
import type { SmallFiles } from "./SmallFiles.ts"
import { empty, levelsOf, type Table, without } from "./Table.ts"

export interface Stack {
  /** Highest first, disabled ones included. */
  readonly layers: ReadonlyArray<Layer>
  readonly merged: Table
  /** The user's trust decision about the folder's project. */
  readonly trust: Project.Trust | undefined
  /** The folders with the project's rules about commands, nearest first. Folders marked as untrusted are left out. */
  readonly projectRules: ReadonlyArray<Project.RuleFolder>
  readonly diagnostic: ConfigDiagnostic | undefined
  /**
   * The settings as if the project were trusted. Undefined when there is a decision about the folder, or no project has
   * settings.
   */
  readonly undecided: Suggestion | undefined
}

/** The settings merged with those of projects without a decision. */
export interface Suggestion {
  readonly merged: Table
  readonly diagnostic: ConfigDiagnostic | undefined
}

export interface Locations {
  readonly userFile: string
  /** A file that is merged over the user's file, and the name of its profile. */
  readonly profile?: { readonly name: string; readonly file: string } | undefined
  readonly systemFile: string
  readonly managedFile: string
  /** The user's home, for `~/`; undefined when the environment does not set it. */
  readonly userHome: string | undefined
  /** Relative folders and flags are resolved against it. */
  readonly cwd: string
  readonly flags: Iterable<readonly [key: string, value: unknown]>
}

export interface Layers {
  /**
   * Reads what changed since the last call. With `folder` undefined, no project is included. Fails when a file exists and
   * cannot be read; an error inside a file is the `diagnostic` of the stack.
   */
  readonly load: (options: {
    readonly folder: string | undefined
    readonly overrides: Readonly<Record<string, unknown>>
  }) => Effect.Effect<Stack, ConfigError>
  /** The first error if the user's file had this text. */
  readonly tryUser: (stack: Stack, text: string) => ConfigDiagnostic | undefined
  /** The managed file alone, for settings that are needed between two loads. */
  readonly managed: Effect.Effect<Managed | undefined, ConfigError>
}

/** The file that an administrator writes. */
export interface Managed {
  readonly file: string
  readonly content: Content
}

/** The managed file of a stack. */
export const managedIn = (stack: Stack): Managed | undefined => {
  for (const { content, source } of stack.layers) {
    if (source.type === "legacyManagedConfigTomlFromFile") return { file: source.file, content }
  }
  return undefined
}

/** Whether the layer is enabled. */
export const counts = (layer: Layer): boolean => layer.disabledReason === null

/** Whether the layer is the user's file, without a profile. */
export const isUserLayer = ({ source }: Layer): boolean => source.type === "user" && source.profile === null

/** Maximum number of characters of an invalid key in the error. */
const MaxEchoed = 128

const tooDeep = (key: string): ConfigError =>
  new ConfigError({
    reason: "value",
    location: "",
    detail: `nested deeper than ${MaxDepth} levels`,
    key: key.slice(0, MaxEchoed)
  })

/** Number of cached stacks, one per folder. A stack is valid until one of its files changes. */
const MaxCached = 64

/** The last stack of each folder. It is the same object until one of its layers changes, so that what depends on it is kept. */
class StackCache {
  readonly #stacks = new Map<string, Stack>()

  find(folder: string, layers: ReadonlyArray<Layer>, project: ProjectLayers.ProjectLayers): Stack | undefined {
    const last = this.#stacks.get(folder)
    const isCurrent =
      last !== undefined &&
      last.trust === project.trust &&
      sameFolders(last.projectRules, project.rules) &&
      sameLayers(last.layers, layers)
    return isCurrent ? last : undefined
  }

  keep(folder: string, stack: Stack): void {
    if (this.#stacks.size >= MaxCached) this.#stacks.clear()
    this.#stacks.set(folder, stack)
  }
}

/** All layers except the project's, merged. They decide where the project is and whether it is trusted. */
class BaseCache {
  #layers: ReadonlyArray<Layer> = []
  #merged: Table = empty

  merged(layers: ReadonlyArray<Layer>): Table {
    if (!sameLayers(this.#layers, layers)) {
      this.#layers = layers
      this.#merged = mergeLayers(layers)
    }
    return this.#merged
  }
}

/** The flags of the server with the settings of a request on top. */
const withOverrides = (flags: Content, own: Content): Content => ({
  ...own,
  table: layOver(flags.table, own.table),
  unknown: [...new Set([...flags.unknown, ...own.unknown])]
})

const checkDepth = (overrides: Readonly<Record<string, unknown>>): Effect.Effect<void, ConfigError> => {
  const deep = Object.keys(overrides).find((key) => levelsOf(key) > MaxDepth || isDeeperThan(overrides[key], MaxDepth))
  return deep === undefined ? Effect.void : Effect.fail(tooDeep(deep))
}

export const make = Effect.fnUntraced(function* (
  locations: Locations
): Effect.fn.Return<Layers, never, Path.Path | SmallFiles> {
  const path = yield* Path.Path
  const { cwd, managedFile, profile, systemFile, userFile } = locations
  const files = yield* LayerFiles.make(locations.userHome)
  const projectOf = yield* ProjectLayers.make(files, userFile)
  const serverFlags = files.flags(locations.flags, cwd)
  const stacks = new StackCache()
  const base = new BaseCache()

  /** The layers above and below the project's. */
  const around = Effect.fnUntraced(function* (flags: Content) {
    const system = yield* files.read(systemFile)
    const user = yield* files.read(userFile)
    const profiled = profile === undefined ? undefined : yield* files.read(profile.file)
    const managed = yield* files.read(managedFile)
    const above: Array<Layer> = []
    if (managed !== undefined)
      above.push(LayerFiles.layerOf({ type: "legacyManagedConfigTomlFromFile", file: managedFile }, managed))
    if (Object.keys(flags.table).length > 0) {
      above.push({ source: { type: "sessionFlags" }, file: undefined, content: flags, disabledReason: null })
    }
    const below: Array<Layer> = []
    if (profile !== undefined && profiled !== undefined) {
      below.push(LayerFiles.layerOf({ type: "user", file: profile.file, profile: profile.name }, profiled))
    }
    below.push(LayerFiles.layerOf({ type: "user", file: userFile, profile: null }, user))
    below.push(LayerFiles.layerOf({ type: "system", file: systemFile }, system))
    return { above, below }
  })

  const load: Layers["load"] = Effect.fnUntraced(function* ({ folder, overrides }) {
    yield* checkDepth(overrides)
    const start = folder === undefined ? undefined : path.resolve(cwd, folder)
    const entries = Object.entries(overrides)
    const flags = entries.length === 0 ? serverFlags : withOverrides(serverFlags, files.flags(entries, start ?? cwd))
    const { above, below } = yield* around(flags)
    const project =
      start === undefined ? ProjectLayers.none : yield* projectOf(base.merged([...above, ...below]), start)
    const layers = [...above, ...project.layers, ...below]
    const key = start ?? ""
    const cached = stacks.find(key, layers, project)
    if (cached !== undefined) return cached
    const stack = stackOf(layers, project)
    if (flags === serverFlags) stacks.keep(key, stack)
    return stack
  })

  const managed = Effect.map(files.read(managedFile), (file) =>
    file === undefined ? undefined : { file: managedFile, content: file.value }
  )

  return { load, managed, tryUser: tryingUser(files, userFile) }
})

/** See `Layers.tryUser`. */
const tryingUser =
  (files: LayerFiles.LayerFiles, userFile: string): Layers["tryUser"] =>
  (stack, text) => {
    const content = files.parse(text, userFile)
    const file = { path: userFile, source: text, value: content }
    const layers = stack.layers.map((layer) => (isUserLayer(layer) ? { ...layer, file, content } : layer))
    return firstDiagnostic(layers, mergeLayers(layers))
  }

const stackOf = (layers: ReadonlyArray<Layer>, project: ProjectLayers.ProjectLayers): Stack => {
  const merged = mergeLayers(layers)
  return {
    layers,
    merged,
    trust: project.trust,
    projectRules: project.rules,
    diagnostic: firstDiagnostic(layers, merged),
    undecided: project.trust === undefined ? suggestionOf(layers, project.undecided) : undefined
  }
}

/** A layer that selects a sandbox by its mode also removes the profile of lower layers, which would take precedence. */
const layOver = (under: Table, over: Table): Table => {
  const overrules = Object.hasOwn(over, "sandbox_mode") && !Object.hasOwn(over, "default_permissions")
  return mergeSettings(overrules ? without(under, (key) => key === "default_permissions") : under, over)
}

const mergeLayers = (layers: ReadonlyArray<Layer>): Table =>
  layers.filter(counts).reduceRight((under, layer) => layOver(under, layer.content.table), empty)

const suggestionOf = (layers: ReadonlyArray<Layer>, undecided: ReadonlySet<Layer>): Suggestion | undefined => {
  if (undecided.size === 0) return undefined
  const trusted = layers.map((layer) => (undecided.has(layer) ? { ...layer, disabledReason: null } : layer))
  const merged = mergeLayers(trusted)
  return { merged, diagnostic: firstDiagnostic(trusted, merged) }
}

const sameLayers = (left: ReadonlyArray<Layer>, right: ReadonlyArray<Layer>): boolean =>
  left.length === right.length &&
  left.every((layer, index) => {
    const other = right[index]
    return layer.content === other?.content && layer.disabledReason === other.disabledReason
  })

const sameFolders = (left: Stack["projectRules"], right: Stack["projectRules"]): boolean =>
  left.length === right.length &&
  left.every(
    ({ mayAllow, path, within }, index) =>
      path === right[index]?.path && mayAllow === right[index].mayAllow && within === right[index].within
  )
