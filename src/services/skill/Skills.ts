/**
 * The skills of the user and of projects: folders with a `SKILL.md`.
 *
 * Owns where skills are searched and which of them are enabled. Does not own what a model does with a skill. Files are read for
 * each request: nothing is cached, so an edited skill is current.
 *
 * | folder | scope |
 * |---|---|
 * | `.agents/skills` of the working folder and of those above it, up to the project's root; `.codex/skills` of the working folder | `repo` |
 * | `skills` of the server's home, `.agents/skills` of the user's home, the folders that a client adds | `user` |
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import type { SkillMetadata, SkillsListEntry } from "../../protocol/v2/skill/Skill.ts"
import { isTable } from "../config/Table.ts"
import * as SmallFiles from "../config/SmallFiles.ts"
import { parseHeader } from "./SkillFile.ts"

/** Size limit of a skill's file, in bytes. */
export const MaxBytes = 256 * 1024

/** Folders below a root that are searched. Further ones are left out. */
export const MaxFolders = 512

/** Depth of a skill below its root. */
export const MaxDepth = 6

/** Folders above the working folder in which the project's root is searched. */
const MaxAbove = 32

const fileName = "SKILL.md"

interface Root {
  readonly path: string
  readonly scope: SkillMetadata["scope"]
  /** Who chose the folder. */
  readonly namedBy: SmallFiles.NamedBy
}

/** Where skills are, and which are off. */
export interface SkillOptions {
  /** Absolute path of the server's home. */
  readonly home: string
  /** Absolute path of the user's home; undefined when it is not known. */
  readonly userHome: string | undefined
  /** Folders that clients added. */
  readonly extraRoots: ReadonlyArray<string>
  /** See `switchesIn`. */
  readonly switches: ReadonlyArray<Switch>
}

type Found = { readonly skill: SkillMetadata } | { readonly error: SkillsListEntry["errors"][number] }

/** A switch in `skills.config`, by the path of a skill or by its name. */
export interface Switch {
  readonly path?: unknown
  readonly name?: unknown
  readonly enabled?: unknown
}

/** The switches of a configuration. */
export const switchesIn = (settings: Readonly<Record<string, unknown>>): ReadonlyArray<Switch> => {
  const skills = settings["skills"]
  const entries = isTable(skills) ? skills["config"] : undefined
  return Array.isArray(entries) ? entries.filter(isTable) : []
}

const isEnabled = (switches: ReadonlyArray<Switch>, path: string, name: string): boolean =>
  !switches.some((entry) => entry.enabled === false && (entry.path === path || entry.name === name))

const byPath = (left: { readonly path: string }, right: { readonly path: string }) => (left.path < right.path ? -1 : 1)

const byName = (left: SkillMetadata, right: SkillMetadata) =>
  left.name === right.name ? byPath(left, right) : left.name < right.name ? -1 : 1

/** The services that the search needs. */
export type Platform = FileSystem.FileSystem | Path.Path | SmallFiles.SmallFiles

const exists = (found: string) => FileSystem.FileSystem.use((fs) => Effect.orElseSucceed(fs.exists(found), () => false))

/** The working folder and those above it, up to the project's root; only the working folder when there is no project. */
const projectFolders = Effect.fnUntraced(function* (cwd: string) {
  const path = yield* Path.Path
  const folders = [cwd]
  for (let folder = cwd; folders.length <= MaxAbove;) {
    if (yield* exists(path.join(folder, ".git"))) return folders
    const above = path.dirname(folder)
    if (above === folder) break
    folders.push(above)
    folder = above
  }
  return [cwd]
})

const rootsOf = Effect.fnUntraced(function* (cwd: string, { extraRoots, home, userHome }: SkillOptions) {
  const path = yield* Path.Path
  const repo = (yield* projectFolders(cwd)).map((folder) => path.join(folder, ".agents", "skills"))
  const user = [
    path.join(home, "skills"),
    ...(userHome === undefined ? [] : [path.join(userHome, ".agents", "skills")])
  ]
  const roots = (paths: ReadonlyArray<string>, rest: Omit<Root, "path">) =>
    paths.map((path): Root => ({ path, ...rest }))
  return [
    ...roots([...repo, path.join(cwd, ".codex", "skills")], { scope: "repo", namedBy: "client" }),
    ...roots(user, { scope: "user", namedBy: "server" }),
    ...roots(extraRoots, { scope: "user", namedBy: "client" })
  ]
})

const readSkill = Effect.fnUntraced(function* (
  folder: string,
  { namedBy, scope }: Root,
  switches: ReadonlyArray<Switch>
): Effect.fn.Return<Found, never, Path.Path | SmallFiles.SmallFiles> {
  const path = yield* Path.Path
  const file = path.join(folder, fileName)
  const read = yield* Effect.result(
    SmallFiles.text(yield* SmallFiles.SmallFiles, file, { maxBytes: MaxBytes, namedBy })
  )
  if (Result.isFailure(read)) return { error: { path: file, message: read.failure.detail } }
  const { parse } = yield* Effect.promise(() => import("effect/encoding/Yaml"))
  const header = parseHeader(read.success ?? "", path.basename(folder), parse)
  if (Result.isFailure(header)) return { error: { path: file, message: header.failure } }
  const enabled = isEnabled(switches, file, header.success.name)
  return { skill: { ...header.success, path: file, scope, enabled, pluginId: null } }
})

/** The folders of skills below a root, with links resolved. A skill has no skills in it. Hidden folders are left out. */
const foldersIn = Effect.fnUntraced(function* (root: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const found: Array<string> = []
  const seen = new Set<string>()
  let level: ReadonlyArray<string> = [root]
  for (let depth = 0; depth <= MaxDepth && level.length > 0; depth++) {
    const next: Array<string> = []
    for (const named of level) {
      const folder = yield* Effect.orElseSucceed(fs.realPath(named), () => undefined)
      if (folder === undefined || seen.has(folder) || seen.size >= MaxFolders) continue
      seen.add(folder)
      if (depth > 0 && (yield* exists(path.join(folder, fileName)))) {
        found.push(folder)
        continue
      }
      const children = yield* Effect.orElseSucceed(fs.readDirectory(folder), (): Array<string> => [])
      next.push(...children.filter((name) => !name.startsWith(".")).map((name) => path.join(folder, name)))
    }
    level = next
  }
  return found
})

/** The skills of a working folder, and the files that are no valid skills. */
export const list = Effect.fnUntraced(function* (
  cwd: string,
  options: SkillOptions
): Effect.fn.Return<Omit<SkillsListEntry, "cwd">, never, Platform> {
  const seen = new Set<string>()
  const found: Array<Found> = []
  for (const root of yield* rootsOf(cwd, options)) {
    for (const folder of yield* foldersIn(root.path)) {
      if (seen.has(folder)) continue
      seen.add(folder)
      found.push(yield* readSkill(folder, root, options.switches))
    }
  }
  const skills = found.flatMap((entry) => ("skill" in entry ? [entry.skill] : []))
  const inScope = (scope: SkillMetadata["scope"]) => skills.filter((skill) => skill.scope === scope).sort(byName)
  return {
    skills: [...inScope("repo"), ...inScope("user")],
    errors: found.flatMap((entry) => ("error" in entry ? [entry.error] : [])).sort(byPath)
  }
})
