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
 * Owns reading, merging and trust. Other modules interpret the settings; `Undecided` handles projects without a trust
 * decision.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import type { ConfigLayerSource } from "../../protocol/v2/config/Config.ts"
import { SmallFiles } from "./SmallFiles.ts"
import { isDeeperThan, MaxDepth } from "../../protocol/jsonrpc/Depth.ts"
import { ConfigError, unreadable } from "./ConfigError.ts"
import * as Document from "./Document.ts"
import * as FileCache from "./FileCache.ts"
import { keys } from "./SettingsSchema.ts"
import { normalize, unknownKeys } from "./SettingType.ts"
import { firstDiagnostic, type ConfigDiagnostic } from "./ConfigDiagnostic.ts"
import type { Content, Layer } from "./ConfigLayer.ts"
import * as Project from "./Project.ts"
import { mergeSettings } from "./ShellEnvironmentPolicy.ts"
import { empty, fromDotted, isTable, levelsOf, type Table, without } from "./Table.ts"

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

const nothing: Content = { table: empty, syntax: undefined, unknown: [], ignored: [] }

const contentOf = (table: Table, resolve: (path: string) => string, ignored: ReadonlyArray<string>): Content => {
  const resolved = normalize(keys, table, resolve)
  return {
    table: isTable(resolved) ? resolved : empty,
    syntax: undefined,
    unknown: unknownKeys(keys, table),
    ignored
  }
}

const layerOf = (
  source: ConfigLayerSource,
  file: FileCache.CachedFile<Content> | undefined,
  disabledReason: string | null = null
): Layer => ({ source, file, content: file?.value ?? nothing, disabledReason })

/** Whether the layer is enabled. */
export const counts = (layer: Layer): boolean => layer.disabledReason === null

/** Maximum number of characters of an invalid key in the error. */
const MaxEchoed = 128

const tooDeep = (key: string): ConfigError =>
  new ConfigError({
    reason: "value",
    location: "",
    detail: `nested deeper than ${MaxDepth} levels`,
    key: key.slice(0, MaxEchoed)
  })

/** Limit on the markers of a project's root. Each is searched for in every folder above the working folder. */
const MaxMarkers = 32

const tooManyMarkers = (): ConfigError =>
  new ConfigError({
    reason: "value",
    location: "",
    detail: `more than ${MaxMarkers} names`,
    key: "project_root_markers"
  })

/** Number of cached stacks, one per folder. A stack is valid until one of its files changes. */
const keptStacks = 64

