/**
 * The layers of the project that a folder belongs to, nearest first.
 *
 * Owns where the project begins and which of its folders have settings and rules. Whether it is trusted is in `Project`.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import { ConfigError } from "./ConfigError.ts"
import type { Layer } from "./ConfigLayer.ts"
import { layerOf, type LayerFiles } from "./LayerFiles.ts"
import * as Project from "./Project.ts"
import { SmallFiles } from "./SmallFiles.ts"
import type { Table } from "./Table.ts"

export interface ProjectLayers {
  readonly layers: ReadonlyArray<Layer>
  /** The layers of folders without a trust decision. */
  readonly undecided: ReadonlySet<Layer>
  readonly rules: ReadonlyArray<Project.RuleFolder>
  readonly trust: Project.Trust | undefined
}

/** No project. */
export const none: ProjectLayers = { layers: [], undecided: new Set(), rules: [], trust: undefined }

/** Limit on the markers of a project's root. Each is searched for in every folder above the working folder. */
const MaxMarkers = 32

const tooManyMarkers = (): ConfigError =>
  new ConfigError({
    reason: "value",
    location: "",
    detail: `more than ${MaxMarkers} names`,
    key: "project_root_markers"
  })

/** Reads the project of a folder. `base` is the configuration below the project. */
export type Read = (base: Table, folder: string) => Effect.Effect<ProjectLayers, ConfigError>

/** `userFile` belongs to the user also where a project contains the home folder. */
export const make = Effect.fnUntraced(function* (
  files: LayerFiles,
  userFile: string
): Effect.fn.Return<Read, never, Path.Path | SmallFiles> {
  const smallFiles = yield* SmallFiles
  const path = yield* Path.Path

  /** The nearest of the folders with one of the markers. */
  const rootOf = Effect.fnUntraced(function* (folders: ReadonlyArray<string>, markers: ReadonlyArray<string>) {
    const candidates = folders.flatMap((folder) => markers.map((marker) => path.join(folder, marker)))
    const found = (yield* smallFiles.exist(candidates)).indexOf(true)
    return found === -1 ? undefined : folders[Math.floor(found / markers.length)]
  })

  /** The root of the project of `start`, and the root of the repository, which a decision may name instead. */
  const rootsOf = Effect.fnUntraced(function* (base: Table, start: string, folders: ReadonlyArray<string>) {
    const markers = Project.markersOf(base)
    if (markers.length > MaxMarkers) return yield* tooManyMarkers()
    const root = (yield* rootOf(folders, markers)) ?? start
    if (markers === Project.defaultMarkers) return { root, repository: root }
    return { root, repository: (yield* rootOf(folders, Project.defaultMarkers)) ?? root }
  })

  return Effect.fnUntraced(function* (base, start) {
    const folders = Project.ancestors(path, start)
    const { repository, root } = yield* rootsOf(base, start, folders)
    const layers: Array<Layer> = []
    const undecided = new Set<Layer>()
    const rules: Array<Project.RuleFolder> = []
    for (const folder of folders.slice(0, folders.indexOf(root) + 1)) {
      const dotFolder = path.join(folder, Project.folder)
      const settings = path.join(dotFolder, "config.toml")
      if (settings === userFile) continue
      const decision = Project.decide(base, [folder, root, repository])
      if (decision?.trust !== "untrusted") {
        const mayAllow = decision?.trust === "trusted"
        rules.push({ path: path.join(dotFolder, Project.rulesFolder), mayAllow, within: root })
      }
      const file = yield* files.readProject(settings, root)
      if (file === undefined) continue
      const reason = Project.disabledReason(decision, root, userFile)
      const layer = layerOf({ type: "project", dotCodexFolder: dotFolder }, file, reason)
      layers.push(layer)
      if (decision === undefined) undecided.add(layer)
    }
    return { layers, undecided, rules, trust: Project.decide(base, [start, root, repository])?.trust }
  })
})
