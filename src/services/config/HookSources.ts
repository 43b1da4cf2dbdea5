/**
 * Where the configuration has hooks: the layers with a `hooks` table, and the folders that may have a `hooks.json`.
 *
 * Owns which sources count: those of a project only when the user trusts it, and only those of the organisation when it requires
 * so. Whether the user has approved a hook comes from the user's file and the command line, never from a project. Does not own
 * the meaning of a hook, nor reading `hooks.json`.
 *
 * @module
 */
import type { ConfigLayerSource } from "../../protocol/v2/config/Config.ts"
import type { HookOrigin, HookSource, HookSources } from "./HookSource.ts"
import type { Stack } from "./Layers.ts"
import { counts } from "./Layers.ts"
import type { RuleFolder } from "./Project.ts"
import { empty, get, getTable, type Table } from "./Table.ts"

/** The file with hooks beside a configuration file. */
const fileName = "hooks.json"

const placeOf = (source: ConfigLayerSource): Omit<HookSource, "table"> => {
  switch (source.type) {
    case "system":
      return { path: source.file, origin: "system", isManaged: true }
    case "user":
      return { path: source.file, origin: "user", isManaged: false }
    case "project":
      return { path: `${source.dotCodexFolder}/config.toml`, origin: "project", isManaged: false }
    case "sessionFlags":
      return { path: "/<session-flags>/config.toml", origin: "sessionFlags", isManaged: false }
    case "legacyManagedConfigTomlFromFile":
      return { path: source.file, origin: "legacyManagedConfigFile", isManaged: true }
    default:
      return { path: "/<managed>/config.toml", origin: "unknown", isManaged: true }
  }
}

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")))

/** The `hooks.json` of a folder with settings or rules. The first two folders are the machine's and the home's. */
const files = (folders: ReadonlyArray<RuleFolder>, projects: ReadonlyArray<RuleFolder>): ReadonlyArray<HookSource> => {
  const [machine, home] = folders
  const beside = ({ path }: RuleFolder): string => `${folderOf(path)}/${fileName}`
  return [
    ...(machine === undefined ? [] : [{ path: beside(machine), origin: "system" as const, isManaged: true }]),
    ...(home === undefined ? [] : [{ path: beside(home), origin: "user" as const, isManaged: false }]),
    ...projects
      .filter(({ mayAllow }) => mayAllow)
      .toReversed()
      .map((folder) => ({
        path: beside(folder),
        origin: "project" as const,
        isManaged: false,
        ...(folder.within === undefined ? {} : { within: folder.within })
      }))
  ]
}

/** Only the user decides about hooks: a project that could approve its own would need no approval. */
const statesIn = (stack: Stack): Table =>
  stack.layers
    .filter(({ source }) => source.type === "user" || source.type === "sessionFlags")
    .toReversed()
    .reduce<Table>((states, { content }) => {
      const hooks = getTable(content.table, "hooks")
      return { ...states, ...(hooks === undefined ? empty : (getTable(hooks, "state") ?? empty)) }
    }, empty)

/** The sources in the order of their precedence, the lowest first. A `hooks.json` comes in front of the table beside it. */
export const hookSourcesOf = (
  stack: Stack,
  demands: Table | undefined,
  folders: ReadonlyArray<RuleFolder>
): HookSources => {
  const jsons = files(folders, stack.projectRules)
  const tables = stack.layers
    .filter(counts)
    .toReversed()
    .flatMap(({ content, source }): ReadonlyArray<HookSource> => {
      const table = get(content.table, "hooks")
      return table === undefined ? [] : [{ ...placeOf(source), table }]
    })
  const rank: ReadonlyArray<HookOrigin> = ["system", "user", "project", "sessionFlags"]
  const rankOf = ({ origin }: HookSource): number => (rank.indexOf(origin) + rank.length + 1) % (rank.length + 1)
  const required = demands === undefined ? undefined : get(demands, "hooks")
  const managed: ReadonlyArray<HookSource> =
    required === undefined
      ? []
      : [{ path: "/<managed-requirements>/requirements.toml", origin: "system", isManaged: true, table: required }]
  const own = [...jsons, ...tables].toSorted((left, right) => rankOf(left) - rankOf(right))
  const managedOnly = demands !== undefined && get(demands, "allow_managed_hooks_only") === true
  return {
    sources: [...managed, ...(managedOnly ? own.filter(({ isManaged }) => isManaged) : own)],
    states: statesIn(stack)
  }
}
