/**
 * What a project may say about the server that works on it: nothing, unless the user trusts it; and even then nothing that
 * says where requests and credentials go. Until the user has decided, a project may narrow what a thread gets (see
 * `Undecided`).
 *
 * @module
 */
import type * as Path from "effect/Path"
import { get, getTable, getText, isTable, type Table } from "./Table.ts"

/** The folder of a project that holds its `config.toml`. */
export const folder = ".codex"

/** Bytes of a project's file. Parsing takes time that all clients pay for, so it is less than the user's own may have. */
export const MaxBytes = 256 * 1024

/** The folder of rules about commands, in a project's folder as in the home. */
export const rulesFolder = "rules"

/** A folder of `*.rules` files. */
export interface RuleFolder {
  /** Absolute. It need not exist. */
  readonly path: string
  /** False where nobody decided whether to trust the project: its rules may then forbid and ask, and never allow. */
  readonly mayAllow: boolean
  /** The root of the project, which its files may not leave by a link. Undefined for a folder of the server. */
  readonly within?: string
}

export const defaultMarkers: ReadonlyArray<string> = [".git"]

/** The names that mark the root of a project, from the layers below it. An empty list makes every folder its own project. */
export const markersOf = (settings: Table): ReadonlyArray<string> => {
  const markers = get(settings, "project_root_markers")
  return Array.isArray(markers) ? markers.filter((marker) => typeof marker === "string") : defaultMarkers
}

/** Folders above a working folder that are looked at, itself included: more than people nest, fewer than a path can hold. */
export const MaxFolders = 128

/** The folder and those above it, nearest first, up to `MaxFolders`. */
export const ancestors = (path: Path.Path, folder: string): Array<string> => {
  const folders: Array<string> = []
  for (let at = folder; folders.length < MaxFolders; at = path.dirname(at)) {
    folders.push(at)
    if (at === path.dirname(at)) break
  }
  return folders
}

export type Trust = "trusted" | "untrusted"

/** What the user decided about a folder, and which entry of `projects` says so. */
export interface Decision {
  readonly trust: Trust
  readonly folder: string
}

/** The decision about the first of `folders` that has one, nearest first. */
export const decide = (settings: Table, folders: ReadonlyArray<string>): Decision | undefined => {
  const projects = getTable(settings, "projects")
  if (projects === undefined) return undefined
  for (const candidate of folders) {
    const project = get(projects, candidate)
    const level = isTable(project) ? getText(project, "trust_level") : undefined
    if (level === "trusted" || level === "untrusted") return { trust: level, folder: candidate }
  }
  return undefined
}

/** Why a project's layer does not count; null where it does. */
export const disabledReason = (decision: Decision | undefined, root: string, userFile: string): string | null => {
  if (decision === undefined) {
    return `To load project-local config, hooks, and exec policies, add ${root} as a trusted project in ${userFile}.`
  }
  return decision.trust === "trusted"
    ? null
    : `${decision.folder} is marked as untrusted in the effective configuration. To load project-local config, hooks, and exec policies, update its trust setting. If that setting is managed by your organization, contact your administrator.`
}

/** Settings that choose servers, accounts or programs to run: never a project's, in the order they are told of. */
const reservedForUser: ReadonlyArray<string> = [
  "openai_base_url",
  "chatgpt_base_url",
  "apps_mcp_product_sku",
  "responses_api_metadata",
  "model_provider",
  "model_providers",
  "notify",
  "profile",
  "profiles",
  "experimental_realtime_ws_base_url",
  "experimental_realtime_webrtc_call_base_url",
  "otel"
]

/** `table` without what a project may not set, and the keys that were left out. */
export const withoutReserved = (table: Table): { readonly table: Table; readonly ignored: ReadonlyArray<string> } => {
  const ignored = reservedForUser.filter((key) => Object.hasOwn(table, key))
  if (ignored.length === 0) return { table, ignored }
  return { table: Object.fromEntries(Object.entries(table).filter(([key]) => !ignored.includes(key))), ignored }
}
