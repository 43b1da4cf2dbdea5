/**
 * Which settings a project may make: none, unless the user trusts it, and even then none that redirect requests or
 * credentials. Until the user has decided, a project may only restrict a thread (see `Undecided`).
 *
 * @module
 */
import type * as Path from "effect/Path"
import { get, getTable, getText, isTable, type Table } from "./Table.ts"

/** The folder of a project with its `config.toml`. */
export const folder = ".codex"

/** Size limit of a project's file in bytes. Parsing delays all clients, so the limit is lower than for the user's file. */
export const MaxBytes = 256 * 1024

/** The folder with rules about commands, in a project's folder and in the home. */
export const rulesFolder = "rules"

/** A folder of `*.rules` files. */
export interface RuleFolder {
  /** Absolute. It may not exist. */
  readonly path: string
  /** False for a project without a trust decision: its rules may forbid or ask, but never allow. */
  readonly mayAllow: boolean
  /** The root of the project; links in its files must not leave it. Undefined for a folder of the server. */
  readonly within?: string
}

export const defaultMarkers: ReadonlyArray<string> = [".git"]

/**
 * The names that mark a project's root, from the layers below the project. With an empty list, every folder is a project.
 */
export const markersOf = (settings: Table): ReadonlyArray<string> => {
  const markers = get(settings, "project_root_markers")
  return Array.isArray(markers) ? markers.filter((marker) => typeof marker === "string") : defaultMarkers
}

/** Number of folders, upwards from the working folder, that are searched. Real trees are less deep; a path can be deeper. */
export const MaxFolders = 128

/** The folder and its ancestors, nearest first, up to `MaxFolders`. */
export const ancestors = (path: Path.Path, folder: string): Array<string> => {
  const folders: Array<string> = []
  for (let at = folder; folders.length < MaxFolders; at = path.dirname(at)) {
    folders.push(at)
    if (at === path.dirname(at)) break
  }
  return folders
}

export type Trust = "trusted" | "untrusted"

/** The user's trust decision, and the folder of its entry in `projects`. */
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

/** Why a project's layer is disabled; null when it is enabled. */
export const disabledReason = (decision: Decision | undefined, root: string, userFile: string): string | null => {
  if (decision === undefined) {
    return `To load project-local config, hooks, and exec policies, add ${root} as a trusted project in ${userFile}.`
  }
  return decision.trust === "trusted"
    ? null
    : `${decision.folder} is marked as untrusted in the effective configuration. To load project-local config, hooks, and exec policies, update its trust setting. If that setting is managed by your organization, contact your administrator.`
}

/**
 * Settings that select servers, accounts or programs to run. A project may never set them. Warnings list them in this order.
 */
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

/** `table` without the settings that a project may not make, and the removed keys. */
export const withoutReserved = (table: Table): { readonly table: Table; readonly ignored: ReadonlyArray<string> } => {
  const ignored = reservedForUser.filter((key) => Object.hasOwn(table, key))
  if (ignored.length === 0) return { table, ignored }
  return { table: Object.fromEntries(Object.entries(table).filter(([key]) => !ignored.includes(key))), ignored }
}
