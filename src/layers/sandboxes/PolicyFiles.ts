/**
 * Resolves a sandbox policy to writable roots and protected paths, with Node's file system.
 *
 * Writable are the working folder, the roots of the policy, `/tmp` and `$TMPDIR`, as the policy says. In each root the names
 * of `ProtectedNames` are read-only; if `.git` is a file of a worktree or of a submodule, so are the folders that it names.
 * Symbolic links are resolved. A root that does not exist is left out.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import type { SandboxPolicy } from "../../protocol/v2/thread/Settings.ts"
import {
  type AccessEntry,
  type FileAccess,
  isWithin,
  permits,
  ProtectedNames,
  WriteDenied
} from "../../services/sandbox/FileAccess.ts"

/** What the entries depend on besides the policy. */
export interface Options {
  /** The value of `TMPDIR`; undefined when it is not set. */
  readonly tmpdir: string | undefined
  /** Absolute paths that stay read-only in every writable root, such as the server's home. */
  readonly protect: ReadonlyArray<string>
}

/** Limit on the length of a `.git` file, in bytes. A longer one names no folder. */
const MaxGitFile = 4096

/** Limit on writable roots. A policy with more is resolved to the first ones. */
export const MaxRoots = 256

const unrestricted: FileAccess = {
  scope: "all",
  entries: [],
  mayWrite: () => Effect.succeed(true),
  hold: (path) => Effect.succeed(path)
}

/** Resolves a policy. Never fails: what cannot be examined is not writable. */
export const resolve = (policy: SandboxPolicy, cwd: string, options: Options): Effect.Effect<FileAccess> => {
  switch (policy.type) {
    case "dangerFullAccess":
    case "externalSandbox":
      return Effect.succeed(unrestricted)
    case "readOnly":
      return Effect.succeed(restricted([]))
    case "workspaceWrite":
      return Effect.map(
        Effect.promise(() => entriesOf(policy, cwd, options)),
        restricted
      )
  }
}

const restricted = (entries: ReadonlyArray<AccessEntry>): FileAccess => ({
  scope: "entries",
  entries,
  mayWrite: (path) =>
    Effect.map(
      Effect.promise(() => canonical(path)),
      (real) => mayWriteTo(entries, real)
    ),
  hold: (path) => hold(entries, path)
})

const mayWriteTo = (entries: ReadonlyArray<AccessEntry>, path: string | undefined): boolean =>
  path !== undefined && permits(entries, folded(path))

/** On file systems that ignore case, a protected name is protected in every spelling. */
const folded = (path: string): string =>
  process.platform === "linux"
    ? path
    : path
        .split("/")
        .map((name) => (ProtectedNames.includes(name.toLowerCase()) ? name.toLowerCase() : name))
        .join("/")

const entriesOf = async (
  policy: Extract<SandboxPolicy, { type: "workspaceWrite" }>,
  cwd: string,
  { protect, tmpdir }: Options
): Promise<ReadonlyArray<AccessEntry>> => {
  const wanted = [
    cwd,
    ...policy.writableRoots,
    ...(policy.excludeSlashTmp ? [] : ["/tmp"]),
    ...(policy.excludeTmpdirEnvVar || tmpdir === undefined ? [] : [tmpdir])
  ]
  const isRoot = (path: string, index: number, all: ReadonlyArray<string>) =>
    Path.isAbsolute(path) && all.indexOf(path) === index
  const roots = (await Promise.all(wanted.filter(isRoot).slice(0, MaxRoots).map(rootEntry))).flat()
  const below = await Promise.all(roots.filter(({ kind }) => kind === "folder").map(({ path }) => protectedIn(path)))
  const kept = (await Promise.all(protect.map(protectedPath))).flat()
  const entries = new Map<string, AccessEntry>()
  for (const entry of [...below.flat(), ...kept]) entries.set(entry.path, entry)
  for (const entry of roots) entries.set(entry.path, entry)
  // A protected path outside of every root is read-only without an entry.
  const isNeeded = ({ access, path }: AccessEntry) =>
    access === "write" || roots.some((root) => root.path !== path && isWithin(path, root.path))
  return [...entries.values()].filter(isNeeded).sort((one, other) => (one.path < other.path ? -1 : 1))
}

const rootEntry = async (path: string): Promise<ReadonlyArray<AccessEntry>> => {
  const real = await quietly(Fs.promises.realpath(path))
  const stat = real === undefined ? undefined : await quietly(Fs.promises.stat(real))
  return real === undefined || stat === undefined
    ? []
    : [{ path: real, access: "write", kind: stat.isDirectory() ? "folder" : "file" }]
}