export const make = Effect.fnUntraced(function* (
  locations: Locations
): Effect.fn.Return<Layers, never, Path.Path | SmallFiles> {
  const smallFiles = yield* SmallFiles
  const path = yield* Path.Path

  const resolveFrom =
    (folder: string) =>
    (written: string): string => {
      if (locations.userHome !== undefined && (written === "~" || written.startsWith("~/"))) {
        return path.join(locations.userHome, written.slice(1))
      }
      return path.resolve(folder, written)
    }
  const parse =
    (restrict: typeof Project.withoutReserved) =>
    (source: string, file: string): Content =>
      Result.match(Document.parse(source), {
        onSuccess: (table) => {
          const allowed = restrict(table)
          return contentOf(allowed.table, resolveFrom(path.dirname(file)), allowed.ignored)
        },
        onFailure: (syntax) => ({ ...nothing, syntax })
      })
  const files = yield* FileCache.make(
    parse((table) => ({ table, ignored: [] })),
    { maxBytes: Document.MaxBytes, namedBy: "server" }
  )
  const projectFiles = yield* FileCache.make(parse(Project.withoutReserved), {
    maxBytes: Project.MaxBytes,
    namedBy: "client"
  })
  const read = (file: string) => Effect.mapError(files.read(file), unreadable("config file", file))

  const flagTable = fromDotted(locations.flags)
  const flagContent = contentOf(flagTable, resolveFrom(locations.cwd), [])
  const flagsWith = (overrides: Readonly<Record<string, unknown>>, folder: string): Content => {
    const entries = Object.entries(overrides)
    if (entries.length === 0) return flagContent
    const own = contentOf(fromDotted(entries), resolveFrom(folder), [])
    return {
      ...own,
      table: layOver(flagContent.table, own.table),
      unknown: [...new Set([...flagContent.unknown, ...own.unknown])]
    }
  }

  /** The nearest folder, upwards, with one of the markers. */
  const rootOf = Effect.fnUntraced(function* (folders: ReadonlyArray<string>, markers: ReadonlyArray<string>) {
    const candidates = folders.flatMap((folder) => markers.map((marker) => path.join(folder, marker)))
    const found = (yield* smallFiles.exist(candidates)).indexOf(true)
    return found === -1 ? undefined : folders[Math.floor(found / markers.length)]
  })

  const projectLayers = Effect.fnUntraced(function* (base: Table, start: string) {
    const folders = Project.ancestors(path, start)
    const markers = Project.markersOf(base)
    if (markers.length > MaxMarkers) return yield* tooManyMarkers()
    const root = (yield* rootOf(folders, markers)) ?? start
    const repository =
      markers === Project.defaultMarkers ? root : ((yield* rootOf(folders, Project.defaultMarkers)) ?? root)
    const inside = folders.slice(0, folders.indexOf(root) + 1)
    const layers: Array<Layer> = []
    const undecided = new Set<Layer>()
    const rules: Array<Project.RuleFolder> = []
    for (const folder of inside) {
      const dotFolder = path.join(folder, Project.folder)
      const settings = path.join(dotFolder, "config.toml")
      // A project that contains the home folder: this file is the user's own.
      if (settings === locations.userFile) continue
      const decision = Project.decide(base, [folder, root, repository])
      if (decision?.trust !== "untrusted") {
        rules.push({
          path: path.join(dotFolder, Project.rulesFolder),
          mayAllow: decision?.trust === "trusted",
          within: root
        })
      }
      const file = yield* Effect.mapError(
        projectFiles.read(settings, root),
        unreadable("project config file", settings)
      )
      if (file === undefined) continue
      const reason = Project.disabledReason(decision, root, locations.userFile)
      const layer = layerOf({ type: "project", dotCodexFolder: dotFolder }, file, reason)
      layers.push(layer)
      if (decision === undefined) undecided.add(layer)
    }
    return { layers, undecided, rules, trust: Project.decide(base, [start, root, repository])?.trust }
  })

  const kept = new Map<string, Stack>()
  let keptBase: Pick<Stack, "layers" | "merged"> = { layers: [], merged: empty }
  /** All layers except the project's, merged. They decide where the project is and whether it is trusted. */
  const baseOf = (layers: ReadonlyArray<Layer>): Table => {
    if (!sameLayers(keptBase.layers, layers)) keptBase = { layers, merged: mergeLayers(layers) }
    return keptBase.merged
  }

  const load: Layers["load"] = Effect.fnUntraced(function* ({ folder, overrides }) {
    const system = yield* read(locations.systemFile)
    const user = yield* read(locations.userFile)
    const { profile } = locations
    const profiled = profile === undefined ? undefined : yield* read(profile.file)
    const managed = yield* read(locations.managedFile)
    const start = folder === undefined ? undefined : path.resolve(locations.cwd, folder)
    const deep = Object.keys(overrides).find(
      (key) => levelsOf(key) > MaxDepth || isDeeperThan(overrides[key], MaxDepth)
    )
    if (deep !== undefined) yield* tooDeep(deep)
    const flags = flagsWith(overrides, start ?? locations.cwd)
    const above: ReadonlyArray<Layer> = [
      ...(managed === undefined
        ? []
        : [layerOf({ type: "legacyManagedConfigTomlFromFile", file: locations.managedFile }, managed)]),
      ...(Object.keys(flags.table).length === 0
        ? []
        : [{ source: { type: "sessionFlags" }, file: undefined, content: flags, disabledReason: null } as const])
    ]
    const below: ReadonlyArray<Layer> = [
      ...(profile === undefined || profiled === undefined
        ? []
        : [layerOf({ type: "user", file: profile.file, profile: profile.name }, profiled)]),
      layerOf({ type: "user", file: locations.userFile, profile: null }, user),
      layerOf({ type: "system", file: locations.systemFile }, system)
    ]
    const project =
      start === undefined
        ? { layers: [], undecided: new Set<Layer>(), rules: [], trust: undefined }
        : yield* projectLayers(baseOf([...above, ...below]), start)
    const layers = [...above, ...project.layers, ...below]

    const key = start ?? ""
    const last = kept.get(key)
    if (
      last !== undefined &&
      last.trust === project.trust &&
      sameFolders(last.projectRules, project.rules) &&
      sameLayers(last.layers, layers)
    ) {
      return last
    }
    const merged = mergeLayers(layers)
    const stack: Stack = {
      layers,
      merged,
      trust: project.trust,
      projectRules: project.rules,
      diagnostic: firstDiagnostic(layers, merged),
      undecided: project.trust === undefined ? suggestionOf(layers, project.undecided) : undefined
    }
    if (flags === flagContent) {
      if (kept.size >= keptStacks) kept.clear()
      kept.set(key, stack)
    }
    return stack
  })

  const managed = Effect.map(read(locations.managedFile), (file) =>
    file === undefined ? undefined : { file: locations.managedFile, content: file.value }
  )

  return { load, managed }
})

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
