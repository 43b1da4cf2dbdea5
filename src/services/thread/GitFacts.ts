/**
 * What a thread records about the repository of its working folder: commit, branch and the address of `origin`.
 *
 * Read from the repository's own files, without running git. What cannot be read is null. Credentials in an address are left
 * out. Does not own when it is recorded (`Thread`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type * as Path from "effect/Path"
import type { GitInfo } from "../../protocol/v2/thread/Thread.ts"
import { type SmallFiles, text } from "../config/SmallFiles.ts"

/** Maximum number of bytes of a file of the repository. */
const MaxBytes = 1024 * 1024

/** Maximum number of parent folders that are searched for a repository. */
const MaxParents = 64

const sha = /^[0-9a-f]{40,64}$/

/** The address without user name and password. */
export const withoutCredentials = (url: string): string => url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, "$1")

/** The address of the remote `origin` in a configuration of git. */
export const originIn = (config: string): string | null => {
  let inOrigin = false
  for (const line of config.split("\n")) {
    const section = /^\s*\[([^\]]*)\]/.exec(line)?.[1]
    if (section !== undefined) inOrigin = /^remote\s+"origin"$/.test(section.trim())
    const url = inOrigin ? /^\s*url\s*=\s*(.+?)\s*$/.exec(line)?.[1] : undefined
    if (url !== undefined) return withoutCredentials(url)
  }
  return null
}

/** The commit of a reference in the file of packed references. */
export const packedIn = (packed: string, reference: string): string | null => {
  const line = packed.split("\n").find((each) => each.endsWith(` ${reference}`))
  const found = line?.slice(0, -reference.length - 1) ?? ""
  return sha.test(found) ? found : null
}

export const make = (files: SmallFiles["Service"], path: Path.Path) => {
  const read = (...parts: ReadonlyArray<string>): Effect.Effect<string | null> =>
    text(files, path.join(...parts), { maxBytes: MaxBytes, namedBy: "client" }).pipe(
      Effect.map((found) => found?.trim() ?? null),
      Effect.orElseSucceed(() => null)
    )

  /** The folder of the repository's data for this folder or its nearest parent that has one. */
  const dataFolder = Effect.fnUntraced(function* (cwd: string) {
    const folders = [cwd]
    for (
      let parent = path.dirname(cwd);
      parent !== folders.at(-1) && folders.length < MaxParents;
      parent = path.dirname(parent)
    )
      folders.push(parent)
    const found = (yield* files.exist(folders.map((folder) => path.join(folder, ".git")))).indexOf(true)
    const root = folders[found]
    if (root === undefined) return null
    const data = path.join(root, ".git")
    // A worktree has a file that names the folder.
    const link = /^gitdir: (.+)$/m.exec((yield* read(data)) ?? "")?.[1]
    return link === undefined ? data : path.resolve(root, link)
  })

  /** The facts of a folder; null outside of repositories. */
  return Effect.fnUntraced(function* (cwd: string): Effect.fn.Return<GitInfo | null> {
    const data = yield* dataFolder(cwd)
    const head = data === null ? null : yield* read(data, "HEAD")
    if (data === null || head === null) return null
    const common = yield* read(data, "commondir")
    const shared = common === null ? data : path.resolve(data, common)
    const originUrl = originIn((yield* read(shared, "config")) ?? "")
    const reference = /^ref: (refs\/[^\s]+)$/.exec(head)?.[1]
    if (reference === undefined || reference.includes(".."))
      return { sha: sha.test(head) ? head : null, branch: null, originUrl }
    const loose = (yield* read(data, reference)) ?? (yield* read(shared, reference))
    const commit =
      loose !== null && sha.test(loose) ? loose : packedIn((yield* read(shared, "packed-refs")) ?? "", reference)
    const branch = reference.startsWith("refs/heads/") ? reference.slice("refs/heads/".length) : null
    return { sha: commit, branch, originUrl }
  })
}