const protectedIn = async (root: string): Promise<ReadonlyArray<AccessEntry>> => {
  const found = await Promise.all(ProtectedNames.map((name) => protectedPath(Path.join(root, name))))
  const gitFile = found.flat().find(({ kind, path }) => kind === "file" && Path.basename(path) === ".git")
  return gitFile === undefined ? found.flat() : [...found.flat(), ...(await gitFolders(gitFile.path))]
}

/** The entry of a path that is protected, and of its target when it is a link. */
const protectedPath = async (path: string): Promise<ReadonlyArray<AccessEntry>> => {
  const stat = await quietly(Fs.promises.lstat(path))
  if (stat === undefined) return [{ path, access: "read", kind: "missing" }]
  if (stat.isDirectory()) return [{ path, access: "read", kind: (await isEmpty(path)) ? "missing" : "folder" }]
  if (!stat.isSymbolicLink()) return [{ path, access: "read", kind: "file" }]
  const link: AccessEntry = { path, access: "read", kind: "link" }
  const target = await rootEntry(path)
  return [link, ...target.map((entry): AccessEntry => ({ ...entry, access: "read" }))]
}

/** Whether a folder has no entry. One that cannot be read counts as not empty. */
const isEmpty = async (path: string): Promise<boolean> => {
  const folder = await quietly(Fs.promises.opendir(path))
  if (folder === undefined) return false
  try {
    return (await folder.read()) === null
  } catch {
    return false
  } finally {
    await folder.close()
  }
}

/** The folder that a `.git` file names, and the folder of the repository that it belongs to. */
const gitFolders = async (gitFile: string): Promise<ReadonlyArray<AccessEntry>> => {
  const named = /^gitdir:[ \t]*(.+?)[ \t\r]*$/m.exec(await head(gitFile))?.[1]
  if (named === undefined) return []
  const folder = Path.resolve(Path.dirname(gitFile), named)
  const common = (await head(Path.join(folder, "commondir"))).trim()
  const folders = common === "" ? [folder] : [folder, Path.resolve(folder, common)]
  const entries = (await Promise.all(folders.map(rootEntry))).flat()
  return entries.map((entry): AccessEntry => ({ ...entry, access: "read" }))
}

const readFlags = Fs.constants.O_RDONLY | (Fs.constants.O_NONBLOCK ?? 0) | (Fs.constants.O_NOFOLLOW ?? 0)

/** The text of a small file; empty for any other. */
const head = async (path: string): Promise<string> => {
  const file = await quietly(Fs.promises.open(path, readFlags))
  if (file === undefined) return ""
  try {
    const stat = await file.stat()
    if (!stat.isFile() || stat.size > MaxGitFile) return ""
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MaxGitFile), 0, MaxGitFile, 0)
    return buffer.toString("utf8", 0, bytesRead)
  } catch {
    return ""
  } finally {
    await file.close()
  }
}

/** The path without links, also when its last parts do not exist. Undefined when it cannot be determined. */
const canonical = async (path: string): Promise<string | undefined> => {
  const missing: Array<string> = []
  let rest = Path.resolve(path)
  while (true) {
    try {
      return Path.join(await Fs.promises.realpath(rest), ...missing)
    } catch (error) {
      if (codeOf(error) !== "ENOENT") return undefined
    }
    // A link without a target exists, although its real path does not: a write through it would create the target.
    if ((await quietly(Fs.promises.lstat(rest))) !== undefined) return undefined
    missing.unshift(Path.basename(rest))
    rest = Path.dirname(rest)
  }
}

const folderFlags = Fs.constants.O_RDONLY | (Fs.constants.O_DIRECTORY ?? 0)

const hold = (entries: ReadonlyArray<AccessEntry>, path: string) =>
  Effect.gen(function* () {
    const denied = new WriteDenied({ path })
    const target = yield* Effect.promise(() => canonical(path))
    if (target === undefined) return yield* denied
    const handle = yield* Effect.acquireRelease(
      Effect.tryPromise({ try: () => Fs.promises.open(Path.dirname(target), folderFlags), catch: () => denied }),
      (handle) => Effect.promise(() => handle.close())
    )
    const held = `/proc/self/fd/${handle.fd}`
    const opened = yield* Effect.promise(() => quietly(Fs.promises.readlink(held)))
    const folder = process.platform === "linux" ? opened : Path.dirname(target)
    if (folder === undefined || !mayWriteTo(entries, Path.join(folder, Path.basename(target)))) return yield* denied
    return process.platform === "linux" ? Path.join(held, Path.basename(target)) : target
  })

const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined)

const quietly = <A>(promise: Promise<A>): Promise<A | undefined> => promise.catch(() => undefined)
